import type { Result } from '../kernel/result.ts'
import type { ByteSource } from './byte-source.ts'
import type { CandidateFacts } from './candidate-facts.ts'
import type { PatternFault } from './fault.ts'
import type { PatternLimits } from './limits.ts'
import type { Pattern } from './pattern.ts'
import type { Range } from './range.ts'

/** What the user or the file's surroundings say. Content decides; a hint narrows. */
export interface ImportHint {
  readonly fileName?: string | undefined
  readonly leds?: number | undefined
  readonly width?: number | undefined
  readonly height?: number | undefined
  /** Cut a picture into frames of this size (a sheet of sprites). */
  readonly sprite?: { readonly width: number; readonly height: number } | undefined
  /** Shown time of a frame where the format has none; 100 ms when absent. */
  readonly defaultDelayMs?: number | undefined
  /** The part of a sequence of channels that will be asked for: LEDs are counted and readings ranked for these alone. */
  readonly channels?: Range | undefined
}

export interface OpenOptions {
  /** Pictures (CandidateFacts.picture) are scaled to this size, frame by frame, after composing. Drawings for LEDs are exact and ignore it. */
  readonly scaleTo?: { readonly width: number; readonly height: number } | undefined
  /** Of a sequence of channels (FSEQ) only these, from 0; those of the hint when absent, or everything. */
  readonly channels?: Range | undefined
  /** Only these frames, from 0; all when absent. What is not asked for is not kept in memory. */
  readonly frames?: Range | undefined
}

/** One way to read a file. Reading frames waits for `open`. */
export interface Candidate extends CandidateFacts {
  /** The file holds channels, not pixels: `open` takes `channels`, and takes memory for the wanted `frames` alone. */
  readonly byChannel?: boolean | undefined
  readonly open: (options?: OpenOptions) => Result<Pattern, PatternFault>
}

/** Reads one format, looking at no more of the file than it needs to know its own. No candidates: it is another format. A fault: it is this format, and damaged, too large or of a kind not understood. */
export type Importer = (
  source: ByteSource,
  limits: PatternLimits,
  hint: ImportHint,
) => Result<readonly Candidate[], PatternFault>

export const defaultDelayMs = (hint: ImportHint): number => hint.defaultDelayMs ?? 100
