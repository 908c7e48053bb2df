import { type BuiltImage, buildImage } from '../../src/protocol/image.ts'

/** Pixels of frame `frame`: no two frames alike. */
export const pixelsOf = (frame: number, leds: number, channels: number): Uint8Array =>
  new Uint8Array(leds * channels).map((_, i) => (frame * 37 + i * 11) & 0xff)

/** A pattern of `frames` frames of 40 ms each, stored raw in blocks of some frames. */
export function testPattern(frames: number, leds: number, channels = 3, name = 'test'): BuiltImage {
  const built = buildImage(
    {
      leds,
      width: 0,
      height: 0,
      channels,
      colorOrder: 0,
      loopCount: 0,
      name,
      frames: Array.from({ length: frames }, (_, i) => ({
        delayMs: 40,
        pixels: pixelsOf(i, leds, channels),
      })),
    },
    { codecs: 0b0001, decodeBytes: 16384, blockBytes: 600 },
    1,
  )
  if (!built.ok) throw new Error(built.fault.kind)
  return built.value
}
