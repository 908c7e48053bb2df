import { createHash } from 'node:crypto'
import type { UploadOptions } from '../../src/upload/upload-options.ts'
import { seededRandom } from '../support/synthetic-patterns.ts'

/** The board is a matrix of 8×8. */
export const side = 8
const leds = side * side
/** Short enough to be all seen in a blink. */
const frameMs = 5
const rawBytes = 4096

export interface CutFile {
  readonly bytes: Uint8Array
  readonly how: UploadOptions
  /** What a board shows that plays it, frame by frame; empty for opaque bytes. */
  readonly frames: readonly Uint8Array[]
  readonly sha256: string
}

const noise = (seed: number, sizeBytes: number): Uint8Array => {
  const random = seededRandom(seed)
  return Uint8Array.from({ length: sizeBytes }, () => Math.floor(random() * 256))
}

/** Upload Bridge LEDM with its size: a real file on its real way through the import. */
function ledm(fileName: string, frames: readonly Uint8Array[]): CutFile {
  const header = Buffer.alloc(14)
  header.write('LEDM', 'latin1')
  for (const [index, value] of [1, leds, frames.length, side, side].entries())
    header.writeUInt16LE(value, 4 + index * 2)
  const delay = Uint8Array.of(frameMs, 0)
  return opaqueOrPattern(
    fileName,
    Buffer.concat([header, ...frames.flatMap(frame => [delay, frame])]),
    frames,
  )
}

const opaqueOrPattern = (fileName: string, bytes: Uint8Array, frames: readonly Uint8Array[]): CutFile => ({
  bytes,
  frames,
  how: { fileName, raw: frames.length === 0 },
  sha256: createHash('sha256').update(bytes).digest('hex'),
})

/** The same seed gives the same files. Old and new share two frames, so that a part of the new one is copied (SPEC §6.2). */
export function cutFiles(seed: number): Readonly<Record<'old' | 'raw' | 'pattern', CutFile>> {
  const frame = (index: number) => noise(seed * 1000 + index, leds * 3)
  return {
    old: ledm('old.bin', [0, 1, 2].map(frame)),
    raw: opaqueOrPattern('new.raw', noise(seed * 1000 + 99, rawBytes), []),
    pattern: ledm('new.bin', [1, 2, 3, 4, 5, 6].map(frame)),
  }
}
