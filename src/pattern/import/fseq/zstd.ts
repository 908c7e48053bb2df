import type { ByteSource } from '../../byte-source.ts'
import { Damage } from './damage.ts'
import type { Decoder } from './decoder.ts'
import { History, maxStepBytes } from './history.ts'
import { ZstdLiterals } from './zstd-literals.ts'
import { ZstdSequences } from './zstd-sequences.ts'

/** Most memory for a window. Sequences are written with windows of up to 2 MiB (levels 1 to 10 of zstd). */
const maxWindowBytes = 8 * 1024 * 1024
/** Decoders read bits in fours of bytes. */
const paddingBytes = 8

interface FrameHeader {
  readonly behind: number
  readonly windowBytes: number
  readonly checksum: boolean
}

/**
 * Zstandard (RFC 8878) from bytes that are fetched block by block; several frames and skippable ones may follow each other.
 * Every length is checked before anything is written, and the work is bounded by input and output. Dictionaries are refused;
 * checksums are not verified.
 */
export class ZstdDecoder implements Decoder {
  readonly #history = new History()
  readonly #literals = new ZstdLiterals()
  readonly #sequences = new ZstdSequences()
  readonly #input = new Uint8Array(maxStepBytes + paddingBytes)

  run(
    source: ByteSource,
    start: number,
    end: number,
    mostBytes: number,
    take: (bytes: Uint8Array) => boolean,
  ): void {
    let left = mostBytes
    let at = start
    const taken = (bytes: Uint8Array) => {
      left -= bytes.length
      return take(bytes)
    }
    while (at < end) {
      const magic = u32(source.read(at, 4), 0)
      if (magic >= 0x184d2a50 && magic <= 0x184d2a5f) {
        at += 8 + u32(source.read(at + 4, 4), 0)
        if (at > end) throw new Damage('a skippable frame goes beyond its block')
        continue
      }
      const next = this.#frame(source, at, end, left, taken)
      if (next === undefined) return
      at = next
    }
  }

  /** Returns the offset behind the frame; undefined when nothing more is wanted. */
  #frame(
    source: ByteSource,
    start: number,
    end: number,
    mostBytes: number,
    take: (bytes: Uint8Array) => boolean,
  ): number | undefined {
    const { behind, windowBytes, checksum } = frameHeader(
      source.read(start, Math.min(18, end - start)),
      mostBytes,
    )
    const blockBytes = Math.min(maxStepBytes, windowBytes)
    const history = this.#history
    history.begin(Math.min(windowBytes, mostBytes), mostBytes)
    this.#literals.beginFrame()
    this.#sequences.beginFrame()
    let at = start + behind
    for (;;) {
      const head = source.read(at, 3)
      if (at + 3 > end || head.length < 3) throw new Damage('the data ends within a frame')
      const word = (head[0] ?? 0) | ((head[1] ?? 0) << 8) | ((head[2] ?? 0) << 16)
      const type = (word >> 1) & 3
      const size = word >> 3
      const stored = type === 1 ? 1 : size
      if (type === 3) throw new Damage('a block is of a kind that does not exist')
      if (size > blockBytes) throw new Damage(`a block of ${size} bytes; ${blockBytes} is the limit`)
      if (at + 3 + stored > end) throw new Damage('the data ends within a block')
      history.makeRoom(windowBytes)
      this.#block(source, at + 3, type, size, windowBytes, blockBytes)
      at += 3 + stored
      const bytes = history.take()
      if (bytes.length > 0 && !take(bytes)) return undefined
      if ((word & 1) === 1) return at + (checksum ? 4 : 0)
    }
  }

  #block(
    source: ByteSource,
    at: number,
    type: number,
    size: number,
    windowBytes: number,
    blockBytes: number,
  ): void {
    const history = this.#history
    if (type === 1) {
      history.bytes.fill(source.read(at, 1)[0] ?? 0, history.at, history.at + size)
      history.at += size
      return
    }
    const stored = source.read(at, size)
    if (stored.length < size) throw new Damage('the data ends within a block')
    if (type === 0) {
      history.bytes.set(stored, history.at)
      history.at += size
      return
    }
    const input = this.#input
    input.set(stored)
    input.fill(0, size, size + paddingBytes)
    const behind = this.#literals.read(input, 0, size, blockBytes)
    this.#sequences.run(input, behind, size, this.#literals, history, windowBytes, blockBytes)
  }
}

/** RFC 8878 §3.1.1.1. */
function frameHeader(bytes: Uint8Array, mostBytes: number): FrameHeader {
  if (bytes.length < 6 || u32(bytes, 0) !== 0xfd2fb528) throw new Damage('this is no Zstandard frame')
  const flags = bytes[4] ?? 0
  const single = (flags & 0x20) !== 0
  if ((flags & 0x08) !== 0) throw new Damage('a reserved bit is set')
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] ?? 0
  const sizeCode = flags >> 6
  const sizeBytes = sizeCode === 0 ? (single ? 1 : 0) : 2 ** sizeCode
  const sizeAt = (single ? 5 : 6) + dictionaryBytes
  const behind = sizeAt + sizeBytes
  if (behind > bytes.length) throw new Damage('the data ends within a frame header')
  if (bytes.subarray(sizeAt - dictionaryBytes, sizeAt).some(byte => byte !== 0))
    throw new Damage('it was compressed with a dictionary, which is not in the file')
  let declared = sizeCode === 1 ? 256 : 0
  for (let index = sizeBytes - 1, sum = 0; index >= 0; index--) {
    sum = sum * 256 + (bytes[sizeAt + index] ?? 0)
    if (index === 0) declared += sum
  }
  if (declared > mostBytes) throw new Damage(`it expands to ${declared} bytes; ${mostBytes} were promised`)
  const descriptor = bytes[5] ?? 0
  const base = 2 ** (10 + (descriptor >> 3))
  const windowBytes = single ? declared : base + (base / 8) * (descriptor & 7)
  // A window of which only a little can ever be filled needs little memory.
  if (Math.min(windowBytes, mostBytes) > maxWindowBytes)
    throw new Damage(`it needs a window of ${windowBytes} bytes; ${maxWindowBytes} is the limit`)
  return { behind, windowBytes, checksum: (flags & 4) !== 0 }
}

const u32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)) >>>
  0
