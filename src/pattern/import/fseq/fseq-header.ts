import { fail, ok, type Result } from '../../../kernel/result.ts'
import type { ByteSource } from '../../byte-source.ts'
import { invalidAt, type PatternFault } from '../../fault.ts'
import type { Range } from '../../range.ts'

export type Compression = 'none' | 'zstd' | 'zlib'

/** Frames that are compressed together. */
export interface Block {
  readonly firstFrame: number
  /** The frame behind its last one. */
  readonly endFrame: number
  /** Place in the file. */
  readonly start: number
  readonly end: number
}

/** What the header of a sequence says. */
export interface Sequence {
  /** e.g. `FSEQ 2.0`. */
  readonly kind: string
  readonly compression: Compression
  /** Bytes of one frame in the file. */
  readonly strideBytes: number
  /** Channels of one frame; ESEQ pads its frames. */
  readonly channels: number
  readonly frames: number
  /** 0: not said. */
  readonly stepMs: number
  readonly dataAt: number
  /** Of a compressed sequence, in order; together they hold every frame. */
  readonly blocks: readonly Block[]
  /** Which channels of the show the file holds, one after the other; empty: from the first on. */
  readonly sparse: readonly Range[]
  /** Who made it, and the sound it belongs to. */
  readonly notes: readonly string[]
}

const compressions: readonly Compression[] = ['none', 'zstd', 'zlib']
const headerBytes = { v1: 28, v2: 32, eseq: 20 }
/** ESEQ says none; effects of xLights are played with this one. */
const eseqStepMs = 50
const newestMinor = 2

/** undefined: the file is no sequence. Nothing but the header is read. */
export function readHeader(source: ByteSource): Result<Sequence, PatternFault> | undefined {
  const start = source.read(0, headerBytes.v2)
  const magic = Buffer.from(start.subarray(0, 4)).toString('latin1')
  if (magic === 'ESEQ') return readEseq(source, start)
  if (magic !== 'PSEQ' && magic !== 'FSEQ') return undefined
  const major = start[7] ?? 0
  const fixedBytes = major === 1 ? headerBytes.v1 : headerBytes.v2
  if (start.length < fixedBytes) return cutShort(source, `the header of an FSEQ file has ${fixedBytes} bytes`)
  if ((major !== 1 && major !== 2) || (major === 2 && (start[6] ?? 0) > newestMinor)) {
    const version = `FSEQ ${major}.${start[6] ?? 0}`
    const message = `byte 6: this is ${version}; versions 1 and 2.0 to 2.${newestMinor} are understood, so save it as FSEQ V2 in xLights`
    return fail({ kind: 'unsupported', format: version, message })
  }
  return readFseq(source, start, major)
}

function readFseq(source: ByteSource, start: Uint8Array, major: 1 | 2): Result<Sequence, PatternFault> {
  const dataAt = u16(start, 4)
  const compression = major === 1 ? 'none' : compressions[(start[20] ?? 0) & 15]
  if (compression === undefined) {
    const format = `FSEQ with compression ${(start[20] ?? 0) & 15}`
    const message = `byte 20: ${format} is not known; 0 (none), 1 (zstd) and 2 (zlib) are, so save it with one of these`
    return fail({ kind: 'unsupported', format, message })
  }
  const blockCount = major === 1 ? 0 : (start[21] ?? 0) | (((start[20] ?? 0) >> 4) << 8)
  const sparseCount = major === 1 ? 0 : (start[22] ?? 0)
  // Bytes 8 and 9 are the end of these tables or of the whole header, depending on who wrote them; the counts are always right.
  const blocksAt = major === 1 ? headerBytes.v1 : headerBytes.v2
  const sparseAt = blocksAt + blockCount * 8
  const notesAt = sparseAt + sparseCount * 6
  if (dataAt < notesAt)
    return fail(
      invalidAt(4, `the data begins at byte ${dataAt}, within the header, whose tables end at ${notesAt}`),
    )
  const header = source.read(0, dataAt)
  if (header.length < dataAt) return cutShort(source, `its data begins at byte ${dataAt}`)
  const channels = u32(start, 10)
  const frames = u32(start, 14)
  if (channels === 0) return fail(invalidAt(10, 'the sequence has 0 channels; at least 1 is needed'))
  if (frames === 0) return fail(invalidAt(14, 'the sequence has 0 frames; at least 1 is needed'))
  const sparse = readSparse(header, sparseAt, sparseCount, channels)
  if (!sparse.ok) return sparse
  const about = {
    kind: `FSEQ ${major}.${start[6] ?? 0}`,
    compression,
    strideBytes: channels,
    channels,
    frames,
    stepMs: start[18] ?? 0,
    dataAt,
    sparse: sparse.value,
    notes: readNotes(header, notesAt),
  }
  if (compression === 'none') return wholeData(source, { ...about, blocks: [] })
  const blocks = readBlocks(source, header, blocksAt, blockCount, dataAt, frames)
  return blocks.ok ? ok({ ...about, blocks: blocks.value }) : blocks
}

/** An effect: channels and frames of one model, at 50 ms. */
function readEseq(source: ByteSource, start: Uint8Array): Result<Sequence, PatternFault> {
  if (start.length < headerBytes.eseq)
    return cutShort(source, `the header of an ESEQ file has ${headerBytes.eseq} bytes`)
  const strideBytes = u32(start, 8)
  const firstChannel = u32(start, 12)
  const channels = u32(start, 16) || strideBytes
  if (strideBytes === 0) return fail(invalidAt(8, 'the effect has 0 channels; at least 1 is needed'))
  if (channels > strideBytes)
    return fail(invalidAt(16, `the model has ${channels} channels, but a frame has ${strideBytes}`))
  const frames = Math.floor((source.sizeBytes - headerBytes.eseq) / strideBytes)
  if (frames === 0) return cutShort(source, `one frame has ${strideBytes} bytes`)
  return ok({
    kind: 'ESEQ',
    compression: 'none',
    strideBytes,
    channels,
    frames,
    stepMs: eseqStepMs,
    dataAt: headerBytes.eseq,
    blocks: [],
    sparse: [{ first: Math.max(0, firstChannel - 1), count: channels }],
    notes: [],
  })
}

function wholeData(source: ByteSource, sequence: Sequence): Result<Sequence, PatternFault> {
  const { dataAt, strideBytes, frames } = sequence
  const end = dataAt + strideBytes * frames
  if (source.sizeBytes >= end) return ok(sequence)
  return cutShort(source, `${frames} frames of ${strideBytes} channels end at byte ${end}`)
}

function readSparse(
  header: Uint8Array,
  at: number,
  count: number,
  channels: number,
): Result<readonly Range[], PatternFault> {
  const ranges = Array.from({ length: count }, (_, index) => ({
    first: u24(header, at + index * 6),
    count: u24(header, at + index * 6 + 3),
  }))
  const total = ranges.reduce((sum, range) => sum + range.count, 0)
  if (count === 0 || total === channels) return ok(ranges)
  const message = `the ${count} sparse ranges hold ${total} channels, but a frame has ${channels}; save the sequence again`
  return fail(invalidAt(at, message))
}

/** Unused places of the table have length 0. A table without any entry leaves one block for everything. */
function readBlocks(
  source: ByteSource,
  header: Uint8Array,
  at: number,
  count: number,
  dataAt: number,
  frames: number,
): Result<readonly Block[], PatternFault> {
  const starts: { readonly firstFrame: number; readonly start: number; readonly end: number }[] = []
  let start = dataAt
  for (let index = 0; index < count; index++) {
    const entryAt = at + index * 8
    const firstFrame = u32(header, entryAt)
    const end = start + u32(header, entryAt + 4)
    if (end === start) continue
    const before = starts.at(-1)?.firstFrame
    const wrong = before === undefined ? firstFrame !== 0 : firstFrame <= before
    if (wrong) {
      const expected =
        before === undefined ? 'the first one begins with frame 0' : `the one before with ${before}`
      return fail(
        invalidAt(
          entryAt,
          `the table of blocks is out of order: block ${index} begins with frame ${firstFrame}, ${expected}; save the sequence again`,
        ),
      )
    }
    if (end > source.sizeBytes) return cutShort(source, `block ${index} ends at byte ${end}`)
    starts.push({ firstFrame, start, end })
    start = end
  }
  if (starts.length === 0) starts.push({ firstFrame: 0, start: dataAt, end: source.sizeBytes })
  return ok(
    starts
      .filter(({ firstFrame }) => firstFrame < frames)
      .map((block, index) => ({
        ...block,
        endFrame: Math.min(frames, starts[index + 1]?.firstFrame ?? frames),
      })),
  )
}

/** `mf` the media file, `sp` the program; others are passed over. What is left behind them is padding. */
function readNotes(header: Uint8Array, start: number): readonly string[] {
  const titles: Readonly<Record<string, string>> = { sp: 'made by', mf: 'for' }
  const notes: string[] = []
  for (let at = start; at + 4 <= header.length; ) {
    const length = u16(header, at)
    if (length < 4 || at + length > header.length) break
    const title = titles[Buffer.from(header.subarray(at + 2, at + 4)).toString('latin1')]
    const said =
      Buffer.from(header.subarray(at + 4, at + length))
        .toString('utf8')
        .split('\0', 1)[0] ?? ''
    const base = said
      .replace(/^.*[/\\]/s, '')
      .replace(/[\p{C}\uFFFD]+/gu, '')
      .slice(0, 60)
    if (title !== undefined && base !== '') notes.push(`${title} ${base}`)
    at += length
  }
  return notes
}

function cutShort(source: ByteSource, expected: string): Result<never, PatternFault> {
  const { sizeBytes } = source
  return fail(
    invalidAt(
      sizeBytes,
      `the file was cut short: it has ${sizeBytes} bytes, but ${expected}; copy or save it again`,
    ),
  )
}

const u16 = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
const u24 = (bytes: Uint8Array, at: number): number => u16(bytes, at) | ((bytes[at + 2] ?? 0) << 16)
const u32 = (bytes: Uint8Array, at: number): number => u24(bytes, at) + (bytes[at + 3] ?? 0) * 2 ** 24
