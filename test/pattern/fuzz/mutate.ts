import { poke, type Random } from './bytes.ts'
import { mutateHex, mutatePng, mutatePxg, mutateText } from './mutate-formats.ts'

/**
 * A damaged copy, decided by `random` alone: bits, bytes, pieces, numbers in the header; where the format is known, parts of it,
 * with sound checksums after the damage as often as not.
 */
export function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  const known = random() < 0.5 ? mutateFormat(bytes, random) : undefined
  let out = known ?? mutateBytes(bytes, random)
  // More damage on top, sometimes.
  while (random() < 0.25) out = mutateBytes(out, random)
  return out
}

const mutateFormat = (bytes: Uint8Array, random: Random): Uint8Array | undefined =>
  mutatePng(bytes, random) ??
  mutatePxg(bytes, random) ??
  mutateHex(bytes, random) ??
  mutateText(bytes, random)

const kinds: readonly ((out: Uint8Array, random: Random) => Uint8Array)[] = [
  replaceBytes,
  flipBits,
  cutEnd,
  cutPiece,
  copyPiece,
  swapPieces,
  setNumber,
  setNumber,
]

function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const kind = kinds[Math.floor(random() * kinds.length)] ?? replaceBytes
  return kind(Uint8Array.from(bytes), random)
}

/** Headers are hit more often than their share of the file. */
const place = (random: Random, size: number): number =>
  Math.floor((random() < 0.4 ? random() ** 4 : random()) * size)

function replaceBytes(out: Uint8Array, random: Random): Uint8Array {
  for (let n = 0; n < 1 + random() * 20; n++) out[place(random, out.length)] = random() * 256
  return out
}

function flipBits(out: Uint8Array, random: Random): Uint8Array {
  for (let n = 0; n < 1 + random() * 8; n++) {
    const at = place(random, out.length)
    out[at] = (out[at] ?? 0) ^ (1 << (random() * 8))
  }
  return out
}

function cutEnd(out: Uint8Array, random: Random): Uint8Array {
  return out.subarray(0, place(random, out.length))
}

function cutPiece(out: Uint8Array, random: Random): Uint8Array {
  const { from, length } = piece(out, random)
  return new Uint8Array(Buffer.concat([out.subarray(0, from), out.subarray(from + length)]))
}

function copyPiece(out: Uint8Array, random: Random): Uint8Array {
  const { from, length } = piece(out, random)
  return out.copyWithin(place(random, out.length), from, from + length)
}

function swapPieces(out: Uint8Array, random: Random): Uint8Array {
  const { from, length } = piece(out, random)
  const to = place(random, out.length)
  const size = Math.min(length, out.length - to, Math.abs(to - from))
  const kept = out.slice(from, from + size)
  out.copyWithin(from, to, to + size)
  out.set(kept, to)
  return out
}

const piece = (out: Uint8Array, random: Random) => {
  const from = place(random, out.length)
  return { from, length: Math.floor(random() ** 3 * (out.length - from)) }
}

/** Lengths, counts and offsets: a number of 1 to 4 bytes at the edge of what fits, or about the size of the file. */
function setNumber(out: Uint8Array, random: Random): Uint8Array {
  for (let n = 0; n < 1 + random() * 2; n++) {
    const width = 1 + Math.floor(random() * 4)
    const at = random() < 0.7 ? Math.floor(random() * Math.min(64, out.length)) : place(random, out.length)
    const edges = [
      0,
      1,
      2,
      2 ** (8 * width) - 1,
      2 ** (8 * width - 1),
      out.length,
      out.length - at,
      out.length + 1,
    ]
    poke(out, at, edges[Math.floor(random() * edges.length)] ?? 0, width, random() < 0.6)
  }
  return out
}
