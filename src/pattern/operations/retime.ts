import type { Frame } from '../pattern.ts'
import { badRequest, type Operation, withFrames } from './operation.ts'

const longestMs = 0xffffffff

/** Every frame is shown for `delayMs`. */
export const setDelay =
  (delayMs: number): Operation =>
  (pattern, limits) =>
    Number.isInteger(delayMs) && delayMs >= 1 && delayMs <= longestMs
      ? withFrames(
          pattern,
          pattern.frames.map(({ pixels }) => ({ delayMs, pixels })),
          limits,
        )
      : badRequest(`a frame is shown for a whole number of ms from 1 to ${longestMs}, not ${delayMs}`)

/** `framesPerSecond` frames a second. Times are whole ms: what is rounded off one frame is given to a later one. */
export const setFrameRate =
  (framesPerSecond: number): Operation =>
  (pattern, limits) =>
    framesPerSecond >= 0.001 && framesPerSecond <= 1000
      ? withFrames(
          pattern,
          timed(pattern.frames, () => 1000 / framesPerSecond),
          limits,
        )
      : badRequest(`a frame rate is 0.001 to 1000 frames a second, not ${framesPerSecond}`)

/** `factor` 2: twice as fast. The whole keeps its length to the ms as long as no frame would be shorter than 1 ms. */
export const changeSpeed =
  (factor: number): Operation =>
  (pattern, limits) =>
    factor > 0 && Number.isFinite(factor)
      ? withFrames(
          pattern,
          timed(pattern.frames, ({ delayMs }) => delayMs / factor),
          limits,
        )
      : badRequest(`a speed is a factor above 0 (2: twice as fast; 0.5: half as fast), not ${factor}`)

/** Each frame ends at the whole ms nearest to where it should, and lasts 1 ms at least. */
function timed(frames: readonly Frame[], wantedMs: (frame: Frame) => number): readonly Frame[] {
  let dueMs = 0
  let atMs = 0
  return frames.map(frame => {
    dueMs += wantedMs(frame)
    const endMs = Math.max(atMs + 1, Math.round(dueMs))
    const delayMs = endMs - atMs
    atMs = endMs
    return { delayMs, pixels: frame.pixels }
  })
}
