import { z } from 'zod'

const count = z.int().min(0)
const sha256 = z.string().describe('Hexadecimal SHA-256')
const page = {
  total: count.describe('How many there are in all'),
  nextCursor: z.string().nullable().describe('For the query `cursor` of the next page; null: the last one'),
}

/** A way to read a file, as `pattern inspect --json` and the API show it. */
export const candidateView = z
  .object({
    index: count,
    format: z.string(),
    width: count.nullable(),
    height: count.nullable(),
    leds: count,
    channels: count,
    frames: count,
    durationMs: z.number().nullable(),
    confidence: z.number().min(0).max(1),
    reason: z.string(),
    picture: z.literal(true).exactOptional().describe('It is scaled to the board'),
  })
  .readonly()
  .meta({ id: 'Candidate', description: 'A way to read a file' })
export type CandidateView = z.output<typeof candidateView>

/** Answer of GET /patterns/:id/candidates. */
export const candidatesView = z.object({ candidates: z.array(candidateView).readonly() }).readonly()

/** What was said of how to read a file. */
export const readingView = z
  .object({
    candidate: count.optional(),
    leds: count.optional(),
    width: count.optional(),
    height: count.optional(),
    sprite: z.string().optional(),
    channels: z.string().optional(),
    frames: z.string().optional(),
    sourceWiring: z.string().optional(),
  })
  .readonly()
  .meta({ id: 'Reading', description: 'What was said of how to read a file; nothing: it says it itself' })

export const patternView = z
  .object({
    id: z.string(),
    name: z.string().describe('Of all versions'),
    fileName: z.string().describe('As it came in first'),
    version: z.int().min(1),
    latest: z.boolean().describe('The newest version'),
    versions: count.describe('How many there are'),
    tags: z.array(z.string()).readonly(),
    sha256,
    sizeBytes: count,
    format: z.string(),
    raw: z.boolean().describe('Opaque bytes'),
    width: count.nullable().describe('Of the reading; null: not known, or not said by the format'),
    height: count.nullable(),
    leds: count.nullable(),
    frames: count.nullable(),
    durationMs: z.number().nullable(),
    ambiguous: z
      .boolean()
      .describe('Nobody has said yet which of several readings is meant; the figures are of the best guess'),
    reading: readingView,
    thumbnail: z.string().nullable().describe('SHA-256 of the thumbnail; null: there is none yet'),
    createdAt: z.iso.datetime(),
  })
  .readonly()
  .meta({ id: 'Pattern', description: 'A stored file' })
export type PatternView = z.output<typeof patternView>

/** One time that a file came in. */
export const arrivalView = z
  .object({
    fileName: z.string(),
    door: z.enum(['cli', 'import', 'panel', 'api', 'mqtt', 'unknown']),
    who: z.string().nullable().describe('null: not known'),
    format: z.string(),
    reading: readingView,
    arrivedAt: z.iso.datetime(),
  })
  .readonly()
  .meta({ id: 'Arrival', description: 'One time that a file came in' })
export type ArrivalView = z.output<typeof arrivalView>

/** Answer of PATCH /patterns/:id. */
export const patternAnswer = z.object({ pattern: patternView }).readonly()

/** Answer of GET /patterns/:id. */
export const patternDetails = z
  .object({
    pattern: patternView,
    provenance: z.array(arrivalView).readonly().describe('Newest first: the first time and the 49 latest'),
  })
  .readonly()
export type PatternDetails = z.output<typeof patternDetails>

/** Answer of GET /patterns and GET /patterns/:id/versions. */
export const patternsView = z.object({ patterns: z.array(patternView).readonly(), ...page }).readonly()
export type PatternsView = z.output<typeof patternsView>

/** Answer of POST /patterns. */
export const storedPatternView = z
  .object({
    pattern: patternView,
    candidates: z.array(candidateView).readonly().describe('Every reading, best first; none of raw bytes'),
  })
  .readonly()
export type StoredPatternView = z.output<typeof storedPatternView>

/** Answer of DELETE /patterns/:id. */
export const patternRemovalView = z
  .object({
    removed: count,
    shown: patternView.nullable().describe('The version that is the newest now; null: there is none'),
  })
  .readonly()
export type PatternRemovalView = z.output<typeof patternRemovalView>

/** Answer of POST /patterns/convert with `notes=true`. */
export const conversionView = z
  .object({
    format: z.string(),
    fileName: z.string(),
    sizeBytes: count,
    sha256,
    notes: z.array(z.string()).readonly().describe('One sentence for each thing that the format cannot keep'),
  })
  .readonly()
  .meta({ id: 'Conversion', description: 'What a file would be in another format' })

/** Answer of GET /patterns/:id/preview and GET /boards/:id/preview: frames for a canvas. */
export const previewView = z
  .object({
    width: count,
    height: count,
    frames: count.describe('Of the whole pattern; the preview holds the first `delaysMs.length` of them'),
    delaysMs: z.array(z.number()).readonly(),
    pixels: z
      .string()
      .describe('Base64 of R, G, B for each pixel, row by row from the top left, frame after frame'),
  })
  .readonly()
  .meta({ id: 'Preview', description: 'Frames for a canvas' })
export type PreviewView = z.output<typeof previewView>
