import { z } from 'zod'
import { part, sprite } from './part.ts'

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
  candidate: z.coerce.number().int().min(0).max(1000).optional().describe('Index of the reading to take'),
  leds: side.optional(),
  width: side.optional(),
  height: side.optional(),
  sprite: sprite.optional(),
  channels: part.optional(),
  frames: part.optional(),
  sourceWiring: z.string().min(1).max(32).optional().describe('Order in which the file stores its pixels'),
}

/** Query of POST /patterns, and metadata of a resumable upload. The reading counts for every later use of the file. */
export const newPattern = z.strictObject({
  ...readingQuery,
  name: z.string().min(1).max(255).describe('Of the file'),
  as: patternName.optional().describe('In the library, where it is another one'),
  raw: trueOrFalse.default(false).describe('Opaque bytes, to be sent as they are'),
  tag: oneOrMany(patternTag).default([]).describe('May come several times'),
  import: trueOrFalse
    .default(false)
    .describe('On the control socket: the file comes to be kept, not to be sent'),
})
export type NewPattern = z.output<typeof newPattern>

/** Query of GET /patterns, beside the paging. */
export const patternFilter = {
  q: z.string().max(100).optional().describe('Words that name, tags, file name or format contain'),
  tag: patternTag.optional(),
  format: z.string().min(1).max(32).optional(),
}

/** Body of PATCH /patterns/:id. */
export const patternChange = z
  .strictObject({
    name: patternName.optional(),
    tags: z.array(patternTag).max(16).optional().describe('In place of those that are there'),
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

const format = z.string().min(1).max(32).describe('Name of a format that can be written, such as gif')
const fileColorOrder = z.string().min(1).max(8).optional()

/** Query of GET /patterns/:id/export. */
export const exportQuery = z.strictObject({ ...readingQuery, format, colorOrder: fileColorOrder })

/** Query of POST /patterns/convert. */
export const convertQuery = z.strictObject({
  ...readingQuery,
  to: format,
  colorOrder: fileColorOrder,
  name: z.string().min(1).max(255).default('pattern').describe('Of the file that is sent'),
  notes: trueOrFalse.default(false).describe('Answer with what is lost, as JSON, instead of the file'),
})

/** Query of GET /patterns/:id/fit. */
export const fitQuery = z.strictObject({
  ...readingQuery,
  raw: trueOrFalse.optional(),
  brightness: z.coerce.number().int().min(0).max(255).optional(),
  scalePower: trueOrFalse.optional(),
  board: oneOrMany(z.string().min(1).max(64)).optional().describe('Ids or names; all boards when absent'),
})

const { sourceWiring: _sourceWiring, ...pictureReading } = readingQuery

/** Query of GET /patterns/:id/preview: how to read a file that does not say it itself. */
export const previewQuery = z.strictObject(pictureReading)
/** Query of GET /patterns/:id/candidates. */
export const candidatesQuery = previewQuery.omit({ candidate: true })
