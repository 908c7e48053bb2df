import { z } from 'zod'

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
  /** A picture: it is scaled to the board. */
  readonly picture?: true
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

/** Query of GET /patterns/:id/preview and GET /patterns/:id/candidates: how to read a file that does not say it itself. */
export const previewQuery = z.strictObject({
  candidate: z.coerce.number().int().min(0).max(1000).optional(),
  leds: z.coerce.number().int().min(1).max(65_535).optional(),
  width: z.coerce.number().int().min(1).max(65_535).optional(),
  height: z.coerce.number().int().min(1).max(65_535).optional(),
})

/** Answer of GET /patterns/:id/preview and GET /boards/:id/preview: frames for a canvas. */
export interface PreviewView {
  readonly width: number
  readonly height: number
  /** Of the whole pattern; the preview holds the first `delaysMs.length` of them. */
  readonly frames: number
  readonly delaysMs: readonly number[]
  /** Base64 of R, G, B for each pixel, row by row from the top left, frame after frame. */
  readonly pixels: string
}
