import { type LedGrid, ledGrid } from './led-grid.ts'

const boardColor = '#08090b'

interface Shape {
  readonly width: number
  readonly height: number
}

/** Dark cells around the picture, into which the glow fades. */
const rim = 2

/**
 * Draws frames as LEDs: round lights with a glow on a dark board. A frame costs four copies of whole pictures, however many LEDs it has:
 * the pixels are enlarged once without smoothing and cut to circles by a mask, and once with smoothing for the glow.
 */
export class LedPainter {
  readonly #screen: CanvasRenderingContext2D
  readonly #small: CanvasRenderingContext2D
  readonly #lights: CanvasRenderingContext2D
  #mask: HTMLCanvasElement | undefined
  #unlit: HTMLCanvasElement | undefined
  #image: ImageData | undefined
  #grid: LedGrid | undefined

  /** Throws when the browser gives no canvas context. */
  constructor(canvas: HTMLCanvasElement) {
    this.#screen = context(canvas)
    this.#small = context(document.createElement('canvas'))
    this.#lights = context(document.createElement('canvas'))
  }

  /** `size`: device pixels. */
  resize(shape: Shape, size: Shape): void {
    const { canvas } = this.#screen
    canvas.width = size.width
    canvas.height = size.height
    const grid = ledGrid(shape, size)
    this.#grid = grid
    this.#small.canvas.width = grid.columns + 2 * rim
    this.#small.canvas.height = grid.rows + 2 * rim
    this.#image = this.#small.createImageData(grid.columns, grid.rows)
    this.#lights.canvas.width = Math.ceil(grid.columns * grid.cell)
    this.#lights.canvas.height = Math.ceil(grid.rows * grid.cell)
    this.#mask = grid.round ? dots(grid, lit) : undefined
    this.#unlit = grid.round ? dots(grid, unlit) : undefined
  }

  /** A frame, R, G, B for each pixel; `level` 0 to 1 dims all of it. No frame: the LEDs are dark. */
  paint(frame: Uint8Array | undefined, level: number): void {
    const { canvas } = this.#screen
    const screen = this.#screen
    const grid = this.#grid
    if (grid === undefined) return
    screen.globalCompositeOperation = 'source-over'
    screen.globalAlpha = 1
    screen.fillStyle = boardColor
    screen.fillRect(0, 0, canvas.width, canvas.height)
    if (this.#unlit !== undefined) screen.drawImage(this.#unlit, grid.left, grid.top)
    if (frame === undefined || level <= 0) return
    this.#load(frame)
    this.#cutLights(grid)
    screen.globalCompositeOperation = 'lighter'
    screen.globalAlpha = level
    screen.drawImage(this.#lights.canvas, grid.left, grid.top)
    if (grid.round) this.#glow(grid, level)
  }

  #load(frame: Uint8Array): void {
    const image = this.#image
    if (image === undefined) return
    const { data } = image
    data.fill(0)
    const pixels = Math.min(frame.length / 3, data.length / 4)
    for (let from = 0, to = 0, left = pixels; left > 0; left--, from += 3, to += 4) {
      data[to] = frame[from] ?? 0
      data[to + 1] = frame[from + 1] ?? 0
      data[to + 2] = frame[from + 2] ?? 0
      data[to + 3] = 255
    }
    this.#small.putImageData(image, rim, rim)
  }

  #cutLights({ columns, rows, cell }: LedGrid): void {
    const lights = this.#lights
    lights.globalCompositeOperation = 'copy'
    lights.imageSmoothingEnabled = cell < 1
    lights.drawImage(this.#small.canvas, rim, rim, columns, rows, 0, 0, columns * cell, rows * cell)
    if (this.#mask === undefined) return
    lights.globalCompositeOperation = 'destination-in'
    lights.drawImage(this.#mask, 0, 0)
  }

  #glow({ columns, rows, cell, left, top }: LedGrid, level: number): void {
    const screen = this.#screen
    screen.imageSmoothingEnabled = true
    screen.imageSmoothingQuality = 'high'
    screen.globalAlpha = level * 0.34
    const [x, y] = [left - rim * cell, top - rim * cell]
    screen.drawImage(this.#small.canvas, x, y, (columns + 2 * rim) * cell, (rows + 2 * rim) * cell)
  }
}

function context(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const found = canvas.getContext('2d')
  if (found === null) throw new Error('this browser has no canvas')
  return found
}

type Dot = (target: CanvasRenderingContext2D, x: number, y: number, cell: number) => void

/** A picture with the same dot in every cell. */
function dots({ columns, rows, cell }: LedGrid, draw: Dot): HTMLCanvasElement {
  const tile = document.createElement('canvas')
  tile.width = cell
  tile.height = cell
  draw(context(tile), cell / 2, cell / 2, cell)
  const canvas = document.createElement('canvas')
  canvas.width = columns * cell
  canvas.height = rows * cell
  const target = context(canvas)
  const pattern = target.createPattern(tile, 'repeat')
  if (pattern === null) return canvas
  target.fillStyle = pattern
  target.fillRect(0, 0, canvas.width, canvas.height)
  return canvas
}

/** Full in the middle, soft towards the edge, as light through a lens. */
const lit: Dot = (target, x, y, cell) => {
  const radius = cell * 0.47
  const light = target.createRadialGradient(x, y, 0, x, y, radius)
  light.addColorStop(0, 'rgb(0 0 0 / 1)')
  light.addColorStop(0.72, 'rgb(0 0 0 / 0.96)')
  light.addColorStop(1, 'rgb(0 0 0 / 0)')
  target.fillStyle = light
  target.fillRect(0, 0, cell, cell)
}

const unlit: Dot = (target, x, y, cell) => {
  target.fillStyle = 'rgb(255 255 255 / 0.055)'
  target.beginPath()
  target.arc(x, y, cell * 0.38, 0, 2 * Math.PI)
  target.fill()
}
