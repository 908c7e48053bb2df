import type { PublishPacket } from 'aedes'
import type { MqttPrincipal } from '../../account/mqtt-users.ts'
import type { BrokerState } from '../../store/broker/broker-state.ts'
import type { Change } from '../../store/broker/changes.ts'
import type { Journal } from './journal.ts'
import { copyOf } from './kept-message.ts'

export type Will = Omit<PublishPacket, 'cmd' | 'dup'> & { brokerId?: string; clientId?: string }

/** A will that outlived the gateway which had the client's connection. */
export interface OrphanedWill {
  readonly clientId: string
  readonly principal: MqttPrincipal
  readonly topic: string
  readonly qos: 0 | 1 | 2
  readonly payload: Buffer
}

/** Whose will it is, as aedes has it. */
interface WillClient {
  readonly closed?: boolean
}

/**
 * aedes keeps wills with their connections and sends them itself. Those that are to be retained are stored as well: a kill of
 * the gateway ends a connection too, and a retained "online" would stay for ever.
 */
export class Wills {
  readonly #journal: Pick<Journal, 'note'>
  readonly #wills = new Map<string, { readonly will: Will; readonly client: WillClient }>()
  readonly #stored = new Map<string, Change>()
  readonly #orphans = new Map<string, OrphanedWill>()

  constructor(journal: Pick<Journal, 'note'>) {
    this.#journal = journal
  }

  load({ wills }: BrokerState, isKnown: (principal: MqttPrincipal) => boolean): void {
    for (const { clientId, principalJson, topic, qos, payload } of wills) {
      const principal = JSON.parse(principalJson) as MqttPrincipal
      if (!isKnown(principal)) this.#journal.note({ name: 'dropWill', args: [clientId] })
      else this.#orphans.set(clientId, { clientId, principal, topic, qos, payload: copyOf(payload) })
    }
  }

  snapshot(): Change[] {
    return [...this.#stored.values(), ...[...this.#orphans.values()].map(change)]
  }

  get(clientId: string): Will | undefined {
    return this.#wills.get(clientId)?.will
  }

  /** Whether there is one, be it of an earlier run. */
  has(clientId: string): boolean {
    return this.#wills.has(clientId) || this.#orphans.has(clientId)
  }

  all(): readonly Will[] {
    return [...this.#wills.values()].map(({ will }) => will)
  }

  /** Whether it is the will of a connection that goes on. */
  isOpen(clientId: string): boolean {
    return this.#wills.get(clientId)?.client.closed === false
  }

  put(client: WillClient & { readonly id: string }, principal: MqttPrincipal | undefined, will: Will): void {
    const clientId = client.id
    this.remove(clientId)
    this.#wills.set(clientId, { will, client })
    if (!will.retain || principal === undefined) return
    const { topic, qos, payload } = will
    const stored = change({ clientId, principal, topic, qos, payload: copyOf(payload) })
    this.#stored.set(clientId, stored)
    this.#journal.note(stored)
  }

  /** The client is back, or has gone in a way that sends its will now or not at all. */
  remove(clientId: string): Will | undefined {
    const will = this.get(clientId)
    this.#wills.delete(clientId)
    const orphaned = this.#orphans.delete(clientId)
    if (this.#stored.delete(clientId) || orphaned) this.#journal.note({ name: 'dropWill', args: [clientId] })
    return will
  }

  /** Those whose clients have not come back; they are in the caller's hands now. */
  takeOrphans(): readonly OrphanedWill[] {
    const all = [...this.#orphans.values()]
    for (const { clientId } of all) this.remove(clientId)
    return all
  }
}

const change = ({ clientId, principal, topic, qos, payload }: OrphanedWill): Change => ({
  name: 'putWill',
  args: [clientId, JSON.stringify(principal), topic, qos],
  payload,
})
