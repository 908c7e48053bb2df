import type { Context } from 'koa'
import type { z } from 'zod'
import { AppError } from '../kernel/errors.ts'

/** The query as the schema gives it out; `usage` with all faults when it does not fit. */
export function readQuery<T extends z.ZodType>(ctx: Context, schema: T): z.output<T> {
  const parsed = schema.safeParse({ ...ctx.query })
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
  const words = faults.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
  throw new AppError('usage', `The query does not fit: ${words.join('; ')}`, { detail: { faults } })
}
