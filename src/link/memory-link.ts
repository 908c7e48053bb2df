import type { Clock, Timer } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Passage } from './channel.ts'
import { type Link, writeCapBytes } from './link.ts'
import { LinkEvents } from './link-events.ts'

/** 8N1: start, eight data bits, stop. */
const bitsPerByte = 10
/** What a kernel usually takes ahead of the line; only bytes beyond it count as queued. */
const kernelBytes = 4096

/** Sums of byte times are floating point; a rest this small is none. */
const roundingMs = 1e-6

/** One direction of a pair. */
export interface MemoryDirection {
  /** From the end of the transmission to the delivery; default 0. */
  readonly latencyMs?: number
  /** What arrives of a write, and how long the line stands still before it (`Channel.pass`). */
  readonly pass?: (bytes: Uint8Array) => Passage
  /** The cable is pulled when exactly so many bytes have been delivered. */
  readonly cutAfterBytes?: number
}

export interface MemoryLinkOptions {
  readonly clock: Clock
  /** Bits per second at which each direction is paced; null: at once. Two ends at different rates receive nonsense. */
  readonly baudRate?: number | null
  readonly toBoard?: MemoryDirection
  readonly toHost?: MemoryDirection
  readonly address?: string
}

export interface MemoryLinkPair {
  readonly host: Link
  readonly board: Link
  /** Pulls the cable: what is under way is lost, both ends end with `link_lost`. */
  cut(): void
}

/** Two ends of a modelled line. Nothing is delivered within `write`, only by a timer of the clock, so virtual time works. */
export function memoryLinkPair(options: MemoryLinkOptions): MemoryLinkPair {
  const { clock, baudRate = null, address = 'memory' } = options
  const cut = () => {
    host.end(new AppError('link_lost', `${host.address} is gone: the cable was pulled.`))
    board.end(new AppError('link_lost', `${board.address} is gone: the cable was pulled.`))
  }
  const host = new MemoryLink(address, clock, baudRate, options.toBoard ?? {}, cut)
  const board = new MemoryLink(`${address} (board)`, clock, baudRate, options.toHost ?? {}, cut)
  host.connect(board)
  board.connect(host)
  return { host, board, cut }
}

interface Flight {
  readonly bytes: Uint8Array
  readonly atMs: number
  readonly baudRate: number | null
}

class MemoryLink implements Link {
  readonly kind = 'memory'
  readonly address: string
  baudRate: number | null
  readonly #clock: Clock
  readonly #direction: MemoryDirection
  readonly #cut: () => void
  readonly #events = new LinkEvents()
  #peer: MemoryLink | undefined
  readonly #flights: Flight[] = []
  #arrival: Timer | undefined
  #drain: Timer | undefined
  /** When the line has sent everything written so far. */
  #freeAtMs = 0
  #deliveredBytes = 0

  constructor(
    address: string,
    clock: Clock,
    baudRate: number | null,
    direction: MemoryDirection,
    cut: () => void,
  ) {
    this.address = address
    this.#clock = clock
    this.baudRate = baudRate
    this.#direction = direction
    this.#cut = cut
  }

  connect(peer: MemoryLink): void {
    this.#peer = peer
  }

  get queuedBytes(): number {
    return this.#events.isClosed ? 0 : Math.max(0, Math.ceil(this.#unsentBytes()) - kernelBytes)
  }

  write(bytes: Uint8Array): boolean {
    if (this.#events.isClosed || this.queuedBytes + bytes.length > writeCapBytes) return false
    if (bytes.length === 0) return true
    const { pass, latencyMs = 0 } = this.#direction
    const { bytes: arriving, stallMs } = pass?.(bytes) ?? { bytes, stallMs: 0 }
    this.#freeAtMs = Math.max(this.#freeAtMs, this.#clock.now()) + stallMs + this.#lineMs(bytes.length)
    this.#flights.push({ bytes: arriving, atMs: this.#freeAtMs + latencyMs, baudRate: this.baudRate })
    if (this.#flights.length === 1) this.#awaitArrival()
    this.#drain ??= this.#clock.setTimer(this.#untilDrainMs(), () => this.#drained())
    return true
  }

  onData(listener: (chunk: Uint8Array) => void): void {
    this.#events.onData(listener)
  }

  onDrain(listener: () => void): void {
    this.#events.onDrain(listener)
  }

  onClose(listener: (error: AppError | undefined) => void): void {
    this.#events.onClose(listener)
  }

  async setBaudRate(baudRate: number): Promise<void> {
    if (this.#events.isClosed) throw new AppError('link_lost', `${this.address} is closed.`)
    if (this.baudRate === null) return
    const leftMs = this.#freeAtMs - this.#clock.now()
    if (leftMs > 0) await new Promise<void>(resolve => this.#clock.setTimer(leftMs, resolve))
    this.baudRate = baudRate
  }

  async close(): Promise<void> {
    this.end(undefined)
    this.#peer?.end(new AppError('link_lost', `${this.#peer.address} was closed by the other end.`))
  }

  end(error: AppError | undefined): void {
    this.#arrival?.cancel()
    this.#drain?.cancel()
    this.#flights.length = 0
    this.#events.closed(error)
  }

  #lineMs(sizeBytes: number): number {
    return this.baudRate === null ? 0 : (sizeBytes * bitsPerByte * 1000) / this.baudRate
  }

  #unsentBytes(): number {
    const leftMs = Math.max(0, this.#freeAtMs - this.#clock.now())
    return this.baudRate === null ? 0 : (leftMs * this.baudRate) / (bitsPerByte * 1000)
  }

  #untilDrainMs(): number {
    return Math.max(0, this.#freeAtMs - this.#clock.now() - this.#lineMs(kernelBytes))
  }

  #drained(): void {
    const leftMs = this.#untilDrainMs()
    const more = leftMs > roundingMs
    this.#drain = more ? this.#clock.setTimer(leftMs, () => this.#drained()) : undefined
    if (!more) this.#events.drained()
  }

  #awaitArrival(): void {
    const next = this.#flights[0]
    if (next === undefined) return
    this.#arrival = this.#clock.setTimer(next.atMs - this.#clock.now(), () => {
      this.#flights.shift()
      this.#arrive(next)
      if (!this.#events.isClosed) this.#awaitArrival()
    })
  }

  #arrive(flight: Flight): void {
    const peer = this.#peer
    if (peer === undefined) return
    const left = (this.#direction.cutAfterBytes ?? Number.POSITIVE_INFINITY) - this.#deliveredBytes
    const bytes = flight.bytes.length > left ? flight.bytes.subarray(0, left) : flight.bytes
    this.#deliveredBytes += bytes.length
    if (bytes.length > 0) peer.receive(flight.baudRate === peer.baudRate ? bytes : misread(bytes))
    if (bytes.length === left) this.#cut()
  }

  receive(bytes: Uint8Array): void {
    this.#events.deliver(bytes)
  }
}

/** What a UART makes of another rate: other bytes, always the same ones. */
const misread = (bytes: Uint8Array): Uint8Array => bytes.map((byte, at) => (byte * 167 + 85 + at * 13) & 0xff)
