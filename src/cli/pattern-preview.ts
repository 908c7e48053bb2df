import { type Clock, systemClock } from '../kernel/clock.ts'
import type { Result } from '../kernel/result.ts'
import { chooseCandidate } from '../pattern/choose.ts'
import type { PatternFault } from '../pattern/fault.ts'
import { patternError } from '../pattern/fault.ts'
import type { Pattern } from '../pattern/pattern.ts'
import { type PreviewOptions, previewLines, previewSize } from '../pattern/preview.ts'
import { fromSourceWiring, parseWiring } from '../pattern/wiring.ts'
import { type PatternOutput, readCandidates } from './pattern-inspect.ts'

export interface PreviewPatternOptions {
  /** Index from inspect; needed when a file can be read in several ways. */
  readonly candidate?: number | undefined
  /** How the file's pixels run over the matrix, e.g. `column-serpentine-tl`; needs width and height for headerless files. */
  readonly sourceWiring?: string | undefined
  readonly leds?: number | undefined
  readonly width?: number | undefined
  readonly height?: number | undefined
  /** Passes through the pattern; as often as the pattern says when absent. */
  readonly loops?: number | undefined
  readonly once?: boolean | undefined
  readonly colors?: PreviewOptions['colors']
}

/**
 * `pixelgate pattern preview`: plays a pattern in the terminal at its own speed until its loops are over or `signal` aborts.
 * Into a pipe it writes one pass, frame after frame, without waiting.
 */
export async function previewPattern(
  file: string,
  options: PreviewPatternOptions,
  out: PatternOutput,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<number> {
  const { candidate: index, leds, width, height } = options
  const candidates = await readCandidates(file, { leds, width, height })
  const candidate = value(chooseCandidate(candidates, index))
  const rows = out.rows === undefined ? undefined : Math.max(1, out.rows - 1)
  const view: PreviewOptions = { columns: out.columns ?? 80, rows, colors: options.colors }
  const scaleTo =
    candidate.picture === true
      ? previewSize({ width: candidate.width ?? 1, height: candidate.height ?? 1 }, view)
      : undefined
  const opened = value(candidate.open({ scaleTo }))
  const pattern =
    options.sourceWiring === undefined ? opened : rewired(opened, options.sourceWiring, width, height)
  const tty = out.isTTY === true
  const loops = options.once === true ? 1 : (options.loops ?? (tty ? pattern.loopCount : 1))
  if (tty) out.write('\x1b[?25l')
  try {
    await play(pattern, view, loops, tty, out, signal, clock)
  } finally {
    if (tty) out.write('\x1b[?25h')
  }
  return 0
}

function value<T>(result: Result<T, PatternFault>): T {
  if (!result.ok) throw patternError(result.fault)
  return result.value
}

function rewired(
  pattern: Pattern,
  text: string,
  width: number | undefined,
  height: number | undefined,
): Pattern {
  const wiring = value(parseWiring(text))
  if (pattern.height === 1 && (width === undefined || height === undefined)) {
    const message = `the file does not say how its ${pattern.leds} LEDs make a matrix; give --width and --height with --source-wiring`
    throw patternError({ kind: 'bad_request', message })
  }
  return value(
    fromSourceWiring(
      pattern,
      wiring,
      width === undefined || height === undefined ? pattern : { width, height },
    ),
  )
}

async function play(
  pattern: Pattern,
  view: PreviewOptions,
  loops: number,
  tty: boolean,
  out: PatternOutput,
  signal: AbortSignal,
  clock: Clock,
): Promise<void> {
  const canvas = wrapped(pattern, view.columns)
  let lines = 0
  for (let loop = 0; loops === 0 || loop < loops; loop++) {
    for (const { pixels, delayMs } of pattern.frames) {
      if (signal.aborted) return
      const shown = pixels.length === canvas.width * canvas.height * 3 ? pixels : padded(pixels, canvas)
      const text = previewLines(shown, canvas, view)
      out.write(`${tty && lines > 0 ? `\x1b[${lines}A\r` : ''}${text.join('\n')}\n`)
      lines = text.length
      if (tty) await wait(delayMs, signal, clock)
    }
  }
}

/** A strip longer than a line of the terminal goes on in the next one. */
const wrapped = ({ width, height }: Pattern, columns: number): { width: number; height: number } =>
  height === 1 && width > columns ? { width: columns, height: Math.ceil(width / columns) } : { width, height }

function padded(pixels: Uint8Array, canvas: { width: number; height: number }): Uint8Array {
  const out = new Uint8Array(canvas.width * canvas.height * 3)
  out.set(pixels)
  return out
}

function wait(delayMs: number, signal: AbortSignal, clock: Clock): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      timer.cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = clock.setTimer(delayMs, done)
    signal.addEventListener('abort', done)
  })
}
