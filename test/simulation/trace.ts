/** Kinds of event in a trace. */
export const events = {
  wrote: 1,
  heard: 2,
  said: 3,
  job: 4,
  presence: 5,
  fault: 6,
  flash: 7,
  log: 8,
  violation: 9,
} as const

/** What happened in a session, in order: always as a hash, and in words when somebody wants to read it. */
export class Trace {
  readonly #words: string[] | undefined
  #a = 0x811c9dc5
  #b = 0x9e3779b9
  #events = 0

  /** `readable`: keeps the words, which takes time and memory. */
  constructor(readable: boolean) {
    this.#words = readable ? [] : undefined
  }

  /** Numbers that tell this event from others; `words` is asked only for a readable trace. */
  note(atMs: number, kind: number, detail: number, words: () => string): void {
    this.#events++
    this.#mix(Math.round(atMs * 1000))
    this.#mix(kind)
    this.#mix(detail)
    this.#words?.push(`${atMs.toFixed(3).padStart(12)} ms  ${words()}`)
  }

  get events(): number {
    return this.#events
  }

  /** 16 hexadecimal digits over every event so far. */
  get hash(): string {
    return [this.#a, this.#b].map(half => half.toString(16).padStart(8, '0')).join('')
  }

  /** Empty unless readable. */
  lines(): readonly string[] {
    return this.#words ?? []
  }

  #mix(value: number): void {
    const low = value >>> 0
    const high = Math.floor(value / 0x1_0000_0000) >>> 0
    this.#a = Math.imul(this.#a ^ low ^ high, 0x01000193) >>> 0
    this.#b = (Math.imul(this.#b ^ (this.#a >>> 15), 0x85ebca6b) + low) >>> 0
  }
}
