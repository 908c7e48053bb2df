import { fail, ok, type Result } from '../../../kernel/result.ts'
import type { ByteSource } from '../../byte-source.ts'
import { invalidAt, type PatternFault } from '../../fault.ts'
import type { Range } from '../../range.ts'
import { Damage } from './damage.ts'
import type { Decoder } from './decoder.ts'
import type { Block, Sequence } from './fseq-header.ts'
import { InflateDecoder } from './inflate.ts'
import { ZstdDecoder } from './zstd.ts'

/** Takes the wanted channels of one frame; good until it returns. */
export type TakeFrame = (channels: Uint8Array) => void

/**
 * Reads the wanted channels (as ranges of bytes within a frame of the file) of the wanted frames, in order. Nothing else is kept, and of
 * compressed blocks only those are expanded that hold a wanted frame. Fault: `invalid` with the block's place.
 */
export function readFrames(
  source: ByteSource,
  sequence: Sequence,
  runs: readonly Range[],
  frames: Range,
  take: TakeFrame,
): Result<void, PatternFault> {
  const { compression, blocks, strideBytes } = sequence
  if (compression === 'none') return readPlain(source, sequence, runs, frames, take)
  const decoder: Decoder = compression === 'zstd' ? new ZstdDecoder() : new InflateDecoder()
  const endFrame = frames.first + frames.count
  for (const [index, block] of blocks.entries()) {
    if (block.endFrame <= frames.first || block.firstFrame >= endFrame) continue
    const mostBytes = (block.endFrame - block.firstFrame) * strideBytes
    const slicer = new Slicer(block, strideBytes, runs, frames, take)
    try {
      decoder.run(source, block.start, block.end, mostBytes, bytes => slicer.take(bytes))
      slicer.finish()
    } catch (thrown) {
      if (!(thrown instanceof Damage)) throw thrown
      const message = `block ${index} (frames ${block.firstFrame} to ${block.endFrame - 1}, ${compression}) is damaged: ${thrown.message}; copy or save the sequence again`
      return fail(invalidAt(block.start, message))
    }
  }
  return ok(undefined)
}

function readPlain(
  source: ByteSource,
  { dataAt, strideBytes }: Sequence,
  runs: readonly Range[],
  frames: Range,
  take: TakeFrame,
): Result<void, PatternFault> {
  const wanted = new Uint8Array(runs.reduce((sum, run) => sum + run.count, 0))
  for (let frame = frames.first; frame < frames.first + frames.count; frame++) {
    let filled = 0
    for (const { first, count } of runs) {
      const at = dataAt + frame * strideBytes + first
      const bytes = source.read(at, count)
      if (bytes.length < count) return fail(invalidAt(at, 'the file has become shorter while it was read'))
      wanted.set(bytes, filled)
      filled += count
    }
    take(wanted)
  }
  return ok(undefined)
}

/** Cuts the wanted channels of the wanted frames out of a block as it is expanded. */
class Slicer {
  readonly #block: Block
  readonly #strideBytes: number
  readonly #runs: readonly Range[]
  readonly #frames: Range
  readonly #take: TakeFrame
  readonly #wanted: Uint8Array
  #frame: number
  #inFrame = 0

  constructor(block: Block, strideBytes: number, runs: readonly Range[], frames: Range, take: TakeFrame) {
    this.#block = block
    this.#strideBytes = strideBytes
    this.#runs = runs
    this.#frames = frames
    this.#take = take
    this.#wanted = new Uint8Array(runs.reduce((sum, run) => sum + run.count, 0))
    this.#frame = block.firstFrame
  }

  /** False: every wanted frame of the block is there, and the rest of it need not be expanded. */
  take(bytes: Uint8Array): boolean {
    const { first, count } = this.#frames
    for (let at = 0; at < bytes.length; ) {
      if (this.#frame >= this.#block.endFrame) throw new Damage('it holds more than the header promises')
      const length = Math.min(this.#strideBytes - this.#inFrame, bytes.length - at)
      if (this.#frame >= first) this.#copy(bytes, at, length)
      at += length
      this.#inFrame += length
      if (this.#inFrame < this.#strideBytes) break
      this.#inFrame = 0
      if (this.#frame >= first) this.#take(this.#wanted)
      this.#frame += 1
      if (this.#frame >= first + count && this.#frame < this.#block.endFrame) return false
    }
    return true
  }

  finish(): void {
    const wantedEnd = Math.min(this.#block.endFrame, this.#frames.first + this.#frames.count)
    if (this.#frame >= wantedEnd) return
    const { firstFrame, endFrame } = this.#block
    const bytes = (this.#frame - firstFrame) * this.#strideBytes + this.#inFrame
    throw new Damage(`it holds ${bytes} bytes; ${(endFrame - firstFrame) * this.#strideBytes} were promised`)
  }

  /** What of `length` bytes at `from`, which lie at #inFrame of the frame, is wanted. */
  #copy(bytes: Uint8Array, from: number, length: number): void {
    const begin = this.#inFrame
    let filled = 0
    for (const { first, count } of this.#runs) {
      const start = Math.max(first, begin)
      const end = Math.min(first + count, begin + length)
      if (start < end)
        this.#wanted.set(bytes.subarray(from + start - begin, from + end - begin), filled + start - first)
      filled += count
    }
  }
}
