import { LzParse, steps } from './lz-parse.ts'
import { pushVarint } from './varint.ts'

const longestLiteral = 128

/**
 * LZ stream of `data` (SPEC §10.11).
 * @param hints distances worth trying everywhere, such as the length of a frame; those below 1 are left out
 * @param depth how many earlier places with the same three bytes are tried
 */
export function encodeLz(data: Uint8Array, hints: readonly number[], depth: number): Uint8Array {
  const { from, kind, d0 } = new LzParse(data, hints, depth)
  const ends: number[] = []
  for (let at = data.length; at > 0; at = from[at] as number) ends.push(at)
  const out: number[] = []
  let at = 0
  while (at < data.length) {
    let end = ends.pop() as number
    const how = kind[end] as number
    if (how === steps.literal) {
      while (kind[ends.at(-1) ?? 0] === steps.literal && ends.length > 0 && end - at < longestLiteral)
        end = ends.pop() as number
      out.push(end - at - 1)
      for (let place = at; place < end; place++) out.push(data[place] as number)
    } else if (how === steps.fresh) {
      pushToken(out, 0xc0, 63, end - at - 3)
      pushVarint(out, (d0[end] as number) - 1)
    } else {
      pushToken(out, how === steps.first ? 0x80 : 0xa0, 31, end - at - 2)
    }
    at = end
  }
  return Uint8Array.from(out)
}

function pushToken(out: number[], token: number, most: number, count: number): void {
  out.push(token | Math.min(count, most))
  if (count >= most) pushVarint(out, count - most)
}
