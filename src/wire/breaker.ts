import { z } from 'zod'

export const breakerView = z
  .object({
    name: z.string(),
    state: z
      .enum(['CLOSED', 'OPEN', 'HALF_OPEN'])
      .describe('CLOSED: calls go through; OPEN: none does; HALF_OPEN: one at a time is tried'),
    calls: z.int().min(0).describe('Calls that were let through'),
    failures: z.int().min(0),
    rejections: z.int().min(0).describe('Calls that were refused because it was not closed'),
    opened: z.int().min(0).describe('How often it has opened'),
    failuresInRow: z.int().min(0),
    lastFailureAt: z.iso.datetime().nullable(),
    lastFailure: z.string().nullable(),
    retryAfterMs: z.number().min(0).describe('Until the next trial may go'),
  })
  .readonly()
  .meta({ id: 'Breaker', description: 'What keeps calls away from something that does not answer' })
export type BreakerView = z.output<typeof breakerView>

/** Answer of GET /breakers, by name. */
export const breakersView = z
  .object({
    breakers: z.array(breakerView).readonly(),
    total: z.int().min(0),
    nextCursor: z.string().nullable(),
  })
  .readonly()
export type BreakersView = z.output<typeof breakersView>
