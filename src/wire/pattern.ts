/** A way to read a file, as `pattern inspect --json` and the API show it. */
export interface CandidateView {
  readonly index: number
  readonly format: string
  readonly width: number | null
  readonly height: number | null
  readonly leds: number
  readonly channels: number
  readonly frames: number
  readonly durationMs: number | null
  readonly confidence: number
  readonly reason: string
}

export interface PatternView {
  readonly id: string
  readonly name: string
  readonly sha256: string
  readonly sizeBytes: number
  readonly format: string
  readonly createdAt: string
}

/** Answer of POST /patterns. */
export interface StoredPatternView {
  readonly pattern: PatternView
  readonly candidates: readonly CandidateView[]
}
