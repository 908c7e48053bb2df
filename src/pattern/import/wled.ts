import { fail, ok, type Result } from '../../kernel/result.ts'
import { wholeFile } from '../byte-source.ts'
import { defaultDelayMs, type Importer, type ImportHint } from '../candidate.ts'
import type { PatternFault } from '../fault.ts'
import { overLimit, type PatternLimits } from '../limits.ts'
import { createPattern, type Frame, type Pattern, patternName } from '../pattern.ts'
import { WledFrames, type WledSink } from './wled-frames.ts'

/** Looked at to know that a file is no JSON. */
const sniffedBytes = 256

/** WLED JSON with a colour for each LED: the export of Upload Bridge, and states of WLED's JSON API as a list of frames. */
export const readWled: Importer = (source, limits, hint) => {
  if (!/^\s*[[{]/.test(Buffer.from(source.read(0, sniffedBytes)).toString())) return ok([])
  const file = wholeFile(source, limits)
  if (!file.ok) return ok([])
  const counter = new Counter(limits)
  const walker = new WledFrames(file.value, counter)
  counter.tooLarge = message => walker.scanner.refuse({ kind: 'too_large', message })
  walker.walk()
  const { fault } = walker.scanner
  if (fault !== undefined) return walker.recognised ? fail(fault) : ok([])
  const other = otherWled(walker, counter)
  if (other !== undefined) return fail(other)
  const frames = counter.delaysMs.length
  if (frames === 0) return ok([])
  const told = walker.leds
  if (walker.hasData && told > 0 && told !== counter.leds) {
    const message = `the WLED file says ${told} LEDs, but its frames have ${counter.leds}`
    return fail({ kind: 'invalid', line: 1, message: `line 1: ${message}` })
  }
  const leds = Math.max(told, counter.leds)
  const canvas = walker.width !== undefined && walker.height !== undefined
  const size = canvas ? { width: walker.width ?? 0, height: walker.height ?? 0 } : hintedSize(hint, leds)
  const { width, height } = size ?? { width: leds, height: 1 }
  if (width * height !== leds) {
    const message = `the WLED file draws ${leds} LEDs on a matrix of ${width}×${height}`
    return fail({ kind: 'invalid', line: 1, message: `line 1: ${message}` })
  }
  const over = overLimit({ width, height, frames }, limits)
  if (over !== undefined) return fail({ kind: 'too_large', message: `the WLED file is too large: ${over}` })
  const fallbackMs = defaultDelayMs(hint)
  const timed = counter.delaysMs.some(delay => delay !== undefined)
  const delaysMs = counter.delaysMs.map(delay => delay || fallbackMs)
  return ok([
    {
      format: 'wled',
      width: size?.width ?? null,
      height: size?.height ?? null,
      leds,
      channels: 3,
      frames,
      durationMs: timed ? delaysMs.reduce((sum, delay) => sum + delay, 0) : null,
      confidence: 0.99,
      reason: reasonOf(walker, timed, fallbackMs),
      selfDescribing: true,
      open: () => paint(file.value, leds, { width, height }, delaysMs, patternName(hint.fileName), limits),
    },
  ])
}

function hintedSize(hint: ImportHint, leds: number) {
  const { width, height } = hint
  return width !== undefined && height !== undefined && width * height === leds ? { width, height } : null
}

function reasonOf(walker: WledFrames, timed: boolean, fallbackMs: number): string {
  const what = walker.hasData ? 'WLED JSON as Upload Bridge exports it' : "states of WLED's JSON API"
  const white = walker.hasWhite ? ', white lights red, green and blue' : ''
  return `${what}, a colour for each LED${white}${timed ? '' : `; no times, so each frame is shown for ${fallbackMs} ms`}`
}

/** Files of WLED that are no pattern. */
function otherWled(walker: WledFrames, counter: Counter): PatternFault | undefined {
  if (walker.ledmap !== undefined && counter.delaysMs.length === 0)
    return {
      kind: 'unsupported',
      format: 'a WLED ledmap',
      message: `this is a ledmap of WLED: the wiring of ${walker.ledmap} LEDs, not a pattern; give the pattern file, and the wiring with --source-wiring or the board's profile`,
    }
  if (walker.hasSegments && counter.delaysMs.length === 0)
    return {
      kind: 'unsupported',
      format: 'a WLED state or preset',
      message:
        'this is a state of WLED without colours of single LEDs (seg.i); its effects run only on WLED, so save the frames as colours',
    }
  return undefined
}

/** Counts before memory is taken. */
class Counter implements WledSink {
  readonly #limits: PatternLimits
  leds = 0
  #painted = 0
  readonly delaysMs: (number | undefined)[] = []
  tooLarge: (message: string) => void = () => undefined

  constructor(limits: PatternLimits) {
    this.#limits = limits
  }

  paint = (start: number, stop: number): void => {
    this.leds = Math.max(this.leds, stop)
    this.#painted += stop - start
    const { maxLeds, maxBytes } = this.#limits
    if (this.leds > maxLeds)
      this.tooLarge(`the WLED file draws LED ${this.leds - 1}; ${maxLeds} is the limit`)
    else if (this.#painted > maxBytes)
      this.tooLarge(`the WLED file paints more than ${maxBytes} LEDs in all, which is the limit`)
  }

  endFrame = (durMs: number | undefined): void => {
    this.delaysMs.push(durMs)
    const { maxFrames } = this.#limits
    if (this.delaysMs.length > maxFrames)
      this.tooLarge(`the WLED file has more than ${maxFrames} frames, which is the limit`)
  }
}

function paint(
  bytes: Uint8Array,
  leds: number,
  size: { readonly width: number; readonly height: number },
  delaysMs: readonly number[],
  name: string,
  limits: PatternLimits,
): Result<Pattern, PatternFault> {
  const canvas = Buffer.alloc(leds * 3)
  const frames: Frame[] = []
  const walker = new WledFrames(bytes, {
    paint: (start, stop, rgb) => {
      const at = start * 3
      canvas[at] = rgb >> 16
      canvas[at + 1] = (rgb >> 8) & 0xff
      canvas[at + 2] = rgb & 0xff
      if (stop - start > 1) canvas.fill(canvas.subarray(at, at + 3), at + 3, stop * 3)
    },
    endFrame: () => {
      frames.push({ delayMs: delaysMs[frames.length] ?? 1, pixels: new Uint8Array(canvas) })
    },
  })
  walker.walk()
  if (walker.scanner.fault !== undefined) throw new Error(`read before: ${walker.scanner.fault.message}`)
  return createPattern({ name, ...size, frames, loopCount: 0 }, limits)
}
