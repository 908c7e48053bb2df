import type { LiveLimits } from './live-limits.ts'

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
}

/**
 * What one client is still to get. A lossless message is written at once, whatever the client holds back, until
 * the cap; of other topics a slow client gets only the newest value of each key, once it has drained.
 */
export class Outbox {
  readonly #sink: Sink
  readonly #limits: LiveLimits
  readonly #traffic: Traffic
  readonly #held = new Map<string, Buffer>()
  readonly #onWritten = () => this.#flush()
  #seq = 0

  constructor(sink: Sink, limits: LiveLimits, traffic: Traffic) {
    this.#sink = sink
    this.#limits = limits
    this.#traffic = traffic
  }

  get bufferedBytes(): number {
    return this.#sink.bufferedBytes
  }

  get slow(): boolean {
    return this.#sink.bufferedBytes > this.#limits.coalesceBytes
  }

  /** `tail` is a message without `v` and `seq`; false: the client holds too much, and nothing was written. */
  send(tail: Buffer): boolean {
    if (this.#sink.bufferedBytes + tail.byteLength > this.#limits.bufferedBytes) return false
    this.#write(tail)
    return true
  }

  /** Writes the value, or keeps it in the place of the one before. */
  sendLatest(key: string, tail: Buffer): void {
    if (!this.slow && this.#held.size === 0) return this.#write(tail)
    // A replaced value goes to the end: what changes often must not hold up the rest.
    if (this.#held.delete(key)) this.#traffic.dropped += 1
    this.#held.set(key, tail)
    const [oldest] = this.#held.keys()
    if (this.#held.size > this.#limits.heldValues && oldest !== undefined) {
      this.#held.delete(oldest)
      this.#traffic.dropped += 1
    }
  }

  /** Lets go of values of a topic that the client does not want any more. */
  forget(topic: string): void {
    for (const key of this.#held.keys()) if (key.startsWith(`${topic} `)) this.#held.delete(key)
  }

  clear(): void {
    this.#held.clear()
  }

  #flush(): void {
    for (const [key, tail] of this.#held) {
      if (this.slow) return
      this.#held.delete(key)
      this.#write(tail)
    }
  }

  #write(tail: Buffer): void {
    const frame = Buffer.concat([Buffer.from(`{"v":1,"seq":${++this.#seq},`, 'latin1'), tail])
    this.#traffic.messagesOut += 1
    this.#traffic.bytesOut += frame.byteLength
    this.#sink.write(frame, this.#onWritten)
  }
}
