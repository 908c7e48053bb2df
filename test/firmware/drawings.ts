import omggif from 'omggif'
import type { Wiring } from '../../src/pattern/wiring.ts'
import { seededRandom } from '../support/synthetic-patterns.ts'

export interface Frame {
  readonly delayMs: number
  /** RGB, row after row. */
  readonly pixels: Uint8Array
}

export interface Strip {
  readonly leds: number
  /** Absent: LEDs in a row. */
  readonly width?: number
  readonly height?: number
}

const palette = [0x000000, 0xff2010, 0x20ff40, 0x1040ff, 0xffffff, 0x010204, 0x808000, 0x7f00fe]

/** Frames of palette noise; the delays are multiples of 10 ms, so that GIF can tell them. */
export function drawing(seed: number, leds: number, delaysMs: readonly number[]): readonly Frame[] {
  const random = seededRandom(seed)
  return delaysMs.map(delayMs => ({
    delayMs,
    pixels: Uint8Array.from(
      Array.from({ length: leds }, () => palette[Math.floor(random() * palette.length)] ?? 0).flatMap(
        color => [color >> 16, (color >> 8) & 0xff, color & 0xff],
      ),
    ),
  }))
}

/** The same at 25 frames a second. */
export const steadyDrawing = (seed: number, leds: number, frames: number): readonly Frame[] =>
  drawing(
    seed,
    leds,
    Array.from({ length: frames }, () => 40),
  )

/** Frames that no codec makes smaller. */
export function noise(seed: number, leds: number, delaysMs: readonly number[]): readonly Frame[] {
  const random = seededRandom(seed)
  return delaysMs.map(delayMs => ({
    delayMs,
    pixels: Uint8Array.from({ length: leds * 3 }, () => Math.floor(random() * 256)),
  }))
}

const colors = (pixels: Uint8Array): readonly number[] =>
  Array.from({ length: pixels.length / 3 }, (_, i) => Buffer.from(pixels).readUIntBE(i * 3, 3))

export function gifFile(frames: readonly Frame[], width: number, height: number): Uint8Array {
  const bytes = new Uint8Array(100_000)
  const writer = new omggif.GifWriter(bytes, width, height, { palette: [...palette], loop: 0 })
  for (const { delayMs, pixels } of frames) {
    const indices = colors(pixels).map(color => palette.indexOf(color))
    writer.addFrame(0, 0, width, height, indices, { delay: delayMs / 10 })
  }
  return bytes.slice(0, writer.end())
}

/** LED Matrix Studio; cells are BBGGRR. */
export function ledsFile(frames: readonly Frame[], width: number, height: number): string {
  const cell = (color: number) =>
    (((color & 0xff) << 16) | (color & 0xff00) | (color >> 16)).toString(16).padStart(6, '0').toUpperCase()
  const rows = (pixels: Uint8Array) =>
    Array.from(
      { length: height },
      (_, y) =>
        `r:${colors(pixels)
          .slice(y * width, (y + 1) * width)
          .map(cell)
          .join(' ')} `,
    )
  return frames
    .map(({ pixels }) => ['{anim4', `w:${width}`, `h:${height}`, ...rows(pixels), '}', ''].join('\r\n'))
    .join('')
}

/** STD: LEDs in a row, any delay. */
export function stdFile(frames: readonly Frame[]): Uint8Array {
  const header = Buffer.alloc(4)
  header.writeUInt16LE((frames[0]?.pixels.length ?? 0) / 3, 0)
  header.writeUInt16LE(frames.length, 2)
  const parts = frames.flatMap(({ delayMs, pixels }) => [Uint8Array.of(delayMs & 255, delayMs >> 8), pixels])
  return Buffer.concat([header, ...parts])
}

/** Goes along the strip as a finger would: pixels of the canvas in the order of the LEDs. Owes nothing to the gateway's own map. */
function finger(width: number, height: number, wiring: Wiring): readonly number[] {
  const [line, turn, corner = ''] = wiring.split('-')
  let [x, y] = [corner.endsWith('r') ? width - 1 : 0, corner.startsWith('b') ? height - 1 : 0]
  const [homeX, homeY] = [x, y]
  let [dx, dy] = [x === 0 ? 1 : -1, y === 0 ? 1 : -1]
  const path: number[] = []
  for (let i = 0; i < width * height; i++) {
    path.push(y * width + x)
    if (line === 'row' && (i + 1) % width === 0) {
      y += dy
      if (turn === 'serpentine') dx = -dx
      else x = homeX
    } else if (line === 'row') x += dx
    else if ((i + 1) % height === 0) {
      x += dx
      if (turn === 'serpentine') dy = -dy
      else y = homeY
    } else y += dy
  }
  return path
}

/** What the LEDs have to get: strip order, GRB. */
export function wanted(frame: Frame, { leds, width = leds, height = 1 }: Strip, wiring: Wiring): Buffer {
  const pixel = (at: number) => [1, 0, 2].map(channel => frame.pixels[at * 3 + channel] ?? 0)
  return Buffer.from(finger(width, height, wiring).flatMap(pixel))
}
