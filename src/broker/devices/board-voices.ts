import type { MqttUsers } from '../../account/mqtt-users.ts'
import { boardId } from '../../kernel/ids.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import type { PolicyWorld } from '../policy.ts'
import type { BoardLinks } from './board-links.ts'

/** Who speaks for a board over MQTT: the gateway that reaches it, or the board itself. */
export class BoardVoices {
  /** Boards that the gateway speaks for; the mirror adds those that it meets. */
  readonly served = new Set<string>()
  /** Those of them whose way is MQTT, so that they say themselves whether they are there. */
  readonly overMqtt = new Set<string>()
  readonly #registry: GatewayCore['registry']
  readonly #users: Pick<MqttUsers, 'hasBoard'>
  readonly #links: BoardLinks | undefined

  constructor(
    registry: GatewayCore['registry'],
    users: Pick<MqttUsers, 'hasBoard'>,
    links: BoardLinks | undefined,
  ) {
    this.#registry = registry
    this.#users = users
    this.#links = links
  }

  /** What the policy wants to know of boards. */
  readonly policy: Required<Pick<PolicyWorld, 'serves' | 'greets'>> = {
    serves: id => {
      const link = this.#linkOf(id)
      return link === undefined ? this.served.has(id) && !this.overMqtt.has(id) : link.kind !== 'mqtt'
    },
    greets: id => this.#linkOf(id) !== undefined,
  }

  /** It has a credential, and nobody else could answer its commands. */
  answersItself(id: string): boolean {
    if (!this.#users.hasBoard(id) || this.#linkOf(id) !== undefined) return false
    return !this.served.has(id) || this.#links?.speaksItself(id) === true
  }

  #linkOf(id: string) {
    return this.#registry.session(boardId(id))?.channel.link
  }
}
