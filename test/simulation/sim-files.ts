import type { Prng } from '../../src/link/prng.ts'
import { type BuiltImage, buildImage } from '../../src/protocol/image.ts'
import type { UploadOptions } from '../../src/upload/upload-options.ts'
import type { BoardConfig } from '../../src/virtual/board-config.ts'

/** A file that a simulated user uploads, and what a board that plays it must show. */
export interface SimFile {
  readonly bytes: Uint8Array
  readonly how: UploadOptions
  /** Frame by frame; empty for opaque bytes. */
  readonly frames: readonly Uint8Array[]
}

export interface FrameSet {
  readonly frames: readonly Uint8Array[]
  readonly delayMs: number
}

/** Bytes of which about half repeat, so that images are neither empty nor as long as the file. */
function pixels(prng: Prng, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes)
  const repeats = prng.below(4)
  for (let at = 0; at < sizeBytes; at++)
    bytes[at] = at >= 3 && prng.below(4) < repeats ? (bytes[at - 3] ?? 0) : prng.below(256)
  return bytes
}

export function drawFrames(prng: Prng, leds: number, count: number, shared: readonly Uint8Array[]): FrameSet {
  const frames = Array.from({ length: count }, (_, index) => shared[index] ?? pixels(prng, leds * 3))
  return { frames, delayMs: 40 + prng.below(400) }
}

export const opaqueFile = (prng: Prng, sizeBytes: number): SimFile => ({
  bytes: pixels(prng, sizeBytes),
  how: { fileName: 'opaque.raw', raw: true },
  frames: [],
})

/** Upload Bridge LEDM with its size, a real file on its real way through the import. */
export function patternFile({ frames, delayMs }: FrameSet, { leds, width, height }: BoardConfig): SimFile {
  const header = Buffer.alloc(14)
  header.write('LEDM', 'latin1')
  for (const [index, value] of [1, leds, frames.length, width, height].entries())
    header.writeUInt16LE(value, 4 + index * 2)
  const delay = Buffer.alloc(2)
  delay.writeUInt16LE(delayMs)
  const bytes = Buffer.concat([header, ...frames.flatMap(frame => [delay, frame])])
  return { bytes, how: { fileName: 'pattern.bin', raw: false }, frames }
}

/** The pattern that a board has played since before the session. */
export function oldImage({ frames, delayMs }: FrameSet, config: BoardConfig): BuiltImage {
  const { leds, width, height } = config
  const built = buildImage(
    {
      leds,
      width,
      height,
      channels: 3,
      colorOrder: 0,
      loopCount: 0,
      name: 'old',
      frames: frames.map(frame => ({ pixels: frame, delayMs })),
    },
    config,
    0,
  )
  if (!built.ok) throw new Error(`the old pattern cannot be built: ${built.fault.kind}`)
  return built.value
}
