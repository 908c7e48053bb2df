import { Prng } from '../../src/link/prng.ts'
import type { ImagePattern } from '../../src/protocol/image.ts'

/** Bytes that no codec shrinks, the same for the same seed. */
export function noiseBytes(sizeBytes: number, seed: number): Uint8Array {
  const prng = new Prng(seed)
  return Uint8Array.from({ length: sizeBytes }, () => prng.below(256))
}

/** A pattern as an STD file: LEDs and frames as u16, then for each frame its delay in ms as u16 and RGB (docs/formats.md). */
export function stdFile({ leds, frames }: ImagePattern): Uint8Array {
  const head = Buffer.alloc(4)
  head.writeUInt16LE(leds, 0)
  head.writeUInt16LE(frames.length, 2)
  const parts = frames.flatMap(({ delayMs, pixels }) => {
    const delay = Buffer.alloc(2)
    delay.writeUInt16LE(delayMs, 0)
    return [delay, pixels]
  })
  return Buffer.concat([head, ...parts])
}
