import { crc32 } from './crc32.ts'

/** A run of frames `[from, to)` that becomes one block. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** A frame as it is stored. */
export interface StoredFrame {
  readonly delayMs: number
  readonly pixels: Uint8Array
}

/**
 * A number for the content of each frame, delay included, that looks random: CRC-32, then the finaliser of MurmurHash3
 * (Appleby), a bijection that spreads neighbours over all 32 bits.
 */
export function frameHashes(frames: readonly StoredFrame[]): Uint32Array {
  const delay = new DataView(new ArrayBuffer(4))
  return Uint32Array.from(frames, ({ delayMs, pixels }) => {
    delay.setUint32(0, delayMs, true)
    let hash = crc32(pixels, crc32(new Uint8Array(delay.buffer)))
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    return (hash ^ (hash >>> 16)) >>> 0
  })
}

/**
 * Where to divide a span: before the frame inside it with the highest hash; of equals, before the one nearest the middle,
 * so that a pattern of equal frames falls into equal parts. A boundary thus depends on content alone: a frame that is
 * inserted moves no boundary but those of the block it falls into.
 */
function splitPoint(hashes: Uint32Array, { from, to }: Span): number {
  const middle = (from + to) / 2
  let best = from + 1
  for (let at = from + 2; at < to; at++) {
    const hash = hashes[at] as number
    const highest = hashes[best] as number
    if (hash > highest || (hash === highest && Math.abs(at - middle) < Math.abs(best - middle))) best = at
  }
  return best
}

/**
 * Divides `frames` frames into spans, in order. `settle` says whether a span may stay whole; a span of one frame is not
 * divided, whatever it says.
 */
export function divide(hashes: Uint32Array, settle: (span: Span) => boolean): void {
  const open: Span[] = hashes.length === 0 ? [] : [{ from: 0, to: hashes.length }]
  for (let span = open.pop(); span !== undefined; span = open.pop()) {
    if (settle(span) || span.to - span.from === 1) continue
    const at = splitPoint(hashes, span)
    open.push({ from: at, to: span.to }, { from: span.from, to: at })
  }
}
