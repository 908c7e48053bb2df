import omggif from 'omggif'
import type { Wiring } from '../../src/pattern/wiring.ts'
import { eventually } from '../support/pixelgate.ts'
import { seededRandom } from '../support/synthetic-patterns.ts'
import type { AvrBoard, Strip } from './simavr/avr-board.ts'
import type { Picture } from './ws2812.ts'

export interface Frame {
  readonly delayMs: number
  /** RGB, row after row. */
  readonly pixels: Uint8Array
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

/** STD: LEDs in a row. */
export function stdFile(frames: readonly Frame[], leds: number): Uint8Array {
  const parts = frames.flatMap(({ delayMs, pixels }) => [Uint8Array.of(delayMs & 255, delayMs >> 8), pixels])
  return Buffer.concat([
    Uint8Array.of(leds & 255, leds >> 8, frames.length & 255, frames.length >> 8),
    ...parts,
  ])
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

/** Pictures of one pattern without a break, each the frame after the one before it. */
export interface Run {
  /** Index of the pattern, −1 for black. */
  readonly pattern: number
  readonly fromMs: number
  readonly pictures: number
  /** How far the time to the next picture was from the frame's delay, and when. */
  readonly off: readonly { readonly atMs: number; readonly ms: number }[]
}

const hex = (bytes: Uint8Array = new Uint8Array()) => Buffer.from(bytes).toString('hex')

/**
 * Explains every picture: it is the next frame of what runs, or a run begins with it, which frame 0 of any pattern and black may do. Throws at the
 * first picture that is neither. After each of `restartsMs` a run begins in any case.
 */
export function runsOf(
  pictures: readonly Picture[],
  patterns: readonly (readonly Frame[])[],
  strip: Strip,
  wiring: Wiring,
  restartsMs: readonly number[] = [],
): readonly Run[] {
  const all = patterns.map(frames => frames.map(frame => wanted(frame, strip, wiring)))
  const black = Buffer.alloc(strip.leds * 3)
  const runs: (Run & { pictures: number; off: { atMs: number; ms: number }[] })[] = []
  let [next, sinceMs] = [0, 0]
  for (const [i, { atMs, bytes }] of pictures.entries()) {
    const run = runs.at(-1)
    const frames = all[run?.pattern ?? -1]
    const restarted = restartsMs.some(ms => ms > sinceMs && ms <= atMs)
    if (run !== undefined && !restarted && frames?.[next]?.equals(bytes) === true) {
      const delayMs = patterns[run.pattern]?.at(next - 1)?.delayMs ?? 0
      run.off.push({ atMs: sinceMs, ms: atMs - sinceMs - delayMs })
      run.pictures++
      next = (next + 1) % frames.length
    } else {
      const pattern = black.equals(bytes) ? -1 : all.findIndex(([first]) => first?.equals(bytes))
      if (pattern < 0 && !black.equals(bytes))
        throw new Error(
          `picture ${i} at ${atMs.toFixed(1)} ms is nobody's first frame, nor frame ${next} of pattern ${run?.pattern}: ${hex(bytes)}, not ${hex(frames?.[next])}`,
        )
      runs.push({ pattern, fromMs: atMs, pictures: 1, off: [] })
      next = pattern < 0 ? 0 : 1 % (all[pattern]?.length ?? 1)
    }
    sinceMs = atMs
  }
  return runs
}

/** What is off by more than `ms` after `sinceMs`, in words. */
export const offBy = (ms: number, runs: readonly Run[], sinceMs = 0): readonly string[] =>
  runs.flatMap(({ off, fromMs }) =>
    off
      .filter(gap => gap.atMs >= sinceMs && Math.abs(gap.ms) > ms)
      .map(
        gap =>
          `at ${gap.atMs.toFixed(1)} ms, in the run from ${fromMs.toFixed(1)} on, by ${gap.ms.toFixed(3)} ms`,
      ),
  )

/** The board's time at which the rig answered. */
export const timeMs = ({ cycles }: { readonly cycles: number }): number => cycles / 16e3

/** Waits until so much of the board's time has passed; returns where it is now. */
export async function later(board: AvrBoard, ms: number): Promise<number> {
  const now = async () => timeMs(await board.stats())
  const endMs = (await now()) + ms
  await eventually(async () => (await now()) >= endMs, `${ms} ms of the board`)
  return endMs
}
