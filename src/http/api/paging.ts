import { z } from 'zod'
import { AppError } from '../../kernel/errors.ts'

/**
 * Query of a list. `cursor` is the `nextCursor` of the page before, `before` its older name; `skip` leaves out so many, for
 * programs that count pages.
 */
export const paging = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().min(1).max(64).optional(),
  before: z.string().min(1).max(64).optional(),
  skip: z.coerce.number().int().min(0).max(1_000_000).default(0),
})
export type Paging = z.output<typeof paging>

export interface Page<T> {
  readonly items: readonly T[]
  readonly total: number
  readonly nextCursor: string | null
}

/** A page of a list that is in memory as a whole; throws `invalid` for a cursor whose item has gone. */
export function pageOf<T>(
  all: readonly T[],
  { limit, cursor, before, skip }: Paging,
  idOf: (item: T) => string,
): Page<T> {
  const last = cursor ?? before
  const at = last === undefined ? -1 : all.findIndex(item => idOf(item) === last)
  if (last !== undefined && at < 0) throw cursorGone()
  const from = at + 1 + skip
  const items = all.slice(from, from + limit)
  return {
    items,
    total: all.length,
    nextCursor: from + limit < all.length ? cursorOf(items, limit, idOf) : null,
  }
}

/** The cursor after a page that the database gave out: there may be more when it is full. */
export function cursorOf<T>(items: readonly T[], limit: number, idOf: (item: T) => string): string | null {
  const last = items.at(-1)
  return last === undefined || items.length < limit ? null : idOf(last)
}

/** For a cursor that names nothing any more. */
export function cursorGone(): AppError {
  const message = 'The item that cursor names has gone. Begin with the first page again.'
  return new AppError('invalid', message, {
    detail: { errors: [{ path: 'cursor', pointer: '/cursor', message }] },
  })
}

/** Value of `Link` for the page after this one (RFC 8288), or undefined for the last. Relative to the address that was asked. */
export function nextLink(url: string, body: unknown): string | undefined {
  const { nextCursor } = body as { readonly nextCursor?: unknown }
  if (typeof nextCursor !== 'string') return undefined
  const query = new URLSearchParams(url.split('?', 2)[1] ?? '')
  for (const name of ['before', 'skip']) query.delete(name)
  query.set('cursor', nextCursor)
  return `<?${query}>; rel="next"`
}
