/** Draws the project's own sample patterns: `node --import tsx scripts/make-samples.ts [folder]`. The same bytes every time. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GifWriter } from 'omggif'

type Color = readonly [red: number, green: number, blue: number]
/** Colour of the point (x, y), 0 … 16, at `time`, 0 … 1 of the loop. */
type Scene = (x: number, y: number, time: number) => Color

const side = 16
const turn = 2 * Math.PI

const mix = (a: Color, b: Color, share: number): Color => {
  const t = Math.max(0, Math.min(1, share))
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]
}
const add = (a: Color, b: Color, share: number): Color => [
  a[0] + b[0] * share,
  a[1] + b[1] * share,
  a[2] + b[2] * share,
]
const wave = (phase: number): number => Math.sin(phase * turn)

/** A fixed share 0 … 1 for each whole number: stars stay where they are. */
const scatter = (n: number): number => {
  let hash = Math.imul(n + 1, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b)
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32
}

const stars = Array.from({ length: 14 }, (_, n) => ({
  x: Math.floor(scatter(n) * side),
  y: Math.floor(scatter(n + 100) * 12),
  phase: scatter(n + 200),
  turns: 2 + Math.floor(scatter(n + 300) * 5),
}))

function starLight(x: number, y: number, time: number): number {
  const star = stars.find(({ x: sx, y: sy }) => sx === Math.floor(x) && sy === Math.floor(y))
  return star === undefined ? 0 : Math.max(0, wave(star.phase + time * star.turns)) ** 2
}

/** A paper lantern swings on its cord before a night sky; its candle flickers and warms the ground below. */
const lantern: Scene = (x, y, time) => {
  const sway = 0.42 * wave(time * 4) * (0.75 + 0.25 * wave(time))
  const flicker = 0.86 + 0.09 * wave(time * 23) + 0.05 * wave(time * 37 + 0.3)
  let color = mix([1, 2, 14], [10, 6, 34], y / side)
  color = add(color, [120, 130, 170], starLight(x, y, time))
  // In the lantern's own axes: `down` along the cord, `across` it.
  const dx = x - side / 2
  const down = dx * Math.sin(sway) + y * Math.cos(sway)
  const across = dx * Math.cos(sway) - y * Math.sin(sway)
  const glow = Math.exp(-(across ** 2 + (down - 9) ** 2) / 34)
  color = add(color, [150, 58, 8], glow * flicker)
  if (y > 14)
    color = mix(
      color,
      add([26, 14, 6], [150, 70, 16], Math.exp(-((dx - 9 * Math.sin(sway)) ** 2) / 14) * flicker),
      0.8,
    )
  if (Math.abs(across) < 0.55 && down < 6) return mix(color, [92, 70, 40], 0.8)
  const body = (across / 3.4) ** 2 + ((down - 9) / 3.3) ** 2
  if (body < 1) {
    const rib = 0.82 + 0.18 * Math.cos(across * 3.1)
    const flame = Math.exp(-(across ** 2 / 1.6 + (down - 9.6 + 0.3 * wave(time * 31)) ** 2 / 3))
    color = mix([206, 44, 10], [255, 150, 24], (1 - body) * flicker)
    color = mix([color[0] * rib, color[1] * rib, color[2] * rib], [255, 236, 150], flame * flicker)
  }
  const cap = Math.abs(across) < 2 && (Math.abs(down - 5.9) < 0.55 || Math.abs(down - 12.2) < 0.55)
  if (cap) return [70, 34, 8]
  const tassel = Math.abs(across - 0.4 * wave(time * 8 - 0.2)) < 0.5 && down > 12.6 && down < 15
  return tassel ? [220, 30, 20] : color
}

/** A comet on a long ellipse, its tail turned away from the sun in the corner. */
const comet: Scene = (x, y, time) => {
  const angle = time * turn
  const headX = 8.6 + 6 * Math.cos(angle)
  const headY = 8 + 4.6 * Math.sin(angle) + 1.4 * Math.cos(angle)
  let color = mix([0, 0, 8], [6, 0, 20], (x + y) / 32)
  color = add(color, [90, 100, 140], starLight(x, y, time))
  const sunDistance = Math.hypot(x - 1, y - 1)
  color = add(color, [255, 190, 60], Math.exp(-(sunDistance ** 2) / 2.6) * (0.92 + 0.08 * wave(time * 9)))
  const away = Math.atan2(headY - 1, headX - 1)
  const along = (x - headX) * Math.cos(away) + (y - headY) * Math.sin(away)
  const beside = -(x - headX) * Math.sin(away) + (y - headY) * Math.cos(away)
  if (along > 0) {
    const width = 0.5 + along * 0.22
    const tail = Math.exp(-((beside / width) ** 2)) * Math.exp(-along / 4.2)
    color = add(
      color,
      mix([120, 200, 255], [60, 40, 220], along / 8),
      tail * (0.85 + 0.15 * wave(along * 0.4 - time * 12)),
    )
  }
  return add(color, [255, 255, 255], Math.exp(-((x - headX) ** 2 + (y - headY) ** 2) / 0.9))
}

/** RGB of all pixels: the mean of 3 × 3 points in each, so that edges move smoothly. */
function draw(scene: Scene, time: number): Uint8Array {
  const pixels = new Uint8Array(side * side * 3)
  for (let at = 0; at < side * side; at++) {
    let sum: Color = [0, 0, 0]
    for (let point = 0; point < 9; point++) {
      const x = (at % side) + ((point % 3) + 0.5) / 3
      const y = Math.floor(at / side) + (Math.floor(point / 3) + 0.5) / 3
      sum = add(sum, scene(x, y, time), 1 / 9)
    }
    for (const [channel, value] of sum.entries())
      pixels[at * 3 + channel] = Math.max(0, Math.min(255, Math.round(value)))
  }
  return pixels
}

const hex = (value: number): string => value.toString(16).toUpperCase().padStart(2, '0')

/** LED Matrix Studio drawing: header, colours, one layer, a block a frame, cells BBGGRR. */
function ledsFile(scene: Scene, frames: number): string {
  const header = [
    '1:0',
    '2:1',
    '3:0',
    '4:0',
    '5:1',
    '6:20',
    '7:2',
    '8:15',
    '9:0',
    '0:0',
    '!:0',
    '-:()',
    'w:',
    'x:',
    'z:0',
  ]
  const lines = ['{header', ...header, `?:0,${frames - 1}`, '%:1', '}', '{colours']
  lines.push(
    ...Array<string>(16).fill('c:0'),
    ...Array<string>(28).fill('p:0'),
    'l:16777215',
    'm:65535',
    'r:255',
    '}',
  )
  lines.push('[layer', 'n:Bottom layer', `w:${side}`, `h:${side}`, 'l:0', ']')
  for (let frame = 0; frame < frames; frame++) {
    const pixels = draw(scene, frame / frames)
    lines.push('{anim4', `w:${side}`, `h:${side}`)
    for (let row = 0; row < side; row++) {
      let cells = ''
      for (let at = row * side * 3; at < (row + 1) * side * 3; at += 3)
        cells += `${hex(pixels[at + 2] ?? 0)}${hex(pixels[at + 1] ?? 0)}${hex(pixels[at] ?? 0)} `
      lines.push(`r:${cells}`)
    }
    lines.push('p:0', '}')
  }
  lines.push('{deadpixel', ...Array<string>(side).fill(`p:${'0 '.repeat(side)}`), '}')
  return `${lines.join('\n')}\n`
}

/** GIF89a, endless; each frame has its own palette. The comet slows down far from the sun. */
function gifFile(scene: Scene, frames: number): Uint8Array {
  const bytes = new Uint8Array(frames * (side * side * 3 + 1024) + 1024)
  const gif = new GifWriter(bytes, side, side, { loop: 0 })
  for (let frame = 0; frame < frames; frame++) {
    const time = frame / frames
    const pixels = draw(scene, time)
    const palette = new Map<number, number>()
    const indices: number[] = []
    for (let at = 0; at < pixels.length; at += 3) {
      const color = ((pixels[at] ?? 0) << 16) | ((pixels[at + 1] ?? 0) << 8) | (pixels[at + 2] ?? 0)
      if (!palette.has(color)) palette.set(color, palette.size)
      indices.push(palette.get(color) ?? 0)
    }
    const size = Math.max(2, 2 ** Math.ceil(Math.log2(palette.size)))
    const colors = [...palette.keys(), ...Array<number>(size - palette.size).fill(0)]
    gif.addFrame(0, 0, side, side, indices, {
      palette: colors,
      delay: 5 + Math.round(2 * Math.cos(time * turn)),
      disposal: 1,
    })
  }
  return bytes.subarray(0, gif.end())
}

const readme = `# Sample patterns

Drawn by \`scripts/make-samples.ts\`, which writes the same bytes every time. For trying things out, and for the tests.

| file | format | size | frames |
|---|---|---|---|
| lantern.leds | LED Matrix Studio drawing | 16×16 | 240, no times (100 ms each) |
| comet.gif | GIF89a, endless | 16×16 | 96, 30–70 ms each |
`

const folder = process.argv[2] ?? fileURLToPath(new URL('../samples', import.meta.url))
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'lantern.leds'), ledsFile(lantern, 240))
writeFileSync(join(folder, 'comet.gif'), gifFile(comet, 96))
writeFileSync(join(folder, 'README.md'), readme)
