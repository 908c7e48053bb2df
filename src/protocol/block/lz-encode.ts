import { pushVarint, varintBytes } from './varint.ts'

const literal = 0
const repeatFirst = 1
const repeatSecond = 2
const fresh = 3

const hashBits = 13
const longestLiteral = 128
/** Matches at least this long are taken without looking for anything better inside them. */
const niceLength = 96
/** Every length up to here is weighed as an end of a match; beyond, only the whole match is. */
const weighedLength = 48
/** One byte costs this much; the rest counts tokens, so that of two equal sizes the one with fewer tokens wins. */
const byteCost = 256

/**
 * LZ stream of `data` (SPEC §10.11) by near-optimal parsing: the cheapest way to each position is kept with the distances
 * and the literal run it ends in, so the two repeated distances steer the choice.
 * @param hints distances worth trying everywhere, such as the length of a frame; those below 1 are left out
 * @param depth how many earlier places with the same three bytes are tried
 */
export function encodeLz(data: Uint8Array, hints: readonly number[], depth: number): Uint8Array {
  return writeTokens(data, parse(data, hints, depth))
}

/** How each position is reached at its cheapest. */
interface Path {
  readonly from: Int32Array
  readonly kind: Uint8Array
  readonly d0: Int32Array
}

function parse(data: Uint8Array, hints: readonly number[], depth: number): Path {
  const size = data.length
  const cost = new Int32Array(size + 1).fill(0x7fffffff)
  const from = new Int32Array(size + 1)
  const kind = new Uint8Array(size + 1)
  const d0 = new Int32Array(size + 1)
  const d1 = new Int32Array(size + 1)
  const literals = new Uint8Array(size + 1)
  const head = new Int32Array(1 << hashBits).fill(-1)
  const chain = new Int32Array(size)

  const matchLength = (at: number, distance: number): number => {
    let end = at
    while (end < size && data[end] === data[end - distance]) end++
    return end - at
  }

  const relax = (at: number, to: number, price: number, how: number, first: number, second: number): void => {
    if (price >= (cost[to] as number)) return
    cost[to] = price
    from[to] = at
    kind[to] = how
    d0[to] = first
    d1[to] = second
    literals[to] = 0
  }

  /** Weighs a match of every length from `shortest` to `length`. `base` is the cost of all but the length's varint. */
  const relaxMatch = (
    at: number,
    length: number,
    base: number,
    how: number,
    first: number,
    second: number,
    shortest: number,
  ): void => {
    const plain = how === fresh ? 65 : 32
    const weighed = Math.min(length, weighedLength)
    for (let end = shortest; end <= weighed; end++)
      relax(at, at + end, end <= plain ? base : base + byteCost, how, first, second)
    if (length <= weighed) return
    const extra = length <= plain ? 0 : varintBytes(length - plain - 1)
    relax(at, at + length, base + extra * byteCost, how, first, second)
  }

  cost[0] = 0
  d0[0] = 1
  d1[0] = 1
  let resume = 0
  for (let at = 0; at < size; at++) {
    const key = at + 2 < size ? hashAt(data, at) : -1
    if (at >= resume) {
      const price = cost[at] as number
      const first = d0[at] as number
      const second = d1[at] as number

      const run = literals[at] as number
      const begins = run === 0 || run === longestLiteral
      const literalPrice = price + (begins ? 2 * byteCost + 1 : byteCost)
      if (literalPrice < (cost[at + 1] as number)) {
        relax(at, at + 1, literalPrice, literal, first, second)
        literals[at + 1] = begins ? 1 : run + 1
      }

      let longest = 0
      if (first <= at) {
        longest = matchLength(at, first)
        if (longest >= 2) relaxMatch(at, longest, price + byteCost + 1, repeatFirst, first, second, 2)
      }
      if (second !== first && second <= at) {
        const length = matchLength(at, second)
        if (length >= 2) relaxMatch(at, length, price + byteCost + 1, repeatSecond, second, first, 2)
        if (length > longest) longest = length
      }
      if (longest < niceLength && key >= 0) {
        let longestFresh = 2
        for (const distance of hints) {
          if (distance < 1 || distance > at || distance === first || distance === second) continue
          const length = matchLength(at, distance)
          if (length < 3) continue
          const base = price + 1 + (1 + varintBytes(distance - 1)) * byteCost
          relaxMatch(at, length, base, fresh, distance, first, 3)
          if (length > longestFresh) longestFresh = length
        }
        let tries = depth
        for (
          let place = head[key] as number;
          place >= 0 && tries > 0;
          place = chain[place] as number, tries--
        ) {
          if (data[place + longestFresh] !== data[at + longestFresh]) continue
          const distance = at - place
          const length = matchLength(at, distance)
          if (length <= longestFresh) continue
          longestFresh = length
          const base = price + 1 + (1 + varintBytes(distance - 1)) * byteCost
          relaxMatch(at, length, base, fresh, distance, first, 3)
          if (length >= niceLength) break
        }
        if (longestFresh > longest) longest = longestFresh
      }
      if (longest >= niceLength) resume = at + longest
    }
    // The inside of a run of equal bytes finds nothing that its edges do not; leaving it out keeps chains short.
    if (key >= 0 && !insideRun(data, at)) {
      chain[at] = head[key] as number
      head[key] = at
    }
  }
  return { from, kind, d0 }
}

const hashAt = (data: Uint8Array, at: number): number =>
  Math.imul(
    (data[at] as number) | ((data[at + 1] as number) << 8) | ((data[at + 2] as number) << 16),
    0x9e3779b1,
  ) >>>
  (32 - hashBits)

const insideRun = (data: Uint8Array, at: number): boolean =>
  at > 0 &&
  data[at - 1] === data[at] &&
  data[at] === data[at + 1] &&
  data[at] === data[at + 2] &&
  data[at] === data[at + 3]

function writeTokens(data: Uint8Array, { from, kind, d0 }: Path): Uint8Array {
  const steps: number[] = []
  for (let at = data.length; at > 0; at = from[at] as number) steps.push(at)
  const out: number[] = []
  let at = 0
  while (at < data.length) {
    let end = steps.pop() as number
    const how = kind[end] as number
    if (how === literal) {
      while (kind[steps.at(-1) ?? 0] === literal && steps.length > 0 && end - at < longestLiteral)
        end = steps.pop() as number
      out.push(end - at - 1)
      for (let place = at; place < end; place++) out.push(data[place] as number)
    } else if (how === fresh) {
      pushToken(out, 0xc0, 63, end - at - 3)
      pushVarint(out, (d0[end] as number) - 1)
    } else {
      pushToken(out, how === repeatFirst ? 0x80 : 0xa0, 31, end - at - 2)
    }
    at = end
  }
  return Uint8Array.from(out)
}

function pushToken(out: number[], token: number, most: number, count: number): void {
  out.push(token | Math.min(count, most))
  if (count >= most) pushVarint(out, count - most)
}
