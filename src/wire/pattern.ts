import { z } from 'zod'
import { part, sprite } from './part.ts'

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

/** Letters, digits and what joins them; case and spaces around it do not count. */
export const patternTag = z
  .string()
  .trim()
  .toLowerCase()
  .normalize()
  .regex(
    /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._ -]{0,31}$/u,
    'a tag has 1 to 32 letters, digits, spaces, dots, hyphens or underscores, and begins with a letter or a digit',
  )

const side = z.coerce.number().int().min(1).max(65_535)
const oneOrMany = <T extends z.ZodType>(item: T) =>
  z
    .union([z.array(item).max(16), item])
    .transform(value => (Array.isArray(value) ? value : [value]) as z.output<T>[])

/** Control characters and what turns the direction of text would let one name look like another. */
export const patternName = z
  .string()
  .trim()
  .min(1)
  .max(255)
  .regex(/^[^\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]*$/u, 'a name has no control characters')

const trueOrFalse = z.enum(['true', 'false']).transform(value => value === 'true')

/** How to read a file, as a query says it. */
const readingQuery = {
  candidate: z.coerce.number().int().min(0).max(1000).optional(),
  leds: side.optional(),
  width: side.optional(),
  height: side.optional(),
  sprite: sprite.optional(),
  channels: part.optional(),
  frames: part.optional(),
  sourceWiring: z.string().min(1).max(32).optional(),
}

/** Query of POST /patterns. The reading counts for every later use of the file. */
export const newPattern = z.strictObject({
  ...readingQuery,
  /** Of the file. */
  name: z.string().min(1).max(255),
  /** In the library, where it is another one. */
  as: patternName.optional(),
  raw: trueOrFalse.default(false),
  tag: oneOrMany(patternTag).default([]),
  /** On the control socket: the file comes to be kept, not to be sent. */
  import: trueOrFalse.default(false),
})

/** Query of GET /patterns. */
export const patternQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  before: z.string().min(1).max(64).optional(),
  q: z.string().max(100).optional(),
  tag: patternTag.optional(),
  format: z.string().min(1).max(32).optional(),
})

/** Body of PATCH /patterns/:id. */
export const patternChange = z
  .strictObject({
    name: patternName.optional(),
    /** In place of those that are there. */
    tags: z.array(patternTag).max(16).optional(),
    addTags: z.array(patternTag).max(16).optional(),
    dropTags: z.array(patternTag).max(16).optional(),
  })
  .refine(
    change => Object.values(change).some(value => value !== undefined),
    'say what to change: name, tags, addTags or dropTags',
  )
export type PatternChangeBody = z.input<typeof patternChange>

/** Query of DELETE /patterns/:id. */
export const patternRemoval = z.strictObject({ versions: z.enum(['one', 'all']).default('one') })

/** Answer of DELETE /patterns/:id. */
export interface PatternRemovalView {
  readonly removed: number
  /** The version that is the newest now; null: there is none. */
  readonly shown: PatternView | null
}

/** Query of GET /patterns/:id/export. */
export const exportQuery = z.strictObject({
  ...readingQuery,
  format: z.string().min(1).max(32),
  colorOrder: z.string().min(1).max(8).optional(),
})

/** Query of GET /patterns/:id/fit. */
export const fitQuery = z.strictObject({
  ...readingQuery,
  raw: trueOrFalse.optional(),
  brightness: z.coerce.number().int().min(0).max(255).optional(),
  scalePower: trueOrFalse.optional(),
  /** Id or name; all boards when absent. */
  board: oneOrMany(z.string().min(1).max(64)).optional(),
})

/** What was said of how to read a file. */
export interface ReadingView {
  readonly candidate?: number | undefined
  readonly leds?: number | undefined
  readonly width?: number | undefined
  readonly height?: number | undefined
  readonly channels?: string | undefined
  readonly frames?: string | undefined
  readonly sourceWiring?: string | undefined
}

export interface PatternView {
  readonly id: string
  /** Of all versions. */
  readonly name: string
  /** As it came in first. */
  readonly fileName: string
  readonly version: number
  /** The newest version. */
  readonly latest: boolean
  /** How many there are. */
  readonly versions: number
  readonly tags: readonly string[]
  readonly sha256: string
  readonly sizeBytes: number
  readonly format: string
  /** Opaque bytes. */
  readonly raw: boolean
  /** Of the reading; null: not known, or not said by the format. */
  readonly width: number | null
  readonly height: number | null
  readonly leds: number | null
  readonly frames: number | null
  readonly durationMs: number | null
  /** Nobody has said yet which of several readings is meant; the figures are those of the best guess. */
  readonly ambiguous: boolean
  readonly reading: ReadingView
  /** SHA-256 of the thumbnail; null: there is none yet. */
  readonly thumbnail: string | null
  readonly createdAt: string
}

/** One time that a file came in. */
export interface ArrivalView {
  readonly fileName: string
  readonly door: 'cli' | 'import' | 'panel' | 'api' | 'mqtt' | 'unknown'
  /** null: not known. */
  readonly who: string | null
  readonly format: string
  readonly reading: ReadingView
  readonly arrivedAt: string
}

/** Answer of GET /patterns/:id. */
export interface PatternDetails {
  readonly pattern: PatternView
  /** Newest first: the first time and the 49 latest. */
  readonly provenance: readonly ArrivalView[]
}

/** Answer of GET /patterns and GET /patterns/:id/versions. */
export interface PatternsView {
  readonly patterns: readonly PatternView[]
  readonly total: number
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
  sprite: sprite.optional(),
  channels: part.optional(),
  frames: part.optional(),
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
