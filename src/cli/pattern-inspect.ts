import type { Candidate } from '../pattern/candidate.ts'
import { type LocalReading, withCandidates } from './open-pattern.ts'
import { type BoardPower, powerLine } from './power-on-board.ts'

/** Where a command writes: a stream of the process, or a test. */
export interface PatternOutput {
  write(text: string): void
  readonly columns?: number | undefined
  readonly rows?: number | undefined
  readonly isTTY?: boolean | undefined
  /** Earlier output still waits to be taken. */
  readonly writableNeedDrain?: boolean | undefined
}

export interface InspectOptions
  extends Pick<LocalReading, 'leds' | 'width' | 'height' | 'sprite' | 'channels' | 'limits'> {
  readonly json: boolean
  /** Told beside the readings when a board was named. */
  readonly power?: BoardPower | undefined
}

/** `pixelgate pattern inspect`: how the file can be read, best first. Resolves to the exit status 0; AppError otherwise. */
export function inspectPattern(
  file: string,
  { json, power, ...reading }: InspectOptions,
  out: PatternOutput,
): Promise<number> {
  return withCandidates(file, reading, candidates => {
    if (json) out.write(`${JSON.stringify({ candidates: candidates.map(facts), power })}\n`)
    else out.write(`${table(candidates)}${power === undefined ? '' : powerLine(power)}`)
    return 0
  })
}

function facts(candidate: Candidate, index: number) {
  const { format, width, height, leds, channels, frames, durationMs, confidence, reason } = candidate
  return { index, format, width, height, leds, channels, frames, durationMs, confidence, reason }
}

function table(candidates: readonly Candidate[]): string {
  const head = ['#', 'format', 'size', 'LEDs', 'frames', 'time', 'sure', 'why']
  const rows = candidates.map((candidate, index) => [
    String(index),
    candidate.format,
    candidate.width === null || candidate.height === null ? '?' : `${candidate.width}×${candidate.height}`,
    String(candidate.leds),
    String(candidate.frames),
    candidate.durationMs === null ? '?' : `${(candidate.durationMs / 1000).toFixed(1)} s`,
    `${Math.round(candidate.confidence * 100)} %`,
    candidate.reason,
  ])
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map(row => (row[column] ?? '').length)),
  )
  const isText = (column: number) => column === 1 || column === head.length - 1
  return [head, ...rows]
    .map(row =>
      row
        .map((cell, column) =>
          isText(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .map(line => `${line}\n`)
    .join('')
}
