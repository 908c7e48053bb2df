import type { IncomingHttpHeaders, IncomingMessage, RequestListener } from 'node:http'
import type { Context } from 'koa'
import { AppError } from '../../kernel/errors.ts'
import { type BatchRequest, type BatchView, batchBody, batchView } from '../../wire/batch.ts'
import { readJsonBody } from '../api/check.ts'
import { json, type Operation, operation } from '../api/operation.ts'
import { apiPrefix } from '../api/route-table.ts'
import { askWithin } from '../inner-request.ts'
import { toProblem } from '../problem.ts'

const maxBodyBytes = 1024 * 1024
/** What the answers may hold together; what would go beyond is answered with 503. */
const maxAnswerBytes = 4 * 1024 * 1024
/** Of the caller, that each part is asked with as well. */
const passedOn = [
  'host',
  'authorization',
  'cookie',
  'origin',
  'user-agent',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
]
/** Of each answer, for the caller. */
const shownHeaders = [
  ...['etag', 'location', 'link', 'retry-after', 'x-total-count', 'x-request-id', 'allow', 'content-type'],
  ...['idempotency-replayed', 'www-authenticate', 'cache-control'],
]

/** Several requests in one, for lines with long round trips. */
export const batchOperations = (): readonly Operation[] => [
  operation({
    id: 'runBatch',
    method: 'post',
    path: '/batch',
    tag: 'batch',
    summary: 'Up to 20 requests in one, one after the other',
    description:
      'Each is checked, carried out and audited as if it had come alone; one that fails does not hold up the next. Streams, files, sign-in and batches are refused.',
    access: 'viewer',
    scoped: false,
    audited: false,
    repeatable: false,
    bodyType: 'application/json',
    maxBodyBytes,
    answers: { 200: json(batchView, 'The answers, in the order of the requests') },
    async stream(ctx) {
      const { value } = await readJsonBody(ctx, batchBody, { maxBodyBytes })
      const listener = ctx.app.callback() as RequestListener
      const responses: BatchView['responses'][number][] = []
      let sizeBytes = 0
      for (const [at, asked] of value.requests.entries()) {
        const requestId = `${ctx.state['requestId']}.${at}`.slice(-64)
        const answer =
          sizeBytes > maxAnswerBytes
            ? refused(
                new AppError('overloaded', 'The answers are too large together. Ask in smaller batches.'),
                requestId,
              )
            : await one(ctx, listener, asked, requestId)
        sizeBytes += answer.sizeBytes
        const { status, headers, body } = answer
        responses.push({ id: asked.id ?? at, status, headers, body })
      }
      ctx.set('Cache-Control', 'no-store')
      ctx.body = { responses } satisfies BatchView
    },
  }),
]

interface Part {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: unknown
  readonly sizeBytes: number
}

async function one(
  ctx: Context,
  listener: RequestListener,
  asked: BatchRequest,
  requestId: string,
): Promise<Part> {
  const url = asked.path.startsWith(`${apiPrefix}/`) ? asked.path : `${apiPrefix}${asked.path}`
  const body = asked.body === undefined ? undefined : Buffer.from(JSON.stringify(asked.body))
  const answer = await askWithin(listener, ctx.req, {
    ...{ method: asked.method, url, body },
    headers: headersOf(ctx.req, asked, body, requestId),
    check,
  })
  const kept = Object.entries(answer.headers).filter(([name]) => shownHeaders.includes(name))
  const type = answer.headers['content-type'] ?? ''
  const isJson = answer.body.byteLength > 0 && /\bjson\b/.test(type)
  return {
    status: answer.status,
    headers: Object.fromEntries(kept),
    body: isJson ? JSON.parse(answer.body.toString()) : null,
    sizeBytes: answer.body.byteLength,
  }
}

function headersOf(
  { headers }: Pick<IncomingMessage, 'headers'>,
  asked: BatchRequest,
  body: Buffer | undefined,
  requestId: string,
): IncomingHttpHeaders {
  const own = Object.entries(asked.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])
  const lent = passedOn.flatMap(name => (headers[name] === undefined ? [] : [[name, headers[name]]]))
  return {
    ...Object.fromEntries(lent),
    ...Object.fromEntries(own),
    'x-request-id': requestId,
    ...(body !== undefined && {
      'content-type': 'application/json',
      'content-length': String(body.byteLength),
    }),
  }
}

/** Throws `usage` for what a batch does not take. */
function check(operation: Operation): void {
  if (!fits(operation)) throw new AppError('usage', 'A batch does not take this request. Send it by itself.')
}

/** JSON in and JSON out; signing in sets cookies, which belong to an answer of its own. */
function fits({ id, stream, tag, access, method, answers }: Operation): boolean {
  if (id === 'runBatch' || stream !== undefined) return false
  if (access === 'open' && method !== 'get') return false
  if (tag === 'auth' || tag === 'setup') return method === 'get'
  return Object.values(answers).every(({ type }) => type === undefined)
}

function refused(fault: AppError, requestId: string): Part {
  const problem = toProblem(fault, requestId)
  return {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json' },
    body: problem,
    sizeBytes: 0,
  }
}
