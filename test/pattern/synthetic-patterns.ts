import { toStripOrder, wiringMap, wirings } from '../../src/pattern/wiring.ts'
import { seeded } from './pattern-files.ts'

type Random = () => number
/** Colour of a pixel: [red, green, blue], 0 … 255. */
type Shader = (x: number, y: number, frame: number) => readonly [number, number, number]

/** What people draw for LEDs, of a width and a height, from lots drawn by `random`. */
export const scenes: Readonly<Record<string, (width: number, height: number, random: Random) => Shader>> = {
  plasma,
  scroller,
  sprites,
  fire,
  rainbow,
  chase,
  twinkle,
  noise,
}

/** The frames of a scene as raw bytes in the order of a strip, in any of the wirings. */
export function rawScene(
  name: string,
  width: number,
  height: number,
  frames: number,
  seed: number,
): Uint8Array {
  const random = seeded(seed)
  const scene = scenes[name]
  if (scene === undefined) throw new Error(name)
  const wiring = wirings[Math.floor(random() * wirings.length)] ?? 'row-straight-tl'
  const map = wiringMap(width, height, wiring)
  const shade = scene(width, height, random)
  const bytes = new Uint8Array(width * height * 3 * frames)
  const canvas = new Uint8Array(width * height * 3)
  for (let frame = 0; frame < frames; frame++) {
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) canvas.set(shade(x, y, frame), (y * width + x) * 3)
    bytes.set(toStripOrder(canvas, map), frame * canvas.length)
  }
  return bytes
}

/** A hue 0 … 1 at full colour. */
function hue(turn: number, light = 255): readonly [number, number, number] {
  const channel = (shift: number) =>
    light * Math.min(1, Math.max(0, Math.abs(((((turn + shift) % 1) + 1) % 1) * 6 - 3) - 1))
  return [channel(0), channel(2 / 3), channel(1 / 3)]
}

const black = [0, 0, 0] as const

function plasma(_width: number, _height: number, random: Random): Shader {
  const [a, b, c, speed] = [0.1 + random() * 0.5, 0.1 + random() * 0.5, random() * 0.4, 0.02 + random() * 0.2]
  return (x, y, frame) => {
    const t = frame * speed
    return hue(
      (Math.sin(x * a + t) + Math.sin(y * b - t * 0.7) + Math.sin((x + y) * c + t * 1.3)) / 6 + t / 20,
    )
  }
}

/** Letters of 5 columns and gaps of one run through the middle. */
function scroller(width: number, height: number, random: Random): Shader {
  const columns = Array.from({ length: 60 + Math.floor(random() * 120) }, (_, at) =>
    at % 6 === 5 ? 0 : Math.floor(random() * 128),
  )
  const color = hue(random())
  const top = Math.max(0, Math.floor((height - 7) / 2))
  const step = random() < 0.5 ? 1 : 2
  return (x, y, frame) => {
    const column = columns[(x + Math.floor(frame / step)) % (columns.length + width)] ?? 0
    const row = y - top
    return row >= 0 && row < 7 && ((column >> row) & 1) === 1 ? color : black
  }
}

/** A few shapes of up to 4 × 4 bounce on black or on a plain colour. */
function sprites(width: number, height: number, random: Random): Shader {
  const ground = random() < 0.6 ? black : hue(random(), 40)
  const all = Array.from({ length: 1 + Math.floor(random() * 4) }, () => ({
    shape: Math.floor(random() * 65536) | 0x0660,
    color: hue(random()),
    at: [random() * width, random() * height] as const,
    speed: [random() - 0.5, random() - 0.5] as const,
  }))
  const bounce = (value: number, room: number) => {
    const folded = ((value % (2 * room)) + 2 * room) % (2 * room)
    return Math.floor(folded < room ? folded : 2 * room - folded)
  }
  return (x, y, frame) => {
    for (const { shape, color, at, speed } of all) {
      const dx = x - bounce(at[0] + speed[0] * frame, Math.max(1, width - 3))
      const dy = y - bounce(at[1] + speed[1] * frame, Math.max(1, height - 3))
      if (dx >= 0 && dx < 4 && dy >= 0 && dy < 4 && ((shape >> (dy * 4 + dx)) & 1) === 1) return color
    }
    return ground
  }
}

/** Heat that rises from the bottom row, or along a strip, and cools. */
function fire(width: number, height: number, random: Random): Shader {
  const columns = height === 1 ? 1 : width
  const rows = height === 1 ? width : height
  const heat = Float32Array.from({ length: columns * (rows + 1) }, () => random() * 0.3)
  let drawn = -1
  const step = () => {
    for (let x = 0; x < columns; x++) if (random() < 0.5) heat[rows * columns + x] = 0.4 + random() * 0.6
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++) {
        const below = (dx: number, dy: number) =>
          heat[Math.min(rows, y + dy) * columns + Math.min(columns - 1, Math.max(0, x + dx))] ?? 0
        const risen = (below(-1, 1) + below(0, 1) + below(1, 1) + below(0, 2)) / 4
        heat[y * columns + x] = Math.max(0, risen - (random() * 1.5) / rows)
      }
  }
  return (x, y, frame) => {
    for (; drawn < frame; drawn++) step()
    const value = height === 1 ? (heat[rows - 1 - x] ?? 0) : (heat[y * columns + x] ?? 0)
    const light = (gain: number, from: number) => Math.max(0, Math.min(255, value * gain - from))
    return [light(600, 0), light(500, 120), light(400, 280)]
  }
}

function rainbow(width: number, height: number, random: Random): Shader {
  const [turns, speed, light] = [0.5 + random() * 2, 0.005 + random() * 0.05, 60 + random() * 195]
  return (x, y, frame) => hue((turns * (y * width + x)) / (width * height) + frame * speed, light)
}

/** Dots with tails run along the rows. */
function chase(width: number, _height: number, random: Random): Shader {
  const [gap, tail, color] = [5 + Math.floor(random() * 20), 2 + random() * 6, hue(random())]
  return (x, y, frame) => {
    const behind = (((frame - (y * width + x)) % gap) + gap) % gap
    const light = Math.max(0, 1 - behind / tail)
    return [color[0] * light, color[1] * light, color[2] * light]
  }
}

/** Single LEDs light up and fade. */
function twinkle(width: number, height: number, random: Random): Shader {
  const light = new Float32Array(width * height)
  const color = hue(random())
  const rate = 0.01 + random() * 0.04
  let drawn = -1
  return (x, y, frame) => {
    for (; drawn < frame; drawn++)
      for (let at = 0; at < light.length; at++) light[at] = random() < rate ? 1 : (light[at] ?? 0) * 0.8
    const value = light[y * width + x] ?? 0
    return [color[0] * value, color[1] * value, color[2] * value]
  }
}

/** Every value by chance: nothing tells one length from another. */
function noise(_width: number, _height: number, random: Random): Shader {
  return () => [random() * 256, random() * 256, random() * 256]
}
