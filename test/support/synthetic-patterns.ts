import type { ImagePattern } from '../../src/protocol/image.ts'

/** Kinds of pattern that stand for what people draw. Every frame of one pattern differs from the others. */
export const patternKinds = [
  'text',
  'sprites',
  'fade',
  'chase',
  'fire-37',
  'fire-256',
  'plasma',
  'noise',
] as const
export type PatternKind = (typeof patternKinds)[number]

export interface SyntheticOptions {
  readonly width?: number
  readonly height?: number
  readonly frames?: number
  readonly seed?: number
  /** Every second row runs backwards, as strips are often laid. */
  readonly serpentine?: boolean
  readonly channels?: 3 | 4
}

type Colour = readonly [red: number, green: number, blue: number]
type Draw = (frame: number) => (x: number, y: number) => Colour

/** Numbers 0 … 1 from a seed (mulberry32): the same on every machine. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000
  }
}

const black: Colour = [0, 0, 0]

export function syntheticPattern(kind: PatternKind, options: SyntheticOptions = {}): ImagePattern {
  const { width = 16, height = 16, frames = 100, seed = 1, serpentine = false, channels = 3 } = options
  const draw = drawers[kind](width, height, seededRandom(seed * 7919 + patternKinds.indexOf(kind)))
  return {
    leds: width * height,
    width,
    height,
    channels,
    colorOrder: 0,
    loopCount: 0,
    name: kind,
    frames: Array.from({ length: frames }, (_, frame) => {
      const colourAt = draw(frame)
      const pixels = new Uint8Array(width * height * channels)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const column = serpentine && y % 2 === 1 ? width - 1 - x : x
          pixels.set(colourAt(x, y), (y * width + column) * channels)
        }
      return { delayMs: 40, pixels }
    }),
  }
}

/** Columns of a 5 × 7 font, the top row in the lowest bit. */
const font: Readonly<Record<string, string>> = {
  A: '7e1111117e',
  B: '7f49494936',
  C: '3e41414122',
  D: '7f4141221c',
  E: '7f49494941',
  F: '7f09090901',
  G: '3e4149497a',
  H: '7f0808087f',
  I: '00417f4100',
  K: '7f08142241',
  L: '7f40404040',
  M: '7f020c027f',
  N: '7f0408107f',
  O: '3e4141413e',
  P: '7f09090906',
  R: '7f09192946',
  S: '4649494931',
  T: '01017f0101',
  U: '3f4040403f',
  V: '1f2040201f',
  W: '3f4038403f',
  X: '6314081463',
  Y: '0708700807',
  Z: '6151494543',
}

function text(_width: number, height: number, random: () => number): Draw {
  const letters = Object.keys(font)
  const columns: number[] = []
  while (columns.length < 1200) {
    const glyph = font[letters[Math.floor(random() * letters.length)] ?? ''] ?? ''
    columns.push(...Buffer.from(glyph, 'hex'), 0)
  }
  const top = Math.floor((height - 7) / 2)
  const ink: Colour = [255, 140, 0]
  return frame => (x, y) =>
    ((columns[(frame + x) % columns.length] ?? 0) >> (y - top)) & 1 && y >= top && y < top + 7 ? ink : black
}

function sprites(width: number, height: number, random: () => number): Draw {
  const colours: Colour[] = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 0],
    [255, 255, 255],
  ]
  const shapes = Array.from({ length: 4 }, () => {
    const half = Array.from({ length: 32 }, () => Math.floor(random() * (colours.length + 2)))
    return {
      x: random() * width,
      y: random() * height,
      dx: 0.3 + random(),
      dy: (random() - 0.5) * 0.7,
      at: (x: number, y: number) => colours[half[y * 4 + (x < 4 ? x : 7 - x)] ?? colours.length],
    }
  })
  return frame => {
    const placed = shapes.map(({ x, y, dx, dy, at }) => ({
      left: Math.floor(x + dx * frame),
      top: Math.floor(y + dy * frame),
      at,
    }))
    return (x, y) => {
      for (const { left, top, at } of placed) {
        const [column, row] = [modulo(x - left, width + 8), modulo(y - top, height + 8)]
        const colour = column < 8 && row < 8 ? at(column, row) : undefined
        if (colour !== undefined) return colour
      }
      // A slow counter in the corner keeps frames apart when all sprites stand still for one.
      return y === 0 && x < 9 && (frame >> x) & 1 ? [0, 0, 40] : black
    }
  }
}

const modulo = (value: number, size: number) => ((value % size) + size) % size

const fade = (): Draw => frame => () => hue(frame / 360, 1)

function chase(width: number, height: number): Draw {
  return frame => (x, y) => {
    const behind = modulo(frame - (y * width + x), width * height)
    const level = behind < 12 ? 255 - behind * 20 : 0
    return [level, Math.floor(frame / (width * height)), level >> 1]
  }
}

const fire =
  (levels: number) =>
  (width: number, height: number, random: () => number): Draw => {
    const decay = levels / 12
    let heat = new Float64Array(width * height)
    return () => {
      const next = new Float64Array(width * height)
      for (let x = 0; x < width; x++) next[(height - 1) * width + x] = levels - 1
      for (let y = 0; y < height - 1; y++)
        for (let x = 0; x < width; x++) {
          const from = modulo(x + Math.floor(random() * 3) - 1, width)
          const cooled = (heat[(y + 1) * width + from] ?? 0) - Math.floor(random() * decay)
          next[y * width + x] = Math.max(0, cooled)
        }
      heat = next
      return (x, y) => {
        const warmth = (next[y * width + x] ?? 0) / (levels - 1)
        const channel = (from: number) => Math.round(255 * Math.min(1, Math.max(0, warmth * 3 - from)))
        return [channel(0), channel(1), channel(2)]
      }
    }
  }

function plasma(_width: number, _height: number, random: () => number): Draw {
  const [a, b, c] = [random() * 6, random() * 6, random() * 6]
  return frame => (x, y) => {
    const time = frame / 12
    const wave =
      Math.sin(x / 3 + time + a) + Math.sin(y / 4 - time * 0.7 + b) + Math.sin((x + y) / 5 + time * 1.3 + c)
    return hue(wave / 6 + 0.5, 1)
  }
}

function noise(_width: number, _height: number, random: () => number): Draw {
  return () => () => [random() * 256, random() * 256, random() * 256].map(Math.floor) as unknown as Colour
}

function hue(turn: number, level: number): Colour {
  const channel = (shift: number) => {
    const distance = Math.abs(modulo(turn + shift, 1) * 6 - 3) - 1
    return Math.round(255 * level * Math.min(1, Math.max(0, distance)))
  }
  return [channel(0), channel(2 / 3), channel(1 / 3)]
}

const drawers: Readonly<Record<PatternKind, (width: number, height: number, random: () => number) => Draw>> =
  {
    text,
    sprites,
    fade,
    chase,
    'fire-37': fire(37),
    'fire-256': fire(256),
    plasma,
    noise,
  }
