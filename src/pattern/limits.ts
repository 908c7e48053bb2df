/** What a pattern may be at most. Everything is checked before memory is taken. */
export interface PatternLimits {
  /** LEDs (pixels) of one frame. */
  readonly maxLeds: number
  readonly maxFrames: number
  /** Width and height of the canvas. */
  readonly maxSide: number
  /** Bytes of all frames together: LEDs × 3 × frames. */
  readonly maxBytes: number
  /** Bytes of a file that is read in one piece. */
  readonly maxFileBytes: number
}

/**
 * Defaults. 512 × 512 pixels hold any picture that is meant for LEDs (a board image itself has at most 65,535 LEDs, SPEC §10.2);
 * 131,072 frames are 96 MiB of 16 × 16 pixels, a recording of an hour; 96 MiB leaves a Raspberry Pi with 512 MB room for everything else.
 */
export const defaultLimits: PatternLimits = {
  maxLeds: 512 * 512,
  maxFrames: 131_072,
  maxSide: 4096,
  maxBytes: 96 * 1024 * 1024,
  maxFileBytes: 256 * 1024 * 1024,
}

/** Why a pattern of this size is refused, or undefined when it is within the limits. */
export function overLimit(
  size: { readonly width: number; readonly height: number; readonly frames: number },
  limits: PatternLimits,
): string | undefined {
  const { width, height, frames } = size
  const leds = width * height
  const count = (value: number) => value.toLocaleString('en-US')
  if (height > 1 && Math.max(width, height) > limits.maxSide)
    return `the canvas is ${width}×${height}; a side may be ${count(limits.maxSide)} at most`
  if (leds > limits.maxLeds) return `it has ${count(leds)} LEDs; ${count(limits.maxLeds)} is the limit`
  if (frames > limits.maxFrames)
    return `it has ${count(frames)} frames; ${count(limits.maxFrames)} is the limit`
  if (leds * 3 * frames > limits.maxBytes)
    return `its frames need ${count(leds * 3 * frames)} bytes; ${count(limits.maxBytes)} is the limit`
  return undefined
}
