import { varintBytes } from './varint.ts'

/** How a position is reached: by a literal, a match at d0 or d1, or a match at a new distance (SPEC §10.11). */
export const steps = { literal: 0, first: 1, second: 2, fresh: 3 } as const

const hashBits = 13
const longestLiteral = 128
/** Longest matches whose length needs no varint. */
const plainRepeat = 32
const plainFresh = 65
/** Matches at least this long are taken without looking for anything better inside them. */
const niceLength = 96
/** Every length up to here is weighed as an end of a match; beyond, only the whole match is. */
const weighedLength = 48
/** One byte costs this much; the rest counts tokens, so that of two equal sizes the one with fewer tokens wins. */
const byteCost = 256
const unreached = 0x7fffffff

/**
 * Near-optimal parsing: the cheapest way to each position is kept together with the distances and the literal run it
 * ends in, so that the two repeated distances steer the choice.
 */
export class LzParse {
  readonly #data: Uint8Array
  readonly #cost: Int32Array
  readonly #d1: Int32Array
  readonly #literals: Uint8Array
  /** Latest position with a hash, and the one before it with the same hash; -1: none. */
  readonly #head: Int32Array
  readonly #chain: Int32Array
  /** Where the step begins that ends at a position. */
  readonly from: Int32Array
  /** Which of `steps` it is. */
  readonly kind: Uint8Array
  /** The first distance after it. */
  readonly d0: Int32Array

  /** @param hints distances worth trying everywhere, such as the length of a frame; those below 1 are left out */
  constructor(data: Uint8Array, hints: readonly number[], depth: number) {
    const size = data.length
    this.#data = data
    this.#cost = new Int32Array(size + 1).fill(unreached, 1)
    this.#d1 = new Int32Array(size + 1).fill(1, 0, 1)
    this.#literals = new Uint8Array(size + 1)
    this.#head = new Int32Array(1 << hashBits).fill(-1)
    this.#chain = new Int32Array(size)
    this.from = new Int32Array(size + 1)
    this.kind = new Uint8Array(size + 1)
    this.d0 = new Int32Array(size + 1).fill(1, 0, 1)
    const distances = hints.filter(distance => distance > 0)
    let resume = 0
    for (let at = 0; at < size; at++) {
      const key = at + 2 < size ? this.#hash(at) : -1
      if (at >= resume) {
        this.#tryLiteral(at)
        let longest = this.#tryRepeats(at)
        if (longest < niceLength && key >= 0)
          longest = Math.max(longest, this.#tryHints(at, distances), this.#tryChain(at, key, depth))
        if (longest >= niceLength) resume = at + longest
      }
      if (key >= 0 && !this.#insideRun(at)) {
        this.#chain[at] = this.#head[key] as number
        this.#head[key] = at
      }
    }
  }

  #tryLiteral(at: number): void {
    const run = this.#literals[at] as number
    const begins = run === 0 || run === longestLiteral
    const cost = (this.#cost[at] as number) + (begins ? 2 * byteCost + 1 : byteCost)
    if (cost >= (this.#cost[at + 1] as number)) return
    this.#reach(at, at + 1, cost, steps.literal, this.d0[at] as number, this.#d1[at] as number)
    this.#literals[at + 1] = begins ? 1 : run + 1
  }

  /** Matches at d0 and d1; returns the longer length. */
  #tryRepeats(at: number): number {
    const first = this.d0[at] as number
    const second = this.#d1[at] as number
    const cost = (this.#cost[at] as number) + byteCost + 1
    const one = first <= at ? this.#matchLength(at, first) : 0
    this.#weigh(at, 2, one, cost, steps.first, first, second)
    if (second === first || second > at) return one
    const two = this.#matchLength(at, second)
    this.#weigh(at, 2, two, cost, steps.second, second, first)
    return Math.max(one, two)
  }

  #tryHints(at: number, distances: readonly number[]): number {
    let longest = 0
    for (const distance of distances)
      if (distance <= at) longest = Math.max(longest, this.#tryFresh(at, distance, 2))
    return longest
  }

  /** Earlier positions with the same three bytes, nearest first; one further away must give a longer match. */
  #tryChain(at: number, key: number, depth: number): number {
    const data = this.#data
    let longest = 2
    let place = this.#head[key] as number
    for (let tries = depth; place >= 0 && tries > 0 && longest < niceLength; tries--) {
      if (data[place + longest] === data[at + longest])
        longest = Math.max(longest, this.#tryFresh(at, at - place, longest))
      place = this.#chain[place] as number
    }
    return longest
  }

  /** A match at a distance of its own, if it is longer than `beyond`; returns its length. */
  #tryFresh(at: number, distance: number, beyond: number): number {
    const length = this.#matchLength(at, distance)
    if (length <= beyond) return length
    const cost = (this.#cost[at] as number) + (1 + varintBytes(distance - 1)) * byteCost + 1
    this.#weigh(at, 3, length, cost, steps.fresh, distance, this.d0[at] as number)
    return length
  }

  #matchLength(at: number, distance: number): number {
    const data = this.#data
    const size = data.length
    let end = at
    while (end < size && data[end] === data[end - distance]) end++
    return end - at
  }

  /** Weighs a match of every length from `shortest` to `length`. `cost` is that of all but the length's varint. */
  #weigh(
    at: number,
    shortest: number,
    length: number,
    cost: number,
    kind: number,
    first: number,
    second: number,
  ): void {
    const plain = kind === steps.fresh ? plainFresh : plainRepeat
    const weighed = Math.min(length, weighedLength)
    for (let size = shortest; size <= weighed; size++)
      this.#reach(at, at + size, size <= plain ? cost : cost + byteCost, kind, first, second)
    if (length <= weighed) return
    const extraBytes = length <= plain ? 0 : varintBytes(length - plain - 1)
    this.#reach(at, at + length, cost + extraBytes * byteCost, kind, first, second)
  }

  #reach(at: number, to: number, cost: number, kind: number, first: number, second: number): void {
    if (cost >= (this.#cost[to] as number)) return
    this.#cost[to] = cost
    this.from[to] = at
    this.kind[to] = kind
    this.d0[to] = first
    this.#d1[to] = second
    this.#literals[to] = 0
  }

  #hash(at: number): number {
    const data = this.#data
    const three = (data[at] as number) | ((data[at + 1] as number) << 8) | ((data[at + 2] as number) << 16)
    return Math.imul(three, 0x9e3779b1) >>> (32 - hashBits)
  }

  /** The inside of a run of equal bytes finds nothing that its edges do not; leaving it out keeps chains short. */
  #insideRun(at: number): boolean {
    const data = this.#data
    const byte = data[at]
    return data[at - 1] === byte && data[at + 1] === byte && data[at + 2] === byte && data[at + 3] === byte
  }
}
