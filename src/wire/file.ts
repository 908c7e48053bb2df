import { z } from 'zod'

const count = z.int().min(0)

export const fileState = z.enum(['receiving', 'complete', 'refused'])

/** A file that comes in piece by piece. */
export const fileView = z
  .object({
    id: z.string(),
    name: z.string(),
    owner: z.string().nullable().describe('Who sends it; null: somebody on the control socket'),
    sizeBytes: count,
    offset: count.describe('Bytes that are here and survive a power cut'),
    sha256: z.string().nullable().describe('Hexadecimal SHA-256 of the whole; null: it is not whole yet'),
    state: fileState.describe('complete: it is a pattern; refused: it cannot be one'),
    patternId: z.string().nullable().describe('null: it is not complete, or the pattern was removed since'),
    problem: z
      .object({ code: z.string(), detail: z.string() })
      .readonly()
      .nullable()
      .describe('Why it was refused'),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().describe('A day after its last byte'),
  })
  .readonly()
  .meta({ id: 'File', description: 'A file that comes in piece by piece' })
export type FileView = z.output<typeof fileView>

/** Answer of GET /files/:id. */
export const fileAnswer = z.object({ file: fileView }).readonly()

/** Answer of GET /files, newest first. */
export const filesView = z
  .object({
    files: z.array(fileView).readonly(),
    total: count.describe('How many there are in all'),
    nextCursor: z.string().nullable().describe('For the query `cursor` of the next page; null: the last one'),
  })
  .readonly()
