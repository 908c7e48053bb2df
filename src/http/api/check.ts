import type { Context } from 'koa'
import type { z } from 'zod'
import { AppError } from '../../kernel/errors.ts'
import { HttpFault } from '../problem.ts'
import { readBody } from '../read-body.ts'
import type { Operation } from './operation.ts'

/** One fault of a body or a query, in `errors` of the problem. */
interface FieldError {
  /** `boards.0`; empty: the whole. */
  readonly path: string
  /** JSON Pointer (RFC 6901) of the same place. */
  readonly pointer: string
  readonly message: string
}

const maxJsonBytes = 256 * 1024
export const emptySha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** What the schema gives out; `invalid` with every fault and its place when it does not fit. */
export function checked<T>(schema: z.ZodType<T>, value: unknown, what: 'body' | 'query'): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues.map(({ path, message }): FieldError => {
    const names = path.map(String)
    const pointer = names.map(name => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
    return { path: names.join('.'), pointer, message }
  })
  const words = errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
  throw new AppError('invalid', `The ${what} does not fit: ${words.join('; ')}`, { detail: { errors } })
}

export interface JsonBody<T> {
  readonly value: T
  /** Hexadecimal SHA-256 of its bytes. */
  readonly sha256: string
}

/** The JSON body as the schema gives it out. Rejects with 415, `usage` (no JSON), `invalid`, `file_too_large`. */
export async function readJsonBody<T>(
  ctx: Context,
  schema: z.ZodType<T>,
  { maxBodyBytes = maxJsonBytes, tooLarge }: Pick<Operation, 'maxBodyBytes' | 'tooLarge'> = {},
): Promise<JsonBody<T>> {
  if (!hasBody(ctx) && schema.safeParse(undefined).success)
    return { value: checked(schema, undefined, 'body'), sha256: emptySha256 }
  if (!ctx.is('application/json')) throw new HttpFault(415, 'Send JSON, with content-type application/json.')
  const { bytes, sha256 } = await readBody(ctx, maxBodyBytes).catch((thrown: unknown) => {
    if (tooLarge === undefined || !(thrown instanceof AppError) || thrown.code !== 'file_too_large')
      throw thrown
    throw new AppError('file_too_large', tooLarge)
  })
  return { value: checked(schema, parseJson(bytes), 'body'), sha256 }
}

/** RFC 9112 §6.3: without either of them a request has no body. */
const hasBody = ({ req: { headers } }: Context): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes), refuseProto)
  } catch (error) {
    if (error instanceof AppError) throw error
    throw new AppError('usage', 'The body is no JSON.', { cause: error })
  }
}

/** Such a key would change the prototype of whatever the object is merged into. */
function refuseProto(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new AppError('usage', 'The body has a key that is not taken: __proto__')
  return value
}
