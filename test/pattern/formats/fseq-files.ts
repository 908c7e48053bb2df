import { deflateSync } from 'node:zlib'

/** A sequence as its header says it; every part can be made wrong. */
export interface FseqParts {
  readonly magic?: string
  readonly major?: number
  readonly minor?: number
  readonly channels: number
  readonly stepMs?: number
  readonly compression?: 0 | 1 | 2
  /** Frames one after the other. */
  readonly frames: readonly Uint8Array[]
  /** Frames of each block, the rest in the last one. */
  readonly blockFrames?: readonly number[]
  /** Compresses the frames of one block. */
  readonly pack?: (frames: Uint8Array) => Uint8Array
  /** Places of the table that are not used. */
  readonly emptyBlocks?: number
  /** First channel, from 0, and count. */
  readonly sparse?: readonly (readonly [number, number])[]
  readonly notes?: readonly (readonly [string, string])[]
}

/** A file with these parts, laid out as FPP's V1FSEQFile and V2FSEQFile do. */
export function fseqFile(parts: FseqParts): Uint8Array {
  const { magic = 'PSEQ', major = 2, minor = 0, channels, stepMs = 25, compression = 0, frames } = parts
  const { blockFrames = [10], pack = deflateSync, emptyBlocks = 0, sparse = [], notes = [] } = parts
  const blocks: { first: number; data: Uint8Array }[] = []
  if (compression !== 0)
    for (let at = 0, index = 0; at < frames.length; index++) {
      const count = blockFrames[index] ?? frames.length - at
      blocks.push({ first: at, data: pack(Buffer.concat(frames.slice(at, at + count))) })
      at += count
    }
  const texts = notes.map(([code, text]) => {
    const note = Buffer.from(`\0\0${code}${text}\0`, 'latin1')
    note.writeUInt16LE(note.length)
    return note
  })
  const entries = major === 1 ? 0 : blocks.length + emptyBlocks
  const tables = (major === 1 ? 28 : 32) + entries * 8 + (major === 1 ? 0 : sparse.length * 6)
  const dataAt = Math.ceil((tables + Buffer.concat(texts).length) / 4) * 4
  const head = Buffer.alloc(dataAt)
  head.write(magic, 'latin1')
  head.writeUInt16LE(dataAt, 4)
  head[6] = minor
  head[7] = major
  head.writeUInt16LE(tables, 8)
  head.writeUInt32LE(channels, 10)
  head.writeUInt32LE(frames.length, 14)
  head[18] = stepMs
  if (major !== 1) {
    head[20] = compression | ((entries >> 8) << 4)
    head[21] = entries & 0xff
    head[22] = sparse.length
    for (const [index, { first, data }] of blocks.entries()) {
      head.writeUInt32LE(first, 32 + index * 8)
      head.writeUInt32LE(data.length, 36 + index * 8)
    }
    for (const [index, [first, count]] of sparse.entries()) {
      head.writeUIntLE(first, 32 + entries * 8 + index * 6, 3)
      head.writeUIntLE(count, 35 + entries * 8 + index * 6, 3)
    }
  }
  Buffer.concat(texts).copy(head, tables)
  return new Uint8Array(
    Buffer.concat([head, ...(compression === 0 ? frames : blocks.map(({ data }) => data))]),
  )
}

const zstdMagic = [0x28, 0xb5, 0x2f, 0xfd]

/** A Zstandard frame without a declared size: raw blocks of the bytes, or runs of one byte. `windowCode` is its window descriptor. */
export function zstdFrame(
  blocks: readonly (Uint8Array | { readonly byte: number; readonly count: number })[],
  windowCode = 0x58,
): Uint8Array {
  const pieces = blocks.map((block, index) => {
    const run = !(block instanceof Uint8Array)
    const size = run ? block.count : block.length
    const head = Buffer.alloc(3)
    head.writeUIntLE((size << 3) | (run ? 2 : 0) | (index === blocks.length - 1 ? 1 : 0), 0, 3)
    return Buffer.concat([head, run ? Buffer.from([block.byte]) : block])
  })
  return new Uint8Array(Buffer.concat([Buffer.from([...zstdMagic, 0, windowCode]), ...pieces]))
}

/** A piece that decoders pass over. */
export const skippableFrame = (bytes: number): Uint8Array => {
  const out = Buffer.alloc(8 + bytes, 7)
  out.writeUInt32LE(0x184d2a53, 0)
  out.writeUInt32LE(bytes, 4)
  return new Uint8Array(out)
}
