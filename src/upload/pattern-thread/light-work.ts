import { chooseCandidate } from '../../pattern/choose.ts'
import { detectPattern } from '../../pattern/detect.ts'
import { isGif } from '../../pattern/import/gif-blocks.ts'
import { isPng } from '../../pattern/import/png-chunks.ts'
import type { Reading } from '../upload-options.ts'
import type { PatternWork } from './pattern-work.ts'

/** Measured on a 2-core PC with the files that take longest; a Raspberry Pi 4 takes about four times as long. */
const msPerByte = {
  /** Cut and hashed only. */
  raw: 2e-6,
  /** The blocks of a GIF or the chunks of a PNG, whose pixels wait. */
  picture: 5e-5,
  leds: 2e-5,
  /** Every number of LEDs is tried on a file that does not say how many it has. */
  other: 3e-4,
  /** RGB of the file's frames or of the board's, scaled, laid out and compressed. */
  pixels: 1e-4,
}

/** Whether the work holds the thread that does it no longer than `limitMs`. */
export function isLight(source: Uint8Array, task: PatternWork, limitMs: number): boolean {
  if (task.work === 'prepare' && task.asked.options.raw) return source.byteLength * msPerByte.raw <= limitMs
  const readingMs = source.byteLength * msPerByte[formatOf(source)]
  switch (task.work) {
    case 'candidates':
    case 'check':
      return readingMs <= limitMs
    case 'drawPattern':
      return isLightDrawing(source, task.asked, 0, readingMs, limitMs)
    case 'drawBoard':
    case 'prepare':
      return isLightDrawing(source, task.asked.options, task.asked.board.leds, readingMs, limitMs)
  }
}

/** A few kilobytes of a GIF may be a hundred megabytes of pixels, and each frame fills the board: the file is read to see. */
function isLightDrawing(
  source: Uint8Array,
  reading: Reading,
  boardLeds: number,
  readingMs: number,
  limitMs: number,
): boolean {
  const restMs = limitMs - 2 * readingMs
  if (restMs < 0) return false
  const found = detectPattern(source, reading)
  const chosen = found.ok ? chooseCandidate(found.value, reading.candidate) : found
  // What cannot be read is refused as quickly.
  if (!chosen.ok) return true
  const { leds, frames } = chosen.value
  return frames * Math.max(leds, boardLeds) * 3 * msPerByte.pixels <= restMs
}

function formatOf(source: Uint8Array): 'picture' | 'leds' | 'other' {
  if (isGif(source) || isPng(source)) return 'picture'
  const start = Buffer.from(source.subarray(0, 8)).toString('latin1')
  return /^(\{header|\{colours|\{anim|\[layer)/i.test(start) ? 'leds' : 'other'
}
