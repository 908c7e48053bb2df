const delayMs = 40
const bytesPerLed = 3

export interface NoisePattern {
  /** STD: u16 LEDs, u16 frames, then for each frame u16 delay and RGB. */
  readonly file: Buffer
  /** The colours of each frame as they are in the file. */
  readonly frames: readonly Buffer[]
}

/** A pattern that no codec makes smaller: what goes over the line is known. The same seed gives the same bytes. */
export function noisePattern(leds: number, frames: number, seed: number): NoisePattern {
  let state = seed >>> 0
  const next = () => {
    // Numerical Recipes' generator; its high byte.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  }
  const pictures = Array.from({ length: frames }, () =>
    Buffer.from(Array.from({ length: leds * bytesPerLed }, next)),
  )
  const u16 = (value: number) => Buffer.from([value & 0xff, value >> 8])
  const file = Buffer.concat([
    u16(leds),
    u16(frames),
    ...pictures.flatMap(picture => [u16(delayMs), picture]),
  ])
  return { file, frames: pictures }
}
