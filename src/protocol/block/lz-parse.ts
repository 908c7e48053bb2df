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
const literalCost = byteCost
const literalRunCost = 2 * byteCost + 1
/** A repeated match whose length fits the token. */
const repeatCost = byteCost + 1
const unreached = 0x7fffffff
const threeBytes = 0xffffff

/** The cheapest way through a block, as steps that follow one another from position 0. */
export interface LzParse {
  /** By the position where a step begins: where it ends. */
  readonly next: Int32Array
  /** By the position where a step ends: its kind, and above the two lowest bits the distance of a fresh match. */
  readonly step: Int32Array
}

/** The cheapest ways that are known so far, by the position they lead to. */
interface Ways {
  readonly cost: Int32Array
  /** Where the last step begins. */
  readonly from: Int32Array
  /** As in `LzParse`. */
  readonly step: Int32Array
}

/**
 * Near-optimal parsing: the cheapest way to each position is kept together with the distances and the literal run it
 * ends in, so that the two repeated distances steer the choice. They are worked out when the parse comes to a position,
 * since until then a cheaper way may turn up. One parser serves many blocks: its tables are costly to make.
 */
export class LzParser {
  #capacity = -1
  /** A copy: always of one type, which the loop can rely on; a Buffer is another. */
  #data = new Uint8Array(0)
  #ways: Ways = { cost: new Int32Array(0), from: new Int32Array(0), step: new Int32Array(0) }
  #d0 = new Int32Array(0)
  #d1 = new Int32Array(0)
  #literals = new Uint8Array(0)
  /** The four bytes at each position, the first one lowest: equal stretches are found four at a time. */
  #words = new Int32Array(0)
  /** Latest position with a hash, and the one before it with the same hash; -1: none. */
  readonly #head = new Int32Array(1 << hashBits)
  #chain = new Int32Array(0)

  /**
   * The result lasts until the next call. The loop is one long function with its tables in variables: it runs for every
   * byte that is compiled, and was twice as slow in methods.
   * @param hints distances worth trying everywhere, such as the length of a frame; those below 1 are left out
   * @param depth how many earlier places with the same three bytes are tried
   */
  parse(input: Uint8Array, hints: readonly number[], depth: number): LzParse {
    const size = input.length
    this.#begin(input)
    const ways = this.#ways
    const { cost, from, step } = ways
    const data = this.#data
    const d0 = this.#d0
    const d1 = this.#d1
    const literals = this.#literals
    const words = this.#words
    const head = this.#head
    const chain = this.#chain
    const distances = hints.filter(distance => distance > 0)

    for (let at = 0, resume = 0; at < size; at++) {
      const byte = data[at] as number
      const word = words[at] as number
      const key = at + 2 < size ? Math.imul(word & threeBytes, 0x9e3779b1) >>> (32 - hashBits) : -1
      if (at >= resume) {
        // What is true here, by the cheapest way.
        let first = 1
        let second = 1
        let run = 0
        if (at > 0) {
          const before = from[at] as number
          const how = step[at] as number
          const kind = how & 3
          first = d0[before] as number
          second = d1[before] as number
          if (kind === steps.literal) run = ((literals[before] as number) % longestLiteral) + 1
          else if (kind !== steps.first) {
            const former = first
            first = kind === steps.fresh ? how >> 2 : second
            second = former
          }
        }
        d0[at] = first
        d1[at] = second
        literals[at] = run

        const base = cost[at] as number
        const literal = base + (run === 0 || run === longestLiteral ? literalRunCost : literalCost)
        if (literal < (cost[at + 1] as number)) {
          cost[at + 1] = literal
          from[at + 1] = at
          step[at + 1] = steps.literal
        }

        let longest = 0
        if (first <= at && data[at - first] === byte) {
          longest = matchLength(data, words, size, at, first)
          weigh(ways, at, 2, longest, base + repeatCost, steps.first, plainRepeat)
        }
        if (second !== first && second <= at && data[at - second] === byte) {
          const length = matchLength(data, words, size, at, second)
          weigh(ways, at, 2, length, base + repeatCost, steps.second, plainRepeat)
          if (length > longest) longest = length
        }

        if (longest < niceLength && key >= 0) {
          // No fresh match is cheaper than a repeated one of the same length, nor a further one than a nearer one.
          const covered = Math.max(2, Math.min(weighedLength, longest))
          for (let n = 0; n < distances.length; n++) {
            const distance = distances[n] as number
            if (distance > at || (((words[at - distance] as number) ^ word) & threeBytes) !== 0) continue
            const length = matchLength(data, words, size, at, distance)
            const plainCost = base + (1 + varintBytes(distance - 1)) * byteCost + 1
            weigh(ways, at, covered + 1, length, plainCost, steps.fresh | (distance << 2), plainFresh)
            if (length > longest) longest = length
          }
          // Earlier positions with the same hash, nearest first; one further away must give a longer match, so its last bytes are looked at first.
          let beyond = covered
          let offset = Math.max(0, beyond - 3)
          let mask = beyond === 2 ? threeBytes : -1
          let wanted = words[at + offset] as number
          let place = head[key] as number
          for (let tries = depth; place >= 0 && tries > 0 && beyond < niceLength; tries--) {
            if ((((words[place + offset] as number) ^ wanted) & mask) === 0) {
              const distance = at - place
              const length = matchLength(data, words, size, at, distance)
              if (length > beyond) {
                const plainCost = base + (1 + varintBytes(distance - 1)) * byteCost + 1
                const shortest = Math.min(weighedLength, beyond) + 1
                weigh(ways, at, shortest, length, plainCost, steps.fresh | (distance << 2), plainFresh)
                beyond = length
                offset = beyond - 3
                mask = -1
                wanted = words[at + offset] as number
              }
            }
            place = chain[place] as number
          }
          if (beyond > longest) longest = beyond
        }
        if (longest >= niceLength) resume = at + longest
      }
      // The inside of a run of equal bytes finds nothing that its edges do not; leaving it out keeps chains short.
      if (key >= 0 && (word !== Math.imul(byte, 0x01010101) || data[at - 1] !== byte)) {
        chain[at] = head[key] as number
        head[key] = at
      }
    }
    return { next: turnedAround(from, size), step }
  }

  #begin(input: Uint8Array): void {
    const size = input.length
    if (size > this.#capacity) {
      this.#capacity = size
      this.#data = new Uint8Array(size)
      this.#ways = {
        cost: new Int32Array(size + 1),
        from: new Int32Array(size + 1),
        step: new Int32Array(size + 1),
      }
      this.#d0 = new Int32Array(size)
      this.#d1 = new Int32Array(size)
      this.#literals = new Uint8Array(size)
      this.#words = new Int32Array(size + 1)
      this.#chain = new Int32Array(size)
    }
    const data = this.#data
    data.set(input)
    this.#ways.cost.fill(unreached, 1, size + 1)
    this.#head.fill(-1)
    const words = this.#words
    words[size] = 0
    for (let at = size - 1, word = 0; at >= 0; at--) {
      word = (word << 8) | (data[at] as number)
      words[at] = word
    }
  }
}

/** Weighs a match of every length from `shortest` to `length`. `plainCost` is that of all but the length's varint. */
function weigh(
  { cost, from, step }: Ways,
  at: number,
  shortest: number,
  length: number,
  plainCost: number,
  how: number,
  plain: number,
): void {
  const last = at + Math.min(length, weighedLength)
  const lastPlain = at + plain
  for (let to = at + shortest; to <= last; to++) {
    const whole = to <= lastPlain ? plainCost : plainCost + byteCost
    if (whole >= (cost[to] as number)) continue
    cost[to] = whole
    from[to] = at
    step[to] = how
  }
  if (length <= weighedLength) return
  const to = at + length
  const whole = length <= plain ? plainCost : plainCost + varintBytes(length - plain - 1) * byteCost
  if (whole >= (cost[to] as number)) return
  cost[to] = whole
  from[to] = at
  step[to] = how
}

/** How many bytes from `at` on equal those `distance` before them. */
function matchLength(
  data: Uint8Array,
  words: Int32Array,
  size: number,
  at: number,
  distance: number,
): number {
  let end = at
  while (end + 4 <= size && words[end] === words[end - distance]) end += 4
  while (end < size && data[end] === data[end - distance]) end++
  return end - at
}

/** Links from where a step ends to where it begins, turned around along the cheapest way, in place. */
function turnedAround(links: Int32Array, size: number): Int32Array {
  let end = size
  let begin = links[size] as number
  while (end > 0) {
    const before = links[begin] as number
    links[begin] = end
    end = begin
    begin = before
  }
  return links
}
