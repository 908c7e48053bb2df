import type { Pattern } from '../pattern.ts'
import { scalePixels } from '../scale.ts'
import { LedLook, type Look } from './led-look.ts'
import { drawText, textSize } from './tiny-font.ts'

export interface ContactSheetOptions {
  readonly look: Look
  /** Side of an LED's square, in pixels; what fits well when absent. */
  readonly cell?: number | undefined
  /** Frames shown at most; 24 when absent. */
  readonly frames?: number | undefined
}

interface Sheet {
  readonly width: number
  readonly height: number
  /** RGB. */
  readonly pixels: Uint8Array
}

const usualFrames = 24
/** Longest side of a frame on the sheet. */
const tileSide = 144
const stripSide = 560
const mostCell = 16
const gap = 12
const textScale = 2
const paper = [40, 40, 46] as const
const ink = [205, 205, 212] as const

/** Evenly spaced frames of a pattern in a grid, the first and the last among them, each with its number (from 1, as `--frames` counts) and the time at which it begins. */
export function contactSheet(pattern: Pattern, options: ContactSheetOptions): Sheet {
  const shown = chosenFrames(pattern.frames.length, options.frames ?? usualFrames)
  const side = pattern.height === 1 ? stripSide : tileSide
  const longest = Math.max(pattern.width, pattern.height)
  const cell = Math.max(1, options.cell ?? Math.min(mostCell, Math.floor(side / longest)))
  // A picture with more pixels than the tile is shown smaller.
  const factor = options.cell === undefined ? Math.min(1, side / longest) : 1
  const small = (length: number) => Math.max(1, Math.round(length * factor))
  const canvas = { width: small(pattern.width), height: small(pattern.height) }
  const look = new LedLook(canvas, { look: options.look, cell })
  const labels = labelsOf(pattern, shown)
  const labelWidth = labels.reduce((most, label) => Math.max(most, textSize(label, textScale).width), 0)
  const tile = {
    width: Math.max(look.width, labelWidth),
    height: look.height + textSize('0', textScale).height + 5,
  }
  const columns = bestColumns(shown.length, tile)
  const width = gap + columns * (tile.width + gap)
  const height = gap + Math.ceil(shown.length / columns) * (tile.height + gap)
  const pixels = new Uint8Array(width * height * 3)
  for (let at = 0; at < pixels.length; at += 3) pixels.set(paper, at)
  for (const [place, index] of shown.entries()) {
    const x = gap + (place % columns) * (tile.width + gap)
    const y = gap + Math.floor(place / columns) * (tile.height + gap)
    const frame = pattern.frames[index]?.pixels ?? new Uint8Array(pattern.leds * 3)
    const drawn = look.draw(scalePixels(frame, pattern, canvas))
    for (let row = 0; row < look.height; row++)
      pixels.set(
        drawn.subarray(row * look.width * 3, (row + 1) * look.width * 3),
        ((y + row) * width + x) * 3,
      )
    drawText(pixels, { width, height }, labels[place] ?? '', {
      x,
      y: y + look.height + 5,
      scale: textScale,
      color: ink,
    })
  }
  return { width, height, pixels }
}

/** At most `most` indices, as evenly spaced as whole numbers allow. */
function chosenFrames(frames: number, most: number): readonly number[] {
  const count = Math.max(1, Math.min(frames, most))
  return Array.from({ length: count }, (_, at) =>
    count === 1 ? 0 : Math.round((at * (frames - 1)) / (count - 1)),
  )
}

/** e.g. `17 0.80s`. */
function labelsOf({ frames }: Pattern, shown: readonly number[]): readonly string[] {
  const starts: number[] = []
  let startMs = 0
  for (const { delayMs } of frames) {
    starts.push(startMs)
    startMs += delayMs
  }
  return shown.map(index => `${index + 1} ${timeWords(starts[index] ?? 0)}`)
}

const timeWords = (ms: number): string =>
  ms < 60_000
    ? `${(ms / 1000).toFixed(2)}s`
    : `${Math.floor(ms / 60_000)}:${String(Math.floor((ms % 60_000) / 1000)).padStart(2, '0')}`

/** The sheet that comes nearest to the shape of a screen, 4:3. */
function bestColumns(count: number, tile: { readonly width: number; readonly height: number }): number {
  let best = 1
  let least = Number.POSITIVE_INFINITY
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns)
    const shape = (columns * (tile.width + gap)) / (rows * (tile.height + gap))
    const empty = (rows * columns - count) / count
    const error = Math.abs(Math.log(shape / (4 / 3))) + empty
    if (error >= least) continue
    least = error
    best = columns
  }
  return best
}
