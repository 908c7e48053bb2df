import type { Context } from 'koa'
import { parseFields } from './fields.ts'
import { isRead } from './operation.ts'

/** The query of a request, and which fields it asks for; several `fields` are one list. */
export function readAsked({ method, query: all }: Pick<Context, 'method' | 'query'>) {
  const { fields, ...rest } = all
  if (fields === undefined || !isRead(method)) return { query: { ...all }, fields: undefined }
  return { query: rest, fields: parseFields(String(fields)) }
}
