import type { Frame } from '../pattern.ts'

/** Frames and pixels of each that are looked at: enough to judge, and the same time for every pattern. */
const mostFrames = 256
const mostPixels = 4096

/**
 * Index of the frame that says most about a pattern: the one whose light is spread over the most colours (entropy, in bits, of
 * 3 bits a channel), the brighter one among equals. A black frame or one of a single colour comes last.
 */
export function tellingFrame(frames: readonly Pick<Frame, 'pixels'>[]): number {
  const step = Math.max(1, frames.length / mostFrames)
  let best = 0
  let most = -1
  for (let place = 0; place < frames.length; place += step) {
    const index = Math.floor(place)
    const value = frameValue(frames[index]?.pixels ?? new Uint8Array(0))
    if (value <= most) continue
    most = value
    best = index
  }
  return best
}

function frameValue(pixels: Uint8Array): number {
  const counts = new Uint16Array(512)
  const stride = Math.max(1, Math.floor(pixels.length / 3 / mostPixels)) * 3
  let seen = 0
  let light = 0
  for (let at = 0; at + 2 < pixels.length; at += stride, seen++) {
    const red = pixels[at] ?? 0
    const green = pixels[at + 1] ?? 0
    const blue = pixels[at + 2] ?? 0
    light += red + green + blue
    const color = ((red >> 5) << 6) | ((green >> 5) << 3) | (blue >> 5)
    counts[color] = (counts[color] ?? 0) + 1
  }
  let entropy = 0
  for (const count of counts) if (count > 0) entropy -= (count / seen) * Math.log2(count / seen)
  return seen === 0 ? 0 : entropy + light / seen / 765
}
