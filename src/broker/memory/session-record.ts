import type { MqttPrincipal } from '../../account/mqtt-users.ts'
import type { Change } from '../../store/broker/changes.ts'
import type { KeptMessage } from './kept-message.ts'
import type { Entry, SessionQueue } from './session-queue.ts'
import type { LastingSubscription } from './subscription-tree.ts'

export type Filter = Omit<LastingSubscription, 'clientId'>

/** What lasts of one client. */
export interface Session {
  readonly id: number
  readonly clientId: string
  readonly principal: MqttPrincipal
  readonly filters: Map<string, Filter>
  readonly queue: SessionQueue
  /** Away before `sinceMs`, in earlier runs of the gateway too. */
  awayMs: number
  /** Of the clock: the beginning of this run, or the last sign of the client. */
  sinceMs: number
  /** As broker.db has it. */
  notedAwayMs: number
}

export const putSession = ({ id, clientId, principal, notedAwayMs }: Session): Change => ({
  name: 'putSession',
  args: [id, clientId, JSON.stringify(principal), notedAwayMs],
})

export const putFilter = ({ id }: Session, { topic, ...options }: Filter): Change => ({
  name: 'putFilter',
  args: [id, topic, JSON.stringify(options)],
})

export const putMessage = ({ seq, topic }: KeptMessage, payload: Buffer): Change => ({
  name: 'putMessage',
  args: [seq, topic],
  payload,
})

export const enqueue = ({ id }: Session, { seq, qos, packetId, message }: Entry): Change => ({
  name: 'enqueue',
  args: [id, seq, qos, packetId, message === undefined ? 1 : 0],
})
