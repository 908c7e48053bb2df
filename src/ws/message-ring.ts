import type { Published } from './live-message.ts'

export interface RingLimits {
  readonly messages: number
  readonly sizeBytes: number
}

/** What a message costs beside its bytes. */
const overheadBytes = 256
/** Places at the front that are given back together. */
const slack = 1024

/** The lossless messages of the last while, in the order of their numbers, for those who were cut off. */
export class MessageRing {
  readonly #limits: RingLimits
  #messages: Published[] = []
  /** Place of the oldest one that is still there. */
  #first = 0
  #sizeBytes = 0
  #forgotten = 0
  /** Number at which news of a topic were not made, as nobody listened. */
  readonly #leftOut = new Map<string, number>()

  constructor(limits: RingLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#messages.length - this.#first
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** The newest number that has gone; 0: none. */
  get forgotten(): number {
    return this.#forgotten
  }

  push(message: Published): void {
    this.#messages.push(message)
    this.#sizeBytes += costOf(message)
    while (this.size > this.#limits.messages || this.#sizeBytes > this.#limits.sizeBytes) this.#drop()
    if (this.#first < slack) return
    this.#messages = this.#messages.slice(this.#first)
    this.#first = 0
  }

  /** Something has happened of which no message was made. */
  leaveOut(topic: string, seq: number): void {
    this.#leftOut.set(topic, seq)
  }

  /** Whether every message of the topic after this number is there. */
  reaches(topic: string, since: number): boolean {
    return since >= this.#forgotten && since >= (this.#leftOut.get(topic) ?? 0)
  }

  /** The oldest message after this number. */
  after(seq: number): Published | undefined {
    let [low, high] = [this.#first, this.#messages.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#messages[middle]?.seq ?? 0) > seq) high = middle
      else low = middle + 1
    }
    return this.#messages[low]
  }

  #drop(): void {
    const oldest = this.#messages[this.#first]
    if (oldest === undefined) return
    this.#first += 1
    this.#sizeBytes -= costOf(oldest)
    this.#forgotten = oldest.seq
  }
}

const costOf = ({ frame }: Published): number => frame.byteLength + overheadBytes
