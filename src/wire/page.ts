import { z } from 'zod'

/** What every list has beside its items; `total` also comes as `X-Total-Count`, the next page as `Link` (RFC 8288). */
export const pageShape = {
  total: z.int().min(0).describe('How many there are in all'),
  nextCursor: z
    .string()
    .nullable()
    .describe('For the query `cursor` of the next page; null: this is the last one'),
} as const
