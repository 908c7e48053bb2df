import type { Duplex } from 'node:stream'
import { RateLimit } from '../../guard/rate-limit.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { Door } from '../connection/door.ts'
import { GuardedStream } from '../connection/guarded-stream.ts'
import type { GuardedStreamOptions } from '../connection/guarded-stream-options.ts'
import { SendTurn } from '../connection/send-turn.ts'
import type { PacketCounts } from '../packets/packet-counts.ts'

export interface DoorkeeperOptions {
  readonly clock: Clock
  readonly log: Log
  readonly maxPacketBytes: number
  readonly maxClients: number
  readonly maxClientsPerAddress: number
  readonly maxMessagesPerSecond: number
  readonly counts: PacketCounts
  readonly onStream: (stream: GuardedStream) => void
}

/** Refused connections are logged so often at most. */
const refusalsPerMinute = 6

/** Lets connections in up to the caps, and knows all that are open. */
export class Doorkeeper {
  readonly #options: DoorkeeperOptions
  readonly #ofAll: GuardedStreamOptions
  readonly #refusals: RateLimit
  readonly #sockets = new Map<Duplex, GuardedStream>()
  readonly #perAddress = new Map<string, number>()
  #count = 0
  /** Connections that were turned away, and clients that were cut off for what they sent. */
  refused = 0
  violations = 0

  constructor(options: DoorkeeperOptions) {
    this.#options = options
    const { clock, log, maxPacketBytes, maxMessagesPerSecond, counts } = options
    this.#ofAll = {
      ...{ clock, maxPacketBytes, maxMessagesPerSecond, counts },
      turn: new SendTurn(),
      onViolation: (violation, who) => {
        this.violations++
        log.warn({ ...who, ...violation }, 'an MQTT client was cut off')
      },
    }
    this.#refusals = new RateLimit({ limit: refusalsPerMinute, perMs: 60_000 }, options.clock)
  }

  get count(): number {
    return this.#sockets.size
  }

  streams(): Iterable<GuardedStream> {
    return this.#sockets.values()
  }

  /** `from`: IP address of the client. */
  take(socket: Duplex, from: string | undefined, door: Door): void {
    const address = (from ?? '').replace(/^::ffff:/, '')
    this.#options.counts.sockets++
    const fromThere = this.#perAddress.get(address) ?? 0
    const { maxClients, maxClientsPerAddress, log } = this.#options
    if (this.#sockets.size >= maxClients || fromThere >= maxClientsPerAddress) {
      socket.destroy()
      this.refused++
      if (this.#refusals.take('') === 0)
        log.warn({ address, connections: this.#sockets.size, fromThere }, 'too many MQTT connections')
      return
    }
    const stream = new GuardedStream(socket, { id: String(++this.#count), address, door }, this.#ofAll)
    this.#sockets.set(socket, stream)
    this.#perAddress.set(address, fromThere + 1)
    socket.on('close', () => this.#left(socket, address))
    this.#options.onStream(stream)
  }

  /** Ends what is still open. */
  closeAll(): void {
    for (const [socket, stream] of this.#sockets) {
      stream.destroy()
      socket.destroy()
    }
  }

  #left(socket: Duplex, address: string): void {
    this.#sockets.delete(socket)
    const left = (this.#perAddress.get(address) ?? 1) - 1
    if (left > 0) this.#perAddress.set(address, left)
    else this.#perAddress.delete(address)
  }
}
