import { Prng } from './prng.ts'

/** Faults of one direction of a line; each rate is a probability, 0 when absent. */
export interface ChannelFaults {
  readonly seed: number
  /** For each bit of data. */
  readonly bitErrorRate?: number
  /** For each byte: it is lost. */
  readonly dropRate?: number
  /** For each byte: a random byte comes before it. */
  readonly insertRate?: number
  /** For each byte: it changes places with the next one of its chunk. */
  readonly swapRate?: number
  /** For each chunk: it arrives twice. A chunk is one write, so usually one frame. */
  readonly duplicateRate?: number
  /** For each chunk: the line stands still for `stallMs` first. */
  readonly stallRate?: number
  readonly stallMs?: number
}

export interface Passage {
  readonly bytes: Uint8Array
  readonly stallMs: number
}

/** Counts trials down to the next seeded event of a rate. */
class Event {
  readonly #prng: Prng
  readonly #rate: number
  #left: number

  constructor(prng: Prng, rate: number) {
    this.#prng = prng
    this.#rate = rate
    this.#left = prng.trialsUntil(rate)
  }

  /** Offsets in [0, trials) at which the event happens in the next so many trials. */
  within(trials: number): number[] {
    const hits: number[] = []
    while (this.#left <= trials) {
      hits.push(this.#left - 1)
      this.#left += this.#prng.trialsUntil(this.#rate)
    }
    this.#left -= trials
    return hits
  }
}

/** A noisy direction of a line. The same seed and the same chunks give the same faults. */
export class Channel {
  readonly #prng: Prng
  readonly #bit: Event
  readonly #drop: Event
  readonly #insert: Event
  readonly #swap: Event
  readonly #duplicate: Event
  readonly #stall: Event
  readonly #stallMs: number
  /** Faults so far, of all kinds; a damaged bit counts one. */
  faults = 0

  constructor(faults: ChannelFaults) {
    this.#prng = new Prng(faults.seed)
    const event = (rate: number | undefined) => new Event(this.#prng, rate ?? 0)
    this.#bit = event(faults.bitErrorRate)
    this.#drop = event(faults.dropRate)
    this.#insert = event(faults.insertRate)
    this.#swap = event(faults.swapRate)
    this.#duplicate = event(faults.duplicateRate)
    this.#stall = event(faults.stallRate)
    this.#stallMs = faults.stallMs ?? 0
  }

  /** What arrives of a chunk. The chunk itself is left as it is. */
  pass(chunk: Uint8Array): Passage {
    const stalls = this.#count(this.#stall.within(1))
    const copies = 1 + this.#count(this.#duplicate.within(1))
    const sent = copies === 1 ? chunk : Buffer.concat([chunk, chunk])
    return { bytes: this.#damage(sent), stallMs: stalls * this.#stallMs }
  }

  #damage(sent: Uint8Array): Uint8Array {
    const bits = this.#bit.within(sent.length * 8)
    const swaps = this.#swap.within(sent.length)
    const drops = this.#drop.within(sent.length)
    const inserts = this.#insert.within(sent.length)
    if (bits.length + swaps.length + drops.length + inserts.length === 0) return sent
    const bytes = Uint8Array.from(sent)
    for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    for (const at of swaps) {
      const next = bytes[at + 1]
      if (next !== undefined) bytes.set([next, bytes[at] ?? 0], at)
    }
    this.#count(bits)
    this.#count(swaps)
    this.#count(drops)
    this.#count(inserts)
    return drops.length + inserts.length === 0 ? bytes : this.#shift(bytes, new Set(drops), new Set(inserts))
  }

  #shift(bytes: Uint8Array, drops: ReadonlySet<number>, inserts: ReadonlySet<number>): Uint8Array {
    const out: number[] = []
    for (const [at, byte] of bytes.entries()) {
      if (inserts.has(at)) out.push(this.#prng.below(256))
      if (!drops.has(at)) out.push(byte)
    }
    return Uint8Array.from(out)
  }

  #count(hits: readonly number[]): number {
    this.faults += hits.length
    return hits.length
  }
}
