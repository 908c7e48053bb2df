import type { PreviewView } from '../../wire/pattern.ts'

/** Frames for a canvas: R, G, B for each pixel, row by row, frame after frame. */
export interface Preview {
  readonly width: number
  readonly height: number
  /** Of the whole pattern; the preview may hold fewer. */
  readonly frames: number
  readonly delaysMs: readonly number[]
  readonly pixels: Uint8Array
}

/** A faster frame than this nobody sees, and it would keep a phone warm. */
const shortestDelayMs = 10
const longestDelayMs = 65_535

/** undefined: the answer does not hold what it says. */
export function decodePreview({ width, height, frames, delaysMs, pixels }: PreviewView): Preview | undefined {
  const bytes = fromBase64(pixels)
  if (bytes === undefined || delaysMs.length === 0 || width < 1 || height < 1) return undefined
  if (bytes.length !== width * height * 3 * delaysMs.length) return undefined
  return {
    width,
    height,
    frames,
    delaysMs: delaysMs.map(delay => Math.min(longestDelayMs, Math.max(shortestDelayMs, delay))),
    pixels: bytes,
  }
}

function fromBase64(text: string): Uint8Array | undefined {
  try {
    const binary = atob(text)
    const bytes = new Uint8Array(binary.length)
    for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at)
    return bytes
  } catch {
    return undefined
  }
}

export const frameOf = ({ width, height, pixels }: Preview, index: number): Uint8Array =>
  pixels.subarray(index * width * height * 3, (index + 1) * width * height * 3)

/** The frame with the most light: what stands for the pattern where nothing may move. */
export function brightestFrame(preview: Preview): number {
  let best = 0
  let most = -1
  for (let index = 0; index < preview.delaysMs.length; index++) {
    let light = 0
    for (const value of frameOf(preview, index)) light += value
    if (light > most) [best, most] = [index, light]
  }
  return best
}
