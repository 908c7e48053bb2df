import type { BlockEntry } from '../messages.ts'

/** The pseudo-block that holds the manifest (SPEC §4.5). */
export const manifestBlock = 0xffff

/** Where the bytes of one DATA frame lie. */
export interface Piece {
  readonly block: number
  readonly bytes: Uint8Array
  /** True for the last piece of its block. */
  readonly ends: boolean
}

export interface SegmentStart {
  readonly block: number
  readonly offset: number
  readonly bodyBytes: number
  /** Blocks that the board lacks; asked for every block after the first. */
  readonly isMissing: (block: number) => boolean
}

/** The bytes that a transfer moves: the manifest and the image cut into blocks. */
export interface Payload {
  readonly manifest: Uint8Array
  readonly image: Uint8Array
  readonly blocks: readonly BlockEntry[]
}

/** The DATA bodies of one segment, in order (SPEC §5.4). A body never spans two blocks. */
export function* pieces(
  payload: Payload,
  starts: readonly number[],
  segment: SegmentStart,
): Generator<Piece, undefined> {
  const { bodyBytes } = segment
  if (segment.block === manifestBlock) {
    yield* slices(payload.manifest, manifestBlock, segment.offset, bodyBytes)
    return undefined
  }
  for (let block = segment.block; block < payload.blocks.length; block++) {
    const first = block === segment.block
    if (!first && !segment.isMissing(block)) continue
    const bytes = payload.image.subarray(starts[block], starts[block + 1])
    yield* slices(bytes, block, first ? segment.offset : 0, bodyBytes)
  }
  return undefined
}

function* slices(
  bytes: Uint8Array,
  block: number,
  from: number,
  bodyBytes: number,
): Generator<Piece, undefined> {
  for (let offset = from; offset < bytes.length; offset += bodyBytes) {
    const end = Math.min(offset + bodyBytes, bytes.length)
    yield { block, bytes: bytes.subarray(offset, end), ends: end === bytes.length }
  }
  return undefined
}

/** Offset of each block in the image, and the image's length as last element. */
export function blockStarts(blocks: readonly BlockEntry[]): readonly number[] {
  const starts = [0]
  for (const { storedBytes } of blocks) starts.push((starts.at(-1) ?? 0) + storedBytes)
  return starts
}
