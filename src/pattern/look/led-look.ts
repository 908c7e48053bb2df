import { scalePixels } from '../scale.ts'

interface Canvas {
  readonly width: number
  readonly height: number
}

/** How LEDs are drawn: as round lights on a dark ground, or as plain squares. */
export type Look = 'led' | 'flat'

export interface LookOptions {
  readonly look: Look
  /** Side of the square that an LED has, in pixels, from 1. */
  readonly cell: number
}

/** Front of an unlit panel; not quite black, so that dark LEDs can be seen. */
const ground = [14, 14, 17] as const
/** An LED that shows nothing. */
const unlit = [26, 26, 30] as const
/** Share of the cell's side that the LED itself takes. */
const bodyRadius = 0.36
/** How far its glow goes, in cells from its middle. */
const glowRadius = 1.25
const glowShare = 0.42

type Color = readonly [red: number, green: number, blue: number]

/** An LED's light around it: for each pixel near a cell, how much of the colour arrives, as body and as glow. */
interface Stamp {
  /** Pixels from the top left of the cell to that of the stamp, 0 or more. */
  readonly margin: number
  readonly side: number
  readonly body: Float32Array
  readonly glow: Float32Array
}

/** Draws frames as a panel of LEDs looks. One for all frames of a pattern: its buffers are reused. */
export class LedLook {
  readonly width: number
  readonly height: number
  readonly #canvas: Canvas
  readonly #options: LookOptions
  readonly #stamp: Stamp
  readonly #light: Float32Array
  readonly #dark: Float32Array

  constructor(canvas: Canvas, options: LookOptions) {
    this.width = canvas.width * options.cell
    this.height = canvas.height * options.cell
    this.#canvas = canvas
    this.#options = options
    this.#stamp = stampOf(options.cell)
    this.#light = new Float32Array(options.look === 'led' ? this.width * this.height * 3 : 0)
    this.#dark = this.#panel()
  }

  /** RGB of the whole drawing, a new buffer. `pixels` are those of one frame, RGB. */
  draw(pixels: Uint8Array): Uint8Array {
    if (this.#options.look === 'flat' || this.#options.cell < 3)
      return scalePixels(pixels, this.#canvas, this)
    const light = this.#light
    light.set(this.#dark)
    const { width, height } = this.#canvas
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const at = (y * width + x) * 3
        this.#add(x, y, [pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0], unlit, light)
      }
    const out = new Uint8Array(light.length)
    for (let at = 0; at < out.length; at++) out[at] = Math.min(255, light[at] ?? 0)
    return out
  }

  /** The LED's body takes the place of `below`; its glow adds to whatever is there, as light does. */
  #add(column: number, row: number, color: Color, below: Color, light: Float32Array): void {
    const [red, green, blue] = color
    if (red + green + blue === 0) return
    const { margin, side, body, glow } = this.#stamp
    const more = [
      Math.max(0, red - below[0]),
      Math.max(0, green - below[1]),
      Math.max(0, blue - below[2]),
    ] as const
    const cell = this.#options.cell
    const [left, top] = [column * cell - margin, row * cell - margin]
    for (let y = Math.max(0, -top); y < Math.min(side, this.height - top); y++) {
      const first = Math.max(0, -left)
      let to = ((top + y) * this.width + left + first) * 3
      for (let x = first; x < Math.min(side, this.width - left); x++, to += 3) {
        const lit = glow[y * side + x] ?? 0
        if (lit === 0) continue
        const covered = body[y * side + x] ?? 0
        light[to] = (light[to] ?? 0) + covered * more[0] + lit * red
        light[to + 1] = (light[to + 1] ?? 0) + covered * more[1] + lit * green
        light[to + 2] = (light[to + 2] ?? 0) + covered * more[2] + lit * blue
      }
    }
  }

  /** The panel with all LEDs off. */
  #panel(): Float32Array {
    const panel = new Float32Array(this.#light.length)
    for (let at = 0; at < panel.length; at += 3) panel.set(ground, at)
    const { side, margin, body } = this.#stamp
    const cell = this.#options.cell
    for (let y = 0; y < this.height; y++)
      for (let x = 0; x < this.width; x++) {
        const covered = body[((y % cell) + margin) * side + (x % cell) + margin] ?? 0
        const at = (y * this.width + x) * 3
        for (let c = 0; c < 3; c++)
          panel[at + c] = (ground[c] ?? 0) + covered * ((unlit[c] ?? 0) - (ground[c] ?? 0))
      }
    return panel
  }
}

function stampOf(cell: number): Stamp {
  const margin = Math.max(0, Math.ceil((glowRadius - 0.5) * cell))
  const side = cell + 2 * margin
  const body = new Float32Array(side * side)
  const glow = new Float32Array(side * side)
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const distance = Math.hypot(x + 0.5 - side / 2, y + 0.5 - side / 2) / cell
      // A soft edge of one pixel.
      body[y * side + x] = Math.max(0, Math.min(1, (bodyRadius - distance) * cell + 0.5))
      const fade = Math.max(0, 1 - distance / glowRadius)
      glow[y * side + x] = glowShare * fade * fade * fade
    }
  return { margin, side, body, glow }
}
