import { type Clock, systemClock } from '../kernel/clock.ts'
import type { Pattern } from '../pattern/pattern.ts'
import { type PreviewOptions, previewLines, previewSize } from '../pattern/preview.ts'
import { openPatternFile, type PatternReading } from './open-pattern.ts'
import type { PatternOutput } from './pattern-inspect.ts'

export interface PreviewPatternOptions extends PatternReading {
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
  const rows = out.rows === undefined ? undefined : Math.max(1, out.rows - 1)
  const view: PreviewOptions = { columns: out.columns ?? 80, rows, colors: options.colors }
  const pattern = await openPatternFile(file, options, ({ picture, width, height }) =>
    picture === true ? previewSize({ width: width ?? 1, height: height ?? 1 }, view) : undefined,
  )
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
