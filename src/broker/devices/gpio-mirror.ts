import type { GpioLineView } from '../../wire/gpio.ts'
import type { BrokerPart, BrokerPort } from '../broker-port.ts'

/** GPIO lines as topics: the state retained, each edge as an event. */
export class GpioMirror implements BrokerPart {
  readonly #lines: () => readonly GpioLineView[]
  readonly #edges = new Map<string, number>()
  #port: Pick<BrokerPort, 'topics' | 'publisher'> | undefined

  /** `lines`: all of them, as they are now. They may have been there before the broker. */
  constructor(lines: () => readonly GpioLineView[]) {
    this.#lines = lines
  }

  async start(port: Pick<BrokerPort, 'topics' | 'publisher'>): Promise<void> {
    this.#port = port
    this.#edges.clear()
    for (const line of this.#lines()) this.publish(line)
  }

  async stop(): Promise<void> {
    this.#port = undefined
  }

  /** A line has changed. */
  publish(line: GpioLineView): void {
    if (this.#port === undefined) return
    const { topics, publisher } = this.#port
    const { state, edge } = topics.gpio(line.name)
    const before = this.#edges.get(line.name)
    this.#edges.set(line.name, line.edges)
    void publisher.retain(state, line)
    if (before === undefined || before === line.edges) return
    const { active, edges, action, boardId, changedAt, monotonicMs } = line
    void publisher.send(edge, { active, edges, action, boardId, changedAt, monotonicMs })
  }
}
