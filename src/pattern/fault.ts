import { AppError, type ErrorCode } from '../kernel/errors.ts'
import type { CandidateFacts } from './candidate-facts.ts'

/** Where in the file: a byte offset for binary formats, a line number (from 1) for text. */
interface Place {
  readonly offset?: number
  readonly line?: number
}

/** Why a file is no pattern, or a pattern no image for a board. `message` says in plain words what was found, what was expected and what to do. */
export type PatternFault =
  | ({ readonly kind: 'invalid'; readonly message: string } & Place)
  | { readonly kind: 'unsupported'; readonly format: string; readonly message: string }
  | { readonly kind: 'too_large'; readonly message: string }
  | { readonly kind: 'ambiguous'; readonly message: string; readonly candidates: readonly CandidateFacts[] }
  | { readonly kind: 'bad_request'; readonly message: string }
  | { readonly kind: 'does_not_fit'; readonly message: string }
  | {
      readonly kind: 'power_exceeded'
      readonly message: string
      readonly peakMa: number
      readonly capMa: number
      /** Frame with the highest current, from 0. */
      readonly frame: number
      /** Highest brightness (0–255, SPEC §8.4) that stays below the cap; null when even black exceeds it. */
      readonly fittingBrightness: number | null
    }

const codes: Readonly<Record<PatternFault['kind'], ErrorCode>> = {
  invalid: 'file_invalid',
  unsupported: 'file_invalid',
  too_large: 'file_too_large',
  ambiguous: 'file_ambiguous',
  bad_request: 'usage',
  does_not_fit: 'does_not_fit',
  power_exceeded: 'power_exceeded',
}

/** The fault as the operational error that CLI and HTTP show; byte offset, line and power figures go into `detail`. */
export function patternError(fault: PatternFault): AppError {
  const { kind: _kind, message, ...rest } = fault
  const detail = 'candidates' in rest ? { candidates: rest.candidates } : rest
  return new AppError(codes[fault.kind], message, { detail })
}

/** A piece of a file as a message shows it: its beginning, in quotes. */
export const quoted = (text: string): string => `'${text.length > 40 ? `${text.slice(0, 40)}…` : text}'`

/** A malformed byte at `offset` of a binary file. */
export const invalidAt = (offset: number, message: string): PatternFault => ({
  kind: 'invalid',
  offset,
  message: `byte ${offset}: ${message}`,
})

/** A malformed `line` (from 1) of a text file. */
export const invalidLine = (line: number, message: string): PatternFault => ({
  kind: 'invalid',
  line,
  message: `line ${line}: ${message}`,
})
