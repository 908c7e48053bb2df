import { createHash } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { fail, ok, type Result } from '../../kernel/result.ts'
import type { PatternFault } from '../fault.ts'
import { defaultLimits } from '../limits.ts'
import type { Pattern } from '../pattern.ts'
import { toStripOrder } from '../wiring.ts'
import type { ExportedFile, Exporter, ExportOptions } from './exporter.ts'
import { loopsLost } from './losses.ts'

const headerBytes = 32
const entryBytes = 8
/** The step is one byte. */
const maxStepMs = 255
/** A player starts as soon as it has the first block. */
const firstBlockFrames = 10
const maxBlocks = 255
/** Blocks smaller than this compress badly. */
const minBlockBytes = 64 * 1024
const producer = 'pixelgate'

/** Sequences for xLights and Falcon Player: FSEQ 2.0, three channels an LED, blocks of zlib. Heeds `map`. */
export const fseqExporter: Exporter = {
  format: 'fseq',
  extensions: ['.fseq'],
  summary: 'FSEQ 2.0 sequence (xLights, Falcon Player), compressed with zlib',
  write: (pattern, options) => write(pattern, options, true),
}

/** The same without compression, for small controllers that play files without expanding them. */
export const plainFseqExporter: Exporter = {
  format: 'fseq-plain',
  // By extension alone the other one is chosen, which stands before it in the list.
  extensions: ['.fseq'],
  summary: 'FSEQ 2.0 sequence without compression, for small controllers',
  write: (pattern, options) => write(pattern, options, false),
}

function write(
  pattern: Pattern,
  { map, colorOrder = 'RGB' }: ExportOptions,
  packed: boolean,
): Result<ExportedFile, PatternFault> {
  if (colorOrder.trim().toUpperCase() !== 'RGB') {
    const message = `FSEQ holds red, green and blue in this order; leave out the colour order ${colorOrder} and set it in the controller`
    return fail({ kind: 'bad_request', message })
  }
  const channels = (map?.length ?? pattern.leds) * 3
  const stepMs = commonStep(pattern)
  const times = pattern.frames.map(({ delayMs }) => delayMs / stepMs)
  const frames = times.reduce((sum, count) => sum + count, 0)
  const { maxFrames, maxBytes } = defaultLimits
  if (frames > maxFrames || frames * channels > maxBytes) {
    const message = `FSEQ has one time for all frames; with these it is ${stepMs} ms, which makes ${frames} frames of ${channels} channels, and ${maxFrames} frames or ${maxBytes} bytes are the limit; give the pattern a fixed time a frame, or make it shorter`
    return fail({ kind: 'does_not_fit', message })
  }
  const shown = repeated(pattern, times, map)
  const blocks = packed ? blocksOf(shown, channels) : []
  const data = packed ? blocks.map(block => deflateSync(Buffer.concat(block))) : shown
  const bytes = join(header(channels, frames, stepMs, blocks, data), data)
  const rows =
    pattern.height > 1 ? [`width and height (${pattern.width}×${pattern.height}) are not kept`] : []
  const again =
    frames > pattern.frames.length
      ? [`frames are ${stepMs} ms each: ${pattern.frames.length} frames became ${frames}`]
      : []
  return ok({ bytes, notes: [...rows, ...again, ...loopsLost(pattern)] })
}

/**
 * The longest step that divides every delay and fits into a byte. Frames that are shown for longer are written several times.
 */
function commonStep({ frames }: Pattern): number {
  const common = frames.reduce((divisor, { delayMs }) => greatestDivisor(divisor, delayMs), 0)
  for (let step = Math.min(common, maxStepMs); step > 1; step--) if (common % step === 0) return step
  return 1
}

function greatestDivisor(a: number, b: number): number {
  let [high, low] = [a, b]
  while (low !== 0) [high, low] = [low, high % low]
  return high
}

function repeated(
  { frames }: Pattern,
  times: readonly number[],
  map: Uint32Array | undefined,
): readonly Uint8Array[] {
  return frames.flatMap(({ pixels }, index) => {
    const channels = map === undefined ? pixels : toStripOrder(pixels, map, new Uint8Array(map.length * 3))
    return Array<Uint8Array>(times[index] ?? 1).fill(channels)
  })
}

/** Ten frames, and then as many blocks as the table has room for, unless they would become too small. */
function blocksOf(frames: readonly Uint8Array[], channels: number): readonly (readonly Uint8Array[])[] {
  const rest = frames.length - firstBlockFrames
  const perBlock = Math.max(
    firstBlockFrames,
    Math.ceil(minBlockBytes / channels),
    Math.ceil(rest / (maxBlocks - 1)),
  )
  const blocks = [frames.slice(0, firstBlockFrames)]
  for (let at = firstBlockFrames; at < frames.length; at += perBlock)
    blocks.push(frames.slice(at, at + perBlock))
  return blocks
}

function header(
  channels: number,
  frames: number,
  stepMs: number,
  blocks: readonly (readonly Uint8Array[])[],
  data: readonly Uint8Array[],
): Uint8Array {
  const tablesEnd = headerBytes + blocks.length * entryBytes
  const note = Buffer.from(`\0\0sp${producer}\0`, 'latin1')
  note.writeUInt16LE(note.length)
  const dataAt = Math.ceil((tablesEnd + note.length) / 4) * 4
  const out = Buffer.alloc(dataAt)
  out.write('PSEQ', 'latin1')
  out.writeUInt16LE(dataAt, 4)
  out[7] = 2
  out.writeUInt16LE(tablesEnd, 8)
  out.writeUInt32LE(channels, 10)
  out.writeUInt32LE(frames, 14)
  out[18] = stepMs
  out[20] = blocks.length > 0 ? 2 : 0
  out[21] = blocks.length
  const hash = createHash('sha256')
  for (const piece of data) hash.update(piece)
  // Players take files of one id for the same file.
  hash.digest().copy(out, 24, 0, 8)
  let firstFrame = 0
  for (const [index, block] of blocks.entries()) {
    out.writeUInt32LE(firstFrame, headerBytes + index * entryBytes)
    out.writeUInt32LE(data[index]?.length ?? 0, headerBytes + index * entryBytes + 4)
    firstFrame += block.length
  }
  note.copy(out, tablesEnd)
  return out
}

const join = (head: Uint8Array, data: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(Buffer.concat([head, ...data]))
