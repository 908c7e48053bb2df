import { type Clock, systemClock } from '../kernel/clock.ts'
import type { Frame, Pattern } from '../pattern/pattern.ts'
import { type PreviewOptions, previewLines, previewSize } from '../pattern/preview.ts'
import { type LocalReading, openPatternFile } from './open-pattern.ts'
import type { PatternOutput } from './pattern-inspect.ts'

export interface PreviewPatternOptions extends LocalReading {
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
  const first = viewOf(out, options)
  const pattern = await openPatternFile(file, options, ({ picture, width, height }) =>
    picture === true ? previewSize({ width: width ?? 1, height: height ?? 1 }, first) : undefined,
  )
  const loops = options.once === true ? 1 : (options.loops ?? (out.isTTY === true ? pattern.loopCount : 1))
  if (out.isTTY !== true) {
    const canvas = wrapped(pattern, first.columns)
    for (let loop = 0; loop < Math.max(1, loops) && !signal.aborted; loop++)
      for (const frame of pattern.frames) out.write(`${linesOf(frame, canvas, first).join('\n')}\n`)
    return 0
  }
  out.write(hideCursor)
  try {
    await play(pattern, options, loops, out, signal, clock)
  } finally {
    out.write(`${plain}${showCursor}`)
  }
  return 0
}

const hideCursor = '\x1b[?25l'
const showCursor = '\x1b[?25h'
const plain = '\x1b[0m'
const clearScreen = '\x1b[2J\x1b[H'

/** What fits the terminal as it is now; it may have been resized. Serial consoles say 0×0: they do not know. */
const viewOf = (out: PatternOutput, { colors }: PreviewPatternOptions): PreviewOptions => ({
  columns: out.columns || 80,
  rows: out.rows ? Math.max(1, out.rows - 1) : undefined,
  colors,
})

/**
 * Each frame is shown when its time has come. A terminal that takes longer than that gets fewer frames instead of late ones: those whose time is over,
 * and those that come while earlier output still waits, are left out.
 */
async function play(
  pattern: Pattern,
  options: PreviewPatternOptions,
  loops: number,
  out: PatternOutput,
  signal: AbortSignal,
  clock: Clock,
): Promise<void> {
  let view = viewOf(out, options)
  let lines = 0
  let dueMs = clock.now()
  for (let loop = 0; loops === 0 || loop < loops; loop++) {
    for (const [index, frame] of pattern.frames.entries()) {
      if (signal.aborted) return
      const isLast = loop === loops - 1 && index === pattern.frames.length - 1
      const startMs = dueMs
      dueMs += frame.delayMs
      if (!isLast && dueMs <= clock.now()) continue
      if (!isLast && out.writableNeedDrain === true) {
        await wait(dueMs - clock.now(), signal, clock)
        continue
      }
      if (startMs > clock.now()) await wait(startMs - clock.now(), signal, clock)
      const now = viewOf(out, options)
      const isResized = lines > 0 && (now.columns !== view.columns || now.rows !== view.rows)
      view = now
      const text = linesOf(frame, wrapped(pattern, view.columns), view)
      const back = isResized ? clearScreen : lines > 0 ? `\x1b[${lines}A\r` : ''
      out.write(`${back}${text.join('\n')}\n`)
      lines = text.length
      await wait(Math.max(0, dueMs - clock.now()), signal, clock)
    }
  }
}

function linesOf({ pixels }: Frame, canvas: { width: number; height: number }, view: PreviewOptions) {
  const shown = pixels.length === canvas.width * canvas.height * 3 ? pixels : padded(pixels, canvas)
  return previewLines(shown, canvas, view)
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
