import type { PublishPacket } from 'aedes'
import { RateLimit } from '../guard/rate-limit.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { Refusal } from './admission.ts'
import type { GuardedStream } from './connection/guarded-stream.ts'

/** Wrong secrets from one address; beyond it there is neither an answer nor a line in the log. */
const failuresPerMinute = 20
/** Where messages end that nobody is to see. */
const nowhere = '$pixelgate/refused'
const longestName = 64

/** A client that was not let in, or was cut off for what it kept sending. */
export interface Denial {
  readonly kind: 'connect' | 'flood'
  readonly address: string
  /** As it calls itself, up to 64 characters; null: it gave no name. */
  readonly user: string | null
  /** Whether that name was proved. */
  readonly known: boolean
  /** Of CONNACK (MQTT 3.1.1 §3.2.2.3); null for a flood. */
  readonly returnCode: number | null
}

export interface RefusalsParts {
  readonly clock: Clock
  readonly log: Log
  readonly maxRefusalsPerMinute: number
  readonly onDenied?: ((denial: Denial) => void) | undefined
  /** A command that was not. */
  readonly onRefusedCommand: (topic: string, payload: Buffer, reason: 'retained_command' | 'command') => void
}

/** What becomes of clients, messages and filters that the policy does not let pass. */
export class Refusals {
  readonly #parts: RefusalsParts
  readonly #failures: RateLimit
  readonly #refusals: RateLimit

  constructor(parts: RefusalsParts) {
    this.#parts = parts
    this.#failures = new RateLimit({ limit: failuresPerMinute, perMs: 60_000 }, parts.clock)
    this.#refusals = new RateLimit({ limit: parts.maxRefusalsPerMinute, perMs: 60_000 }, parts.clock)
  }

  /** False: there have been so many failures from there that it is cut off without an answer. */
  client(stream: GuardedStream, userName: string | undefined, { returnCode, reason }: Refusal): boolean {
    const { address } = stream
    const known = returnCode === 4 ? this.#failures.take(address) : 0
    if (known > 0) {
      stream.destroy()
      return false
    }
    const { log, onDenied } = this.#parts
    log.warn({ address, user: userName ?? null, returnCode, reason }, 'an MQTT client was not let in')
    const user = userName?.slice(0, longestName) ?? null
    onDenied?.({ kind: 'connect', address, user, known: false, returnCode })
    return true
  }

  subscription(stream: GuardedStream | undefined, filter: string, reason: string): void {
    this.#parts.log.info({ ...identity(stream), filter, reason }, 'an MQTT subscription was refused')
  }

  /** MQTT 3.1.1 has no word for it: the message is acknowledged and goes nowhere [MQTT-3.3.5-2]. */
  message(stream: GuardedStream, packet: PublishPacket, payload: Buffer, reason: string): void {
    const { topic, retain } = packet
    packet.topic = nowhere
    packet.payload = Buffer.alloc(0)
    packet.retain = false
    // A bridge of mosquitto may say there how it is, and means no harm.
    if (topic.startsWith('$SYS/')) return
    const { maxRefusalsPerMinute, log, onDenied, onRefusedCommand } = this.#parts
    if (this.#refusals.take(stream.id) > 0) {
      // A bridge passes on what others say; what is too much of it goes nowhere without another word.
      if (stream.principal?.access.startsWith('bridge')) return
      const { address, user } = identity(stream)
      onDenied?.({ kind: 'flood', address: address ?? '', user, known: true, returnCode: null })
      const words = `more than ${maxRefusalsPerMinute} refused messages in a minute`
      return stream.violate({ clause: 'limit', reason: words })
    }
    log.warn({ ...identity(stream), topic, retain, reason }, 'an MQTT message was refused')
    if (reason === 'retained_command' || reason === 'command') onRefusedCommand(topic, payload, reason)
  }
}

/** Nobody is to see it: it was refused. */
export const isRefused = ({ topic }: Pick<PublishPacket, 'topic'>): boolean => topic === nowhere

const identity = (stream: GuardedStream | undefined) => ({
  address: stream?.address ?? null,
  user: stream?.principal?.name ?? null,
})
