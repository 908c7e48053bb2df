import { z } from 'zod'

/** Query of a list: newest first, `before` is the last id of the page before. */
export const page = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  before: z.string().min(1).max(64).optional(),
})
