import { fail, ok, type Result } from '../kernel/result.ts'
import type { PatternFault } from './fault.ts'
import type { Pattern } from './pattern.ts'

/**
 * How a strip runs over a matrix, e.g. `column-serpentine-bl`: it starts in the bottom-left corner, runs up the first
 * column, and comes down the second. `straight` starts each line at the same side.
 */
export type Wiring = `${'row' | 'column'}-${'straight' | 'serpentine'}-${'tl' | 'tr' | 'bl' | 'br'}`

export const wirings: readonly Wiring[] = (['row', 'column'] as const).flatMap(line =>
  (['straight', 'serpentine'] as const).flatMap(turn =>
    (['tl', 'tr', 'bl', 'br'] as const).map(corner => `${line}-${turn}-${corner}` as const),
  ),
)

export function parseWiring(text: string): Result<Wiring, PatternFault> {
  const found = wirings.find(wiring => wiring === text.trim().toLowerCase())
  if (found !== undefined) return ok(found)
  return fail({
    kind: 'bad_request',
    message: `'${text}' is no wiring; write row or column, straight or serpentine, and the corner of the first LED (tl, tr, bl, br), e.g. column-serpentine-tl`,
  })
}

/** For each LED of the strip, the pixel of the canvas (y · width + x) it sits at. */
export function wiringMap(width: number, height: number, wiring: Wiring): Uint32Array {
  const [line, turn, corner] = wiring.split('-')
  const byRow = line === 'row'
  const lineLength = byRow ? width : height
  const map = new Uint32Array(width * height)
  for (let led = 0; led < map.length; led++) {
    const across = Math.floor(led / lineLength)
    const step = led % lineLength
    const along = turn === 'serpentine' && across % 2 === 1 ? lineLength - 1 - step : step
    const fromLeft = byRow ? along : across
    const fromTop = byRow ? across : along
    const x = corner === 'tr' || corner === 'br' ? width - 1 - fromLeft : fromLeft
    const y = corner === 'bl' || corner === 'br' ? height - 1 - fromTop : fromTop
    map[led] = y * width + x
  }
  return map
}

/** Moves the pixels of a canvas (3 bytes each) into the order of the strip. */
export function toStripOrder(
  pixels: Uint8Array,
  map: Uint32Array,
  out = new Uint8Array(pixels.length),
): Uint8Array {
  for (let led = 0, to = 0; led < map.length; led++) {
    let from = (map[led] as number) * 3
    for (const end = to + 3; to < end; to++, from++) out[to] = pixels[from] ?? 0
  }
  return out
}

/** The reverse of `toStripOrder`. */
export function toCanvasOrder(
  pixels: Uint8Array,
  map: Uint32Array,
  out = new Uint8Array(pixels.length),
): Uint8Array {
  for (const [led, pixel] of map.entries())
    for (let c = 0; c < 3; c++) out[pixel * 3 + c] = pixels[led * 3 + c] ?? 0
  return out
}

/**
 * Reads a file that holds its pixels in the order of a strip (`--source-wiring`): the same frames as a canvas of `size`.
 * Without `size` the pattern's own width and height are taken, which a headerless file does not have.
 */
export function fromSourceWiring(
  pattern: Pattern,
  wiring: Wiring,
  size: { readonly width: number; readonly height: number } = pattern,
): Result<Pattern, PatternFault> {
  const { width, height } = size
  if (width * height !== pattern.leds) {
    return fail({
      kind: 'bad_request',
      message: `the file has ${pattern.leds} LEDs a frame, ${width}×${height} are ${width * height}; give the width and height of the matrix it was made for`,
    })
  }
  const map = wiringMap(width, height, wiring)
  const frames = pattern.frames.map(({ delayMs, pixels }) => ({
    delayMs,
    pixels: toCanvasOrder(pixels, map),
  }))
  return ok({ ...pattern, width, height, frames })
}
