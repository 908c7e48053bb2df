import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import { type ErrorCode, httpStatus } from '../../kernel/errors.ts'
import { isRepeatable } from '../api/idempotency.ts'
import { isRead, type Operation } from '../api/operation.ts'

type Code = ErrorCode | 'internal'

/** A fault of a request, as `toProblem` makes it. */
export const problemSchema = z
  .looseObject({
    type: z.literal('about:blank'),
    title: z.string().describe('The words of HTTP for the status'),
    status: z.int().min(400).max(599),
    detail: z.string().describe('What is wrong and what to do, for people'),
    code: z.string().describe('The name of the fault, for programs; the command line shows it too'),
    requestId: z.string().describe('Under which the log has more; also in X-Request-Id'),
    errors: z
      .array(
        z.object({
          path: z.string().describe('boards.0; empty: the whole'),
          pointer: z.string().describe('JSON Pointer (RFC 6901) of the same place'),
          message: z.string(),
        }),
      )
      .optional()
      .describe('Each place of the body or query that does not fit'),
  })
  .meta({
    id: 'Problem',
    description: 'A fault (RFC 9457). Some codes bring fields of their own.',
    examples: [
      {
        type: 'about:blank',
        title: 'Not Found',
        status: 404,
        detail: 'No board is called "attic".',
        code: 'not_found',
        requestId: '0198f1c2-7a10-7c3e-9b5d-2f6a4c8e1d07',
      },
    ],
  })

const takesBody = ({ body, bodyType }: Operation): boolean => body !== undefined || bodyType !== undefined

export const answersJson = ({ answers, stream }: Operation): boolean =>
  stream === undefined && Object.values(answers).some(({ schema }) => schema !== undefined)

/** Codes that the operation may answer with, by status; `usage` stands for what HTTP itself refuses, such as 415. */
export function errorsOf(operation: Operation): ReadonlyMap<number, readonly Code[]> {
  const { access, path, method, body, query, errors = [], refusals = [] } = operation
  const found = new Map<number, Set<Code>>()
  const add = (status: number, code: Code) => void (found.get(status) ?? set(status)).add(code)
  const set = (status: number) => {
    const codes = new Set<Code>()
    found.set(status, codes)
    return codes
  }
  const known = (...codes: readonly ErrorCode[]) => {
    for (const code of codes) add(httpStatus(code), code)
  }
  known('wrong_host', 'forbidden', 'overloaded', 'storage_failed')
  if (access !== 'open') known('unauthenticated')
  if (path.includes(':')) known('not_found')
  if (query !== undefined || body !== undefined || (isRead(method) && answersJson(operation)))
    known('invalid')
  if (takesBody(operation)) {
    known('usage', 'file_too_large', 'cancelled')
    add(415, 'usage')
  }
  if (isRepeatable(operation)) known('usage', 'conflict', 'invalid')
  known(...errors)
  for (const status of refusals) add(status, 'usage')
  add(500, 'internal')
  const statuses = [...found].sort(([one], [other]) => one - other)
  return new Map(statuses.map(([status, codes]) => [status, [...codes].sort()]))
}

const words: Readonly<Record<number, string>> = {
  400: 'It cannot be read',
  401: 'Nobody is signed in, or the token has ended',
  403: 'The role or the scopes do not allow it, or another site has asked',
  404: 'There is no such thing, or it is not for you',
  409: 'The state does not allow it',
  405: 'Another method is meant; `Allow` names them',
  412: 'It was changed meanwhile, or another version of the protocol is meant',
  460: 'The bytes are not those of Upload-Checksum; nothing of them is kept',
  413: 'The body is too large',
  415: 'The body is of another type, or encoded',
  421: 'The gateway is not called so',
  422: 'It can be read but does not fit; `errors` names each place',
  429: 'Too often; Retry-After says when to come again',
  500: 'A fault of the gateway',
  503: 'Not now; Retry-After says when to come again',
}

export const describeError = (status: number): string => words[status] ?? STATUS_CODES[status] ?? 'A fault'
