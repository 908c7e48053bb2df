import type { LiveLimits } from './live-limits.ts'
import type { Published } from './live-message.ts'

/** Where frames go: a socket that says how much it still holds. */
export interface Sink {
  readonly bufferedBytes: number
  /** `written` is called when the bytes have left the process. */
  write(frame: Buffer, written: () => void): void
}

export interface Traffic {
  messagesOut: number
  bytesOut: number
  messagesIn: number
  bytesIn: number
  /** Values that a newer one has replaced before they were written, or that found no place. */
  dropped: number
  /** Clients that were closed because they did not keep up. */
  tooSlow: number
  /** Clients that came back and got what they had missed. */
  resumed: number
  /** Clients that came back too late for that. */
  gaps: number
}

export const noTraffic = (): Traffic => ({
  messagesOut: 0,
  bytesOut: 0,
  messagesIn: 0,
  bytesIn: 0,
  dropped: 0,
  tooSlow: 0,
  resumed: 0,
  gaps: 0,
})

export interface OutboxOptions {
  readonly sink: Sink
  readonly limits: Pick<LiveLimits, 'bufferedBytes' | 'coalesceBytes' | 'heldValues'>
  readonly traffic: Traffic
  /** The value as this client gets it now. */
  readonly frameOf: (value: Published) => Buffer
  /** Bytes have left the process. */
  readonly onWritten: () => void
}

/**
 * What one client is still to get. A lossless message is written at once, whatever the client holds back, until
 * the cap; of other topics a slow client gets only the newest value of each key, once it has drained.
 */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #held = new Map<string, Published>()
  /** Messages written, and values that were replaced. */
  sent = 0
  dropped = 0

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  get bufferedBytes(): number {
    return this.#options.sink.bufferedBytes
  }

  get slow(): boolean {
    return this.bufferedBytes > this.#options.limits.coalesceBytes
  }

  /** false: the client holds too much, and nothing was written. */
  send(frame: Buffer): boolean {
    if (this.bufferedBytes + frame.byteLength > this.#options.limits.bufferedBytes) return false
    this.#write(frame)
    return true
  }

  /** Writes the value, or keeps it in the place of the one before. */
  sendLatest(value: Published): void {
    if (!this.slow && this.#held.size === 0) this.#write(this.#options.frameOf(value))
    else this.hold(value)
  }

  /** Keeps the value until `flush`. */
  hold(value: Published): void {
    const whole = `${value.topic} ${value.key}`
    // A replaced value goes to the end: what changes often must not hold up the rest.
    if (this.#held.delete(whole)) this.#drop()
    this.#held.set(whole, value)
    const [oldest] = this.#held.keys()
    if (this.#held.size > this.#options.limits.heldValues && oldest !== undefined) {
      this.#held.delete(oldest)
      this.#drop()
    }
  }

  /** Writes the values that wait, as far as the client takes them. */
  flush(): void {
    for (const [key, value] of this.#held) {
      if (this.slow) return
      this.#held.delete(key)
      this.#write(this.#options.frameOf(value))
    }
  }

  /** Lets go of values of a topic that the client does not want any more. */
  forget(topic: string): void {
    for (const [key, value] of this.#held) if (value.topic === topic) this.#held.delete(key)
  }

  /** Lets go of all; what was never written. */
  clear(): readonly Published[] {
    const values = [...this.#held.values()]
    this.#held.clear()
    return values
  }

  #drop(): void {
    this.dropped += 1
    this.#options.traffic.dropped += 1
  }

  #write(frame: Buffer): void {
    const { traffic, sink, onWritten } = this.#options
    this.sent += 1
    traffic.messagesOut += 1
    traffic.bytesOut += frame.byteLength
    sink.write(frame, onWritten)
  }
}
