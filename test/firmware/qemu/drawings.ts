import omggif from 'omggif'
import { seededRandom } from '../../support/synthetic-patterns.ts'

/** A frame of a drawing. */
export interface Frame {
  readonly delayMs: number
  /** RGB, row after row. */
  readonly pixels: Uint8Array
}

const palette = [0x000000, 0xff2010, 0x20ff40, 0x1040ff, 0xffffff, 0x010204, 0x808000, 0x7f00fe]

const pixelsOf = (colors: readonly number[]): Uint8Array =>
  Uint8Array.from(colors.flatMap(color => [color >> 16, (color >> 8) & 0xff, color & 0xff]))

const colorsOf = (pixels: Uint8Array): readonly number[] =>
  Array.from({ length: pixels.length / 3 }, (_, i) => Buffer.from(pixels).readUIntBE(i * 3, 3))

/** Frames of palette noise; delays in multiples of 10 ms can be told by GIF. */
export function drawing(seed: number, leds: number, delaysMs: readonly number[]): readonly Frame[] {
  const random = seededRandom(seed)
  const color = () => palette[Math.floor(random() * palette.length)] ?? 0
  return delaysMs.map(delayMs => ({ delayMs, pixels: pixelsOf(Array.from({ length: leds }, color)) }))
}

/** Frames that no codec makes smaller. */
export function noise(seed: number, leds: number, delaysMs: readonly number[]): readonly Frame[] {
  const random = seededRandom(seed)
  return delaysMs.map(delayMs => ({
    delayMs,
    pixels: Uint8Array.from({ length: leds * 3 }, () => Math.floor(random() * 256)),
  }))
}

export function gifFile(frames: readonly Frame[], width: number, height: number): Uint8Array {
  const bytes = new Uint8Array(100_000)
  const writer = new omggif.GifWriter(bytes, width, height, { palette: [...palette], loop: 0 })
  for (const { delayMs, pixels } of frames) {
    const indices = colorsOf(pixels).map(color => palette.indexOf(color))
    writer.addFrame(0, 0, width, height, indices, { delay: delayMs / 10 })
  }
  return bytes.slice(0, writer.end())
}

/** LED Matrix Studio; cells are BBGGRR, and every frame stays for 100 ms. */
export function ledsFile(frames: readonly Frame[], width: number, height: number): string {
  const cell = (color: number) =>
    (((color & 0xff) << 16) | (color & 0xff00) | (color >> 16)).toString(16).padStart(6, '0').toUpperCase()
  return frames
    .map(({ pixels }) => {
      const colors = colorsOf(pixels)
      const rows = Array.from(
        { length: height },
        (_, y) =>
          `r:${colors
            .slice(y * width, (y + 1) * width)
            .map(cell)
            .join(' ')} `,
      )
      return ['{anim4', `w:${width}`, `h:${height}`, ...rows, '}', ''].join('\r\n')
    })
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

/** Which pixel of a drawing each LED shows. Made here by hand, so that the gateway's own tables are tested, not repeated. */
export type Order = readonly number[]

export const inRows = (leds: number): Order => Array.from({ length: leds }, (_, led) => led)

/** Wiring `column-serpentine-bl`: up the first column, down the second. */
export function upAndDown(width: number, height: number): Order {
  const order: number[] = []
  for (let x = 0; x < width; x++)
    for (let step = 0; step < height; step++) {
      const y = x % 2 === 0 ? height - 1 - step : step
      order.push(y * width + x)
    }
  return order
}

/** What the LEDs have to get for a frame: green, red, blue. */
export const onStrip = ({ pixels }: Frame, order: Order): Uint8Array =>
  Uint8Array.from(order.flatMap(at => [1, 0, 2].map(channel => pixels[at * 3 + channel] ?? 0)))
