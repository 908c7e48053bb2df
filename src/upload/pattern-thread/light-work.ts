import { chooseCandidate } from '../../pattern/choose.ts'
import { detectPattern } from '../../pattern/detect.ts'
import { isGif } from '../../pattern/import/gif-blocks.ts'
import { isPng } from '../../pattern/import/png-chunks.ts'
import type { PatternLimits } from '../../pattern/limits.ts'
import { readingHint } from '../reading-hint.ts'
import type { Reading } from '../upload-options.ts'
import type { PatternWork } from './pattern-work.ts'

/** Measured on a 2-core PC with the files that take longest; a Raspberry Pi 4 takes about four times as long. */
const msPerByte = {
  /** Cut and hashed only. */
  raw: 2e-6,
  /** The blocks of a GIF or the chunks of a PNG, whose pixels wait. */
  picture: 5e-5,
  leds: 2e-5,
  /** Its header; the rest waits. */
  fseq: 0,
  /** Channels that are expanded to get at the wanted ones. */
  channels: 1e-5,
  /** Every number of LEDs is tried on a file that does not say how many it has. */
  other: 3e-4,
  /** An LED of a test card, whose frames grow with it. */
  cardLed: 2e-3,
  /** RGB of the file's frames or of the board's, scaled, laid out and compressed. */
  pixels: 1e-4,
}

/** Whether the work holds the thread that does it no longer than `limitMs`. */
export function isLight(
  source: Uint8Array,
  task: PatternWork,
  limitMs: number,
  limits: PatternLimits,
): boolean {
  if (task.work === 'prepare' && task.asked.options.raw) return source.byteLength * msPerByte.raw <= limitMs
  const readingMs = source.byteLength * msPerByte[formatOf(source)]
  switch (task.work) {
    case 'testCard':
      return task.asked.width * task.asked.height * msPerByte.cardLed <= limitMs
    case 'candidates':
    case 'check':
      return readingMs <= limitMs
    case 'arrive':
    case 'drawThumbnail':
    case 'drawPattern':
      return isLightDrawing(source, task.asked, 0, limitMs - 2 * readingMs, limits)
    // How long some formats take to write is not known, and trying what would fit takes a multiple of compiling.
    case 'export':
    case 'fit':
      return limitMs === Number.POSITIVE_INFINITY
    case 'drawBoard':
    case 'prepare':
      return isLightDrawing(
        source,
        task.asked.options,
        task.asked.board.leds,
        limitMs - 2 * readingMs,
        limits,
      )
  }
}

/** A few kilobytes of a GIF may be a hundred megabytes of pixels, and each frame fills the board: the file is read to see. */
function isLightDrawing(
  source: Uint8Array,
  reading: Reading,
  boardLeds: number,
  restMs: number,
  limits: PatternLimits,
): boolean {
  if (restMs < 0) return false
  const found = detectPattern(source, readingHint(reading), limits)
  const chosen = found.ok ? chooseCandidate(found.value, reading.candidate) : found
  // What cannot be read is refused as quickly.
  if (!chosen.ok) return true
  const { leds, frames, channels, byChannel = false } = chosen.value
  const expandingMs = byChannel ? frames * channels * msPerByte.channels : 0
  return frames * Math.max(leds, boardLeds) * 3 * msPerByte.pixels + expandingMs <= restMs
}

function formatOf(source: Uint8Array): 'picture' | 'leds' | 'fseq' | 'other' {
  if (isGif(source) || isPng(source)) return 'picture'
  const start = Buffer.from(source.subarray(0, 8)).toString('latin1')
  if (/^[PFE]SEQ/.test(start)) return 'fseq'
  return /^(\{header|\{colours|\{anim|\[layer)/i.test(start) ? 'leds' : 'other'
}
