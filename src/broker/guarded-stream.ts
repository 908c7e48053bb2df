import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { MqttPrincipal } from '../account/mqtt-users.ts'
import type { RateLimit } from '../guard/rate-limit.ts'
import type { Clock, Timer } from '../kernel/clock.ts'
import { PacketSplitter } from './packet-splitter.ts'
import { RepeatedFilters } from './repeated-filters.ts'
import type { Violation } from './violation.ts'

/** From the connection to the CONNACK that welcomes. */
const connectTimeoutMs = 10_000
/** From the first byte of a packet to its last. */
const packetTimeoutMs = 60_000
/** A client that takes nothing of what waits for it is gone. */
const stalledTimeoutMs = 10_000
/** What may wait for a slow client before the broker waits for it. */
const maxOutgoingBytes = 256 * 1024
/** For the other side to take the last words. */
const lingerMs = 500

export interface GuardedStreamOptions {
  /** Unique among all connections; stands in the log. */
  readonly id: string
  readonly address: string
  /** Whether a client without a user name is let in. */
  readonly anonymous: boolean
  readonly clock: Clock
  readonly maxPacketBytes: number
  /** Packets a client may send; beyond it the gateway reads no faster. */
  readonly rate: RateLimit
  readonly onViolation: (violation: Violation) => void
}

/**
 * A client's socket as the broker sees it: whole, well-formed packets only. Nothing beyond CONNECT is read until the
 * client has been let in. Who breaks a rule is cut off here, and the broker knows only that the client went away.
 */
export class GuardedStream extends Duplex {
  readonly id: string
  readonly address: string
  readonly anonymous: boolean
  /** Set when the client has said who it is, and has been believed. */
  principal: MqttPrincipal | undefined
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #rate: RateLimit
  readonly #onViolation: (violation: Violation) => void
  readonly #splitter: PacketSplitter
  readonly #repeats = new RepeatedFilters()
  #state: 'connect' | 'held' | 'open' = 'connect'
  #chunk: Buffer = Buffer.alloc(0)
  #at = 0
  /** Checked, and waiting for its turn. */
  #waiting: Buffer | undefined
  #full = false
  /** The client sends nothing more. */
  #ended = false
  #connectTimer: Timer | undefined
  #packetTimer: Timer | undefined
  #stallTimer: Timer | undefined
  #turnTimer: Timer | undefined

  constructor(socket: Socket, options: GuardedStreamOptions) {
    super({ writableHighWaterMark: maxOutgoingBytes, allowHalfOpen: false, emitClose: true })
    this.#socket = socket
    this.id = options.id
    this.address = options.address
    this.anonymous = options.anonymous
    this.#clock = options.clock
    this.#rate = options.rate
    this.#onViolation = options.onViolation
    this.#splitter = new PacketSplitter(options.maxPacketBytes)
    this.#connectTimer = this.#deadline(connectTimeoutMs, {
      clause: 'limit',
      reason: `not let in within ${connectTimeoutMs / 1000} s`,
    })
    socket.on('data', (chunk: Buffer) => {
      this.#chunk = chunk
      this.#at = 0
      this.#pump()
    })
    socket.on('end', () => {
      this.#ended = true
      this.#pump()
    })
    socket.on('error', error => this.destroy(error))
    // What it said before it left is still worked off; before it was let in there is nothing of worth.
    socket.on('close', () => {
      if (!this.#ended || this.#state !== 'open') this.destroy()
    })
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** The client has been let in: reads on. */
  open(): void {
    this.#connectTimer?.cancel()
    if (this.#state !== 'held') return
    this.#state = 'open'
    this.#pump()
  }

  /** Cuts the connection for a broken rule. */
  violate(violation: Violation): void {
    if (this.destroyed) return
    this.#onViolation(violation)
    if (violation.returnCode !== undefined && this.#state === 'connect') {
      this.#socket.write(Uint8Array.of(0x20, 2, 0, violation.returnCode))
      this.destroy()
    } else {
      this.destroy(new Error(violation.reason))
    }
  }

  override _read(): void {
    this.#full = false
    this.#pump()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(chunk, done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: () => void): void {
    this.#socket.end()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    for (const timer of [this.#connectTimer, this.#packetTimer, this.#stallTimer, this.#turnTimer])
      timer?.cancel()
    this.#rate.forgive(this.id)
    this.#waiting = undefined
    this.#chunk = Buffer.alloc(0)
    if (error !== null) this.#socket.destroy()
    else this.#part()
    done(error)
  }

  /** A reset would take the last words back: ends the socket, and lets the other side close it. */
  #part(): void {
    if (this.#socket.destroyed) return
    this.#socket.removeAllListeners('data')
    this.#socket.resume()
    this.#socket.end()
    const timer = this.#clock.setTimer(lingerMs, () => this.#socket.destroy())
    this.#socket.on('close', () => timer.cancel())
  }

  /** Whole packets: the broker corks the stream for as long as it writes one. */
  #send(bytes: Buffer, done: (error?: Error | null) => void): void {
    if (!this.#socket.writable) return done()
    this.#stallTimer = this.#deadline(stalledTimeoutMs, {
      clause: 'limit',
      reason: `takes nothing of what waits for it, for ${stalledTimeoutMs / 1000} s`,
    })
    this.#socket.write(this.#repeats.give(bytes), error => {
      this.#stallTimer?.cancel()
      done(this.#ended ? null : error)
    })
  }

  /** Hands on what may go on, and reads while there is nothing to wait for. */
  #pump(): void {
    if (this.destroyed) return
    while (this.#mayGoOn()) {
      if (this.#waiting !== undefined) {
        if (!this.#forward(this.#waiting)) break
        continue
      }
      const next = this.#splitter.next(this.#chunk, this.#at)
      if (!next.ok) return this.violate(next.fault)
      this.#at = next.value.at
      if (next.value.packet === undefined) break
      this.#waiting = next.value.packet
    }
    this.#watchPacket()
    if (this.#at < this.#chunk.length || this.#waiting !== undefined || !this.#mayGoOn()) this.#socket.pause()
    else if (this.#ended) this.#finish()
    else this.#socket.resume()
  }

  #finish(): void {
    this.#full = true
    this.push(null)
  }

  #mayGoOn(): boolean {
    return this.#state !== 'held' && !this.#full && this.#turnTimer === undefined
  }

  /** False: not its turn yet. */
  #forward(packet: Buffer): boolean {
    const waitMs = this.#rate.take(this.id)
    if (waitMs > 0) {
      this.#turnTimer = this.#clock.setTimer(waitMs, () => {
        this.#turnTimer = undefined
        this.#pump()
      })
      return false
    }
    this.#waiting = undefined
    if (this.#state === 'connect') this.#state = 'held'
    if (!this.push(this.#repeats.take(packet))) this.#full = true
    return true
  }

  #watchPacket(): void {
    if (!this.#splitter.midPacket) {
      this.#packetTimer?.cancel()
      this.#packetTimer = undefined
    } else if (this.#packetTimer === undefined) {
      this.#packetTimer = this.#deadline(packetTimeoutMs, {
        clause: 'limit',
        reason: `a packet that is not complete within ${packetTimeoutMs / 1000} s`,
      })
    }
  }

  #deadline(delayMs: number, violation: Violation): Timer {
    return this.#clock.setTimer(delayMs, () => this.violate(violation))
  }
}
