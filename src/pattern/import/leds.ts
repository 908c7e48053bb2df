import { fail, ok, type Result } from '../../kernel/result.ts'
import { wholeFile } from '../byte-source.ts'
import { type Candidate, defaultDelayMs, type Importer } from '../candidate.ts'
import { invalidLine, type PatternFault, quoted } from '../fault.ts'
import { overLimit, type PatternLimits } from '../limits.ts'
import { createPattern, patternName } from '../pattern.ts'
import { type CellKind, cellKinds, parseRow } from './leds-cells.ts'
import { MissingCells } from './leds-missing.ts'
import { type TextLine, textLines } from './text-lines.ts'

/**
 * LED Matrix Studio `.leds` (MaximumOctopus/LEDMatrixStudio, `Source/FileConstants.h`, `Source/TheMatrix.cpp`): UTF-8 lines in
 * blocks `{header`, `{colours`, `[layer`, one `{anim…` a frame, `{deadpixel`. Keys mean different things in different blocks.
 * Layers lie over each other: a pixel of an upper layer that has the background colour lets the lower one through. `{deadpixel` names
 * the cells where there is no LED. `{colours` holds pens, and locks (`l:`, `p:`) only keep the author from drawing: neither changes a picture.
 */
export const readLeds: Importer = (source, limits, hint) => {
  // Text has no zero bytes; a large sequence is not read to see that it is no drawing.
  if (source.read(0, 4096).includes(0)) return ok([])
  const file = wholeFile(source, limits)
  if (!file.ok) return ok([])
  const drawing = parse(file.value, limits)
  if (!drawing.ok) return drawing
  if (drawing.value === undefined) return ok([])
  const { width, height, frames } = drawing.value
  const delayMs = defaultDelayMs(hint)
  const candidate: Candidate = {
    format: 'leds',
    width,
    height,
    leds: width * height,
    channels: 3,
    frames: frames.length,
    durationMs: null,
    confidence: 0.99,
    reason: `LED Matrix Studio drawing (${looks(drawing.value)}); it holds no times, so each frame is shown for ${delayMs} ms`,
    selfDescribing: true,
    open: () =>
      createPattern(
        {
          name: patternName(hint.fileName),
          width,
          height,
          frames: frames.map(pixels => ({ delayMs, pixels })),
          loopCount: 0,
        },
        limits,
      ),
  }
  return ok([candidate])
}

interface Drawing {
  readonly width: number
  readonly height: number
  readonly kind: CellKind
  readonly layers: number
  /** Cells without an LED; black in every frame. */
  readonly missing: number
  readonly frames: readonly Uint8Array[]
}

/** e.g. `RGB, 2 layers laid over each other, 3 cells have no LED and are black`. */
const looks = ({ kind, layers, missing }: Drawing): string =>
  [
    kind.label,
    ...(layers > 1 ? [`${layers} layers laid over each other`] : []),
    ...(missing > 0 ? [`${missing} ${missing === 1 ? 'cell has' : 'cells have'} no LED and stay black`] : []),
  ].join(', ')

const opening = /^(\{(header|colours|anim[2-5]?|fontheader|fontrgb|frame[2-5]?)|\[layer)\s*$/

/** A drawing begins within so many lines; a large file of blank lines is no reason to read on. */
const maxLeadingLines = 1000

function parse(bytes: Uint8Array, limits: PatternLimits): Result<Drawing | undefined, PatternFault> {
  let reader: DrawingReader | undefined
  for (const line of textLines(bytes)) {
    const comment = line.text === '' || line.text.startsWith('#') || line.text.startsWith('/')
    if (comment && line.number < maxLeadingLines) continue
    if (comment && reader !== undefined) continue
    if (reader === undefined) {
      if (line.number > maxLeadingLines) return ok(undefined)
      const first = opening.exec(line.text.toLowerCase())
      if (first === null) return ok(undefined)
      const kind = first[2] ?? ''
      if (kind.startsWith('font') || kind.startsWith('frame')) return fail(notAnimation(kind))
      reader = new DrawingReader(limits)
    }
    const fault = reader.take(line)
    if (fault !== undefined) return fail(fault)
  }
  return reader === undefined ? ok(undefined) : reader.finish()
}

const notAnimation = (kind: string): PatternFault => ({
  kind: 'unsupported',
  format: 'leds',
  message: `this is a ${kind.startsWith('font') ? 'font' : 'single frame'} of LED Matrix Studio ({${kind}), not an animation; open it there and save it as an animation`,
})

/** `z:` of the header: a decimal colour, BBGGRR below its top byte; −1: not chosen, which is black. */
function backgroundOf(value: string): number {
  const background = Number.parseInt(value, 10)
  return background === -1 ? 0 : background & 0xffffff
}

/** NaN for anything but a whole number. */
const sizeOf = (value: string): number => (/^\s*\d{1,9}$/.test(value) ? Number(value) : Number.NaN)

/** Takes line after line; `take` returns the fault that ends the reading. */
class DrawingReader {
  readonly #limits: PatternLimits
  #block = ''
  #opened = 0
  #kind: CellKind | undefined
  #background = 0
  #layer = -1
  #width = 0
  #height = 0
  #row = 0
  #frame = 0
  #lines = 0
  readonly #missing = new MissingCells()
  readonly #frames: Uint8Array[] = []

  constructor(limits: PatternLimits) {
    this.#limits = limits
  }

  take(line: TextLine): PatternFault | undefined {
    this.#lines = line.number
    const { text } = line
    if (text === '}' || text === ']') return this.#close(line)
    if (text.startsWith('{') || text.startsWith('[')) return this.#open(line)
    const value = text.slice(2)
    if (this.#block === 'header' && text.startsWith('z:')) this.#background = backgroundOf(value)
    if (this.#block === 'deadpixel' && text.startsWith('p:')) {
      const problem = this.#missing.takeRow(value, this.#width, this.#height)
      return problem === undefined ? undefined : invalidLine(line.number, problem)
    }
    const sized = this.#block === 'anim' || (this.#block === 'layer' && this.#frames.length === 0)
    if (sized && text.startsWith('w:')) return this.#size(line, sizeOf(value), this.#height)
    if (sized && text.startsWith('h:')) return this.#size(line, this.#width, sizeOf(value))
    return this.#block === 'anim' && text.startsWith('r:') ? this.#cells(line) : undefined
  }

  finish(): Result<Drawing, PatternFault> {
    if (this.#block !== '')
      return fail(
        invalidLine(
          this.#lines,
          `the file ends inside the block opened at line ${this.#opened}; it was cut short`,
        ),
      )
    if (this.#kind === undefined)
      return fail(invalidLine(this.#lines, 'the file ends without a single frame ({anim… block)'))
    this.#missing.blacken(this.#frames)
    return ok({
      width: this.#width,
      height: this.#height,
      kind: this.#kind,
      layers: this.#layer + 1,
      missing: this.#missing.count,
      frames: this.#frames,
    })
  }

  #open(line: TextLine): PatternFault | undefined {
    if (this.#block !== '')
      return invalidLine(line.number, `a new block before the one opened at line ${this.#opened} was closed`)
    this.#opened = line.number
    const name = line.text.slice(1).trim().toLowerCase()
    const kind = cellKinds.get(name)
    if (kind === undefined) {
      this.#block = name === '' ? 'unknown' : name
      if (name === 'layer') {
        this.#layer++
        this.#frame = 0
      }
      return undefined
    }
    if (this.#kind !== undefined && this.#kind !== kind)
      return invalidLine(line.number, `a frame of kind ${name} among frames of another kind`)
    if (this.#frame >= this.#limits.maxFrames)
      return { kind: 'too_large', message: `the drawing has more than ${this.#limits.maxFrames} frames` }
    this.#kind = kind
    this.#block = 'anim'
    this.#row = 0
    return undefined
  }

  #close(line: TextLine): PatternFault | undefined {
    if (this.#block === '')
      return invalidLine(line.number, `${quoted(line.text)} closes a block that was never opened`)
    if (this.#block === 'anim') {
      if (this.#row !== this.#height || this.#height === 0)
        return invalidLine(
          line.number,
          `frame ${this.#frame} has ${this.#row} rows; its height is ${this.#height}`,
        )
      this.#frame++
    }
    this.#block = ''
    return undefined
  }

  #size(line: TextLine, width: number, height: number): PatternFault | undefined {
    const started = this.#frames.length > 0
    if (!Number.isInteger(width) || !Number.isInteger(height) || width < 0 || height < 0)
      return invalidLine(line.number, `${quoted(line.text)} is no size; expected a whole number`)
    if (started && (width !== this.#width || height !== this.#height))
      return invalidLine(
        line.number,
        `a frame of another size (${quoted(line.text)}) than the ${this.#width}×${this.#height} before`,
      )
    if (this.#row > 0) return invalidLine(line.number, 'the size of a frame must come before its rows')
    this.#width = width
    this.#height = height
    return undefined
  }

  #cells(line: TextLine): PatternFault | undefined {
    if (this.#width < 1 || this.#height < 1)
      return invalidLine(line.number, 'a row before the frame said its width (w:) and height (h:)')
    if (this.#row >= this.#height)
      return invalidLine(line.number, `more rows than the height of ${this.#height}`)
    if (this.#row === 0 && this.#frame >= this.#frames.length) {
      const frames = this.#frames.length + 1
      const over = overLimit({ width: this.#width, height: this.#height, frames }, this.#limits)
      if (over !== undefined) return { kind: 'too_large', message: `the drawing is too large: ${over}` }
      this.#frames.push(new Uint8Array(this.#width * this.#height * 3))
    }
    const frame = this.#frames[this.#frame]
    const kind = this.#kind
    if (frame === undefined || kind === undefined) return invalidLine(line.number, 'a row outside a frame')
    const transparent = this.#layer > 0 ? (kind.transparent ?? this.#background) : undefined
    const row = frame.subarray(this.#row * this.#width * 3, (this.#row + 1) * this.#width * 3)
    const problem = parseRow(line.text, kind, row, transparent)
    this.#row++
    return problem === undefined ? undefined : invalidLine(line.number, problem)
  }
}
