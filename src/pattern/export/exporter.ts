import type { Result } from '../../kernel/result.ts'
import type { PatternFault } from '../fault.ts'
import type { Pattern } from '../pattern.ts'

/** How the bytes are to lie in formats that leave it to the reader; each exporter says which it heeds. */
export interface ExportOptions {
  /** Order of the pixels in the file; `row-straight-tl` (as drawn) when absent. Formats with a canvas refuse it. */
  readonly map?: Uint32Array | undefined
  /** RGB, another order, with white last, or packed in 16 bits; RGB when absent. */
  readonly colorOrder?: string | undefined
  /** What a cell of a drawing can show, for formats with several kinds: `rgb` (when absent), `mono`, `bicolour` or `3bpp`. */
  readonly colorMode?: string | undefined
  /** Mix the colours a palette lacks from those it has, pixel by pixel, for formats with a palette (GIF). */
  readonly dither?: boolean | undefined
  /** File name without extension, for formats that name what they hold. */
  readonly name?: string | undefined
}

/** What an exporter wrote. */
export interface ExportedFile {
  readonly bytes: Uint8Array
  /** One sentence for each thing of the pattern that the format cannot keep, for people; empty when nothing is lost. */
  readonly notes: readonly string[]
}

/** Writes one format. Faults: `does_not_fit` what the format cannot hold (with its limit), `bad_request` options it has no use for. */
export interface Exporter {
  /** As `--format` names it, and as the importer of the same files calls its readings. */
  readonly format: string
  /** With the dot; the first is given to new files, and each chooses this format. */
  readonly extensions: readonly string[]
  /** One line for people. */
  readonly summary: string
  readonly write: (pattern: Pattern, options: ExportOptions) => Result<ExportedFile, PatternFault>
}
