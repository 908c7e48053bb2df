import { LzParser, steps } from './lz-parse.ts'

const longestLiteral = 128
/** Blocks are encoded one after another; the parser's tables serve them all. */
const parser = new LzParser()

/**
 * LZ stream of `data` (SPEC §10.11).
 * @param hints distances worth trying everywhere, such as the length of a frame; those below 1 are left out
 * @param depth how many earlier places with the same three bytes are tried
 */
export function encodeLz(data: Uint8Array, hints: readonly number[], depth: number): Uint8Array {
  const { next, step } = parser.parse(data, hints, depth)
  // No step takes more than two bytes for each byte that it covers.
  const out = new Uint8Array(2 * data.length)
  let write = 0
  for (let at = 0; at < data.length; ) {
    let end = next[at] as number
    const how = step[end] as number
    const kind = how & 3
    if (kind === steps.literal) {
      while (end < data.length && end - at < longestLiteral) {
        const beyond = next[end] as number
        if (((step[beyond] as number) & 3) !== steps.literal) break
        end = beyond
      }
      out[write++] = end - at - 1
      for (let place = at; place < end; place++) out[write++] = data[place] as number
    } else if (kind === steps.fresh) {
      write = putToken(out, write, 0xc0, 63, end - at - 3)
      write = putVarint(out, write, (how >>> 2) - 1)
    } else {
      write = putToken(out, write, kind === steps.first ? 0x80 : 0xa0, 31, end - at - 2)
    }
    at = end
  }
  return out.subarray(0, write)
}

/** Writes a token and what does not fit into it; returns where to write on. */
function putToken(out: Uint8Array, write: number, token: number, most: number, count: number): number {
  out[write] = token | Math.min(count, most)
  return count < most ? write + 1 : putVarint(out, write + 1, count - most)
}

/** LEB128 (SPEC §10.6). */
function putVarint(out: Uint8Array, write: number, value: number): number {
  let at = write
  let rest = value
  for (; rest >= 0x80; rest >>>= 7) out[at++] = (rest & 0x7f) | 0x80
  out[at++] = rest
  return at
}
