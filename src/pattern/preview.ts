import { scalePixels } from './scale.ts'

export interface PreviewOptions {
  /** Characters across that the terminal has. */
  readonly columns: number
  /** Lines at most; each shows two rows of pixels. */
  readonly rows?: number | undefined
  /** 24-bit colour unless the terminal only knows 256, or none: then characters stand for brightness. */
  readonly colors?: '24bit' | '256' | 'none' | undefined
}

interface Canvas {
  readonly width: number
  readonly height: number
}

/** The size a canvas is shown at: its own, or smaller in the same proportion when the terminal has not the room. */
export function previewSize(canvas: Canvas, options: PreviewOptions): Canvas {
  const room = { width: Math.max(1, options.columns), height: Math.max(2, (options.rows ?? 1024) * 2) }
  const factor = Math.min(1, room.width / canvas.width, room.height / canvas.height)
  return {
    width: Math.max(1, Math.min(room.width, Math.round(canvas.width * factor))),
    height: Math.max(1, Math.min(room.height, Math.round(canvas.height * factor))),
  }
}

/** A frame (RGB, canvas order) as terminal lines: each character is an upper half block ▀, two pixels one above the other. */
export function previewLines(pixels: Uint8Array, canvas: Canvas, options: PreviewOptions): readonly string[] {
  const size = previewSize(canvas, options)
  const shown = scalePixels(pixels, canvas, size)
  if (options.colors === 'none') return shadedLines(shown, size)
  const color = options.colors === '256' ? indexed : trueColor
  const lines: string[] = []
  for (let y = 0; y < size.height; y += 2) {
    let line = ''
    let last = ''
    for (let x = 0; x < size.width; x++) {
      const upper = (y * size.width + x) * 3
      const lower = y + 1 < size.height ? upper + size.width * 3 : undefined
      const code = `\x1b[38;${color(shown, upper)};${lower === undefined ? '49' : `48;${color(shown, lower)}`}m`
      line += code === last ? '▀' : `${code}▀`
      last = code
    }
    lines.push(`${line}\x1b[0m`)
  }
  return lines
}

/** From dark to light; the first is a blank. */
const shades = ' .:-=+*#%@'

/** Two rows a line, as with colours, each character for the brighter of its two pixels. */
function shadedLines(pixels: Uint8Array, { width, height }: Canvas): readonly string[] {
  const light = (x: number, y: number) => {
    const at = (y * width + x) * 3
    // Weights of ITU-R BT.601.
    return y < height
      ? 0.299 * (pixels[at] ?? 0) + 0.587 * (pixels[at + 1] ?? 0) + 0.114 * (pixels[at + 2] ?? 0)
      : 0
  }
  return Array.from({ length: Math.ceil(height / 2) }, (_, row) =>
    Array.from({ length: width }, (_, x) => {
      const level = Math.max(light(x, row * 2), light(x, row * 2 + 1))
      return shades[Math.ceil((level / 255) * (shades.length - 1))] ?? ' '
    }).join(''),
  )
}

const trueColor = (pixels: Uint8Array, at: number): string =>
  `2;${pixels[at] ?? 0};${pixels[at + 1] ?? 0};${pixels[at + 2] ?? 0}`

/** The nearest of xterm's 6 × 6 × 6 cube (levels 0, 95, 135, 175, 215, 255) or its 24 greys (8, 18 … 238). */
function indexed(pixels: Uint8Array, at: number): string {
  const rgb = [pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0]
  const steps = rgb.map(value => (value < 48 ? 0 : Math.min(5, Math.floor((value - 35) / 40))))
  const cube = steps.map(step => (step === 0 ? 0 : 55 + step * 40))
  const grey = Math.max(
    0,
    Math.min(23, Math.round((rgb.reduce((sum, value) => sum + value, 0) / 3 - 8) / 10)),
  )
  const error = (shown: readonly number[]) =>
    rgb.reduce((sum, value, channel) => sum + (value - (shown[channel] ?? 0)) ** 2, 0)
  const greyLevel = 8 + grey * 10
  if (error([greyLevel, greyLevel, greyLevel]) < error(cube)) return `5;${232 + grey}`
  const [red = 0, green = 0, blue = 0] = steps
  return `5;${16 + red * 36 + green * 6 + blue}`
}
