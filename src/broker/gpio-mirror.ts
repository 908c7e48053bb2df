import type { GpioLineView } from '../wire/gpio.ts'
import type { Publisher } from './publisher.ts'
import type { GatewayTopics } from './topics.ts'

/** GPIO lines as topics: the state retained, each edge as an event. For reading only. */
export class GpioMirror {
  readonly #topics: GatewayTopics
  readonly #publisher: Publisher
  readonly #edges = new Map<string, number>()

  constructor(topics: GatewayTopics, publisher: Publisher) {
    this.#topics = topics
    this.#publisher = publisher
  }

  publish(line: GpioLineView): void {
    const { state, edge } = this.#topics.gpio(line.name)
    const before = this.#edges.get(line.name)
    this.#edges.set(line.name, line.edges)
    void this.#publisher.retain(state, line)
    if (before === undefined || before === line.edges) return
    const { active, edges, action, boardId, changedAt } = line
    void this.#publisher.send(edge, { active, edges, action, boardId, changedAt })
  }
}
