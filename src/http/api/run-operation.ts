import type { Context, Middleware } from 'koa'
import type { Principal } from '../../account/principal.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import { callerOf, schemeOf } from '../access/caller.ts'
import { checkWithin } from '../inner-request.ts'
import { HttpFault } from '../problem.ts'
import { type AuditEntry, auditChanges, isRefusal } from './audit-changes.ts'
import { authorise, seenAs } from './authorise.ts'
import { checked, emptySha256, readJsonBody } from './check.ts'
import { chooseFields, type parseFields } from './fields.ts'
import { idempotencyKey, isRepeatable, onlyOnce, type RepeatParts } from './idempotency.ts'
import type { LastingAnswers } from './lasting-answers.ts'
import { type Call, type Change, isRead, type Operation, Reply } from './operation.ts'
import type { PackedAnswers } from './packed-answers.ts'
import { nextLink } from './paging.ts'
import { readAsked } from './read-asked.ts'
import { type CacheTag, cacheTags, type ResponseCache, type StoredAnswer } from './response-cache.ts'
import { allowedMethods, apiPrefix, type Route, type RouteTable } from './route-table.ts'
import { sendAnswer, sendEmpty, storedAnswer, wantsGzip } from './send-answer.ts'
import { whose } from './whose.ts'

export interface ApiParts {
  readonly table: RouteTable
  readonly clock: Clock
  readonly cache: ResponseCache
  readonly packed: PackedAnswers
  /** Resolves when the entry is kept. */
  readonly audit?: (entry: AuditEntry) => Promise<void>
  /** Left out: Idempotency-Key is not looked at. */
  readonly repeats?: RepeatParts
  /** Those that go on. */
  readonly lasting?: LastingAnswers
}

interface State {
  requestId: string
  principal?: Principal
  /** The request has shown a token that fits nobody. */
  refusal?: AppError
  route?: string
}

/** Answers what the table knows: who may, what the body says, the work itself, and how it is sent. */
export function runOperations(parts: ApiParts): Middleware<State> {
  return async (ctx, next) => {
    const { method, path } = ctx
    if (!path.startsWith(apiPrefix)) return next()
    const route = parts.table.find(method, path)
    if (route === undefined) return otherMethod(parts.table, ctx, next)
    ctx.state.route = route.template
    checkWithin(ctx.req, route.operation)
    await answer(parts, ctx, route)
  }
}

async function otherMethod(table: RouteTable, ctx: Context, next: () => Promise<unknown>): Promise<void> {
  const routes = table.routesAt(ctx.path)
  if (routes.length === 0) return void (await next())
  const { principal, refusal } = ctx.state as State
  const isOpen = ctx.method === 'OPTIONS' || routes.some(({ operation }) => operation.access === 'open')
  if (principal === undefined && !isOpen) throw refusal ?? new AppError('unauthenticated', 'Sign in first.')
  ctx.set('Allow', allowedMethods(routes).join(', '))
  if (ctx.method !== 'OPTIONS')
    throw new HttpFault(405, `${ctx.method} is not for ${ctx.path}; the header Allow names what is.`)
  ctx.status = 204
}

async function answer(parts: ApiParts, ctx: Context, route: Route): Promise<void> {
  const { operation } = route
  const { principal: asking, refusal } = ctx.state as State
  const principal = seenAs(asking, operation)
  const changes: Change[] = []
  const record = (outcome: string) => auditChanges(parts.audit, ctx, route, { changes, outcome })
  let made: StoredAnswer | undefined
  try {
    if (refusal !== undefined && operation.access !== 'open') throw refusal
    authorise(asking, operation)
    const key = cacheKey(ctx, operation, principal)
    const known = key === undefined ? undefined : parts.cache.get(key, parts.clock.now())
    if (known !== undefined) return sendAnswer(ctx, known)
    made = await perform(parts, ctx, { route, principal, changes, key })
  } catch (thrown) {
    const outcome = thrown instanceof AppError ? thrown.code : 'internal'
    // What was done before it failed is a change all the same.
    if (isRefusal(outcome) || changes.length > 0) await record(outcome)
    throw thrown
  }
  if (!isReplayed(made)) await record('ok')
  if (made === undefined) return
  sendAnswer(ctx, wantsGzip(ctx, made) ? await parts.packed.pack(made) : made, operation.secret)
}

interface Performance {
  readonly route: Route
  readonly principal: Principal | undefined
  readonly changes: Change[]
  readonly key: string | undefined
}

/** undefined: the operation has answered itself. */
async function perform(
  parts: ApiParts,
  ctx: Context,
  { route, principal, changes, key }: Performance,
): Promise<StoredAnswer | undefined> {
  const { operation, params } = route
  const { query, fields } = readAsked(ctx)
  const body = operation.body && (await readJsonBody(ctx, operation.body, operation))
  const call: Call = {
    params,
    query: operation.query === undefined ? {} : checked(operation.query, query, 'query'),
    body: body?.value,
    principal: principal as Principal,
    caller: callerOf(ctx.req),
    origin: `${schemeOf(ctx.req)}://${ctx.req.headers.host ?? 'localhost'}`,
    requestId: ctx.state['requestId'],
    ifMatch: ctx.req.headers['if-match'],
    changed: change => void changes.push(change),
  }
  const { stream } = operation
  if (stream !== undefined)
    return await acting(parts, operation, async () => {
      if (operation.lasting === true && principal !== undefined && parts.lasting !== undefined)
        ctx.res.once(
          'close',
          parts.lasting.add(principal, () => ctx.res.destroy()),
        )
      await stream(ctx, call as Call<never, never, never, never>)
      if (ctx.respond !== false && (ctx.body === undefined || ctx.body === null)) sendEmpty(ctx, ctx.status)
      return undefined
    })
  const work = async () => toAnswer(ctx.url, operation, await operation.run?.(call as never), fields)
  if (key !== undefined) return keep(parts, operation, key, work)
  const repeat = principal && parts.repeats && isRepeatable(operation) ? principal : undefined
  const named = repeat && idempotencyKey(ctx.req.headers['idempotency-key'])
  if (parts.repeats === undefined || repeat === undefined || named === undefined)
    return acting(parts, operation, work)
  const asked = { principal: repeat, key: named, bodySha256: body?.sha256 ?? emptySha256 }
  return acting(parts, operation, () => onlyOnce(parts.repeats as RepeatParts, ctx, asked, operation, work))
}

const isReplayed = (made: StoredAnswer | undefined): boolean =>
  made !== undefined && 'Idempotency-Replayed' in made.headers

/** A change over the API is never followed by an answer from before it. */
async function acting<T>(
  { cache }: ApiParts,
  { method, tag }: Operation,
  work: () => Promise<T>,
): Promise<T> {
  if (isRead(method)) return work()
  try {
    return await work()
  } finally {
    if ((cacheTags as readonly string[]).includes(tag)) cache.invalidate(tag as CacheTag)
  }
}

export function toAnswer(
  url: string,
  operation: Operation,
  said: unknown,
  fields: ReturnType<typeof parseFields> | undefined,
): StoredAnswer {
  const { body, status = firstStatus(operation), headers } = said instanceof Reply ? said : new Reply(said)
  if (typeof body !== 'object' || body === null) return storedAnswer(status, body, headers)
  const { total } = body as { readonly total?: unknown }
  const link = nextLink(url, body)
  return storedAnswer(status, fields === undefined ? body : chooseFields(body, fields), {
    ...(typeof total === 'number' && { 'X-Total-Count': String(total) }),
    ...(link !== undefined && { Link: link }),
    ...headers,
  })
}

/** The answer from memory, from who is making it at this moment, or made now. */
export function keep(
  { cache, clock, packed }: ApiParts,
  { cache: policy }: Operation,
  key: string,
  work: () => Promise<StoredAnswer>,
): Promise<StoredAnswer> {
  const tags = policy?.tags ?? []
  const generation = cache.generationOf(tags)
  return cache.once(key, generation, async () => {
    const made = await work()
    if (made.status !== 200 || 'Set-Cookie' in made.headers) return made
    const answer = await packed.pack(made)
    const untilMs = clock.now() + (policy?.maxAgeMs ?? Number.POSITIVE_INFINITY)
    cache.put(key, answer, { tags, generation, untilMs })
    return answer
  })
}

/** undefined: the answer is not for keeping. */
export function cacheKey(
  { method, url, path, querystring }: Pick<Context, 'method' | 'url' | 'path' | 'querystring'>,
  { cache, query, stream, secret }: Operation,
  principal: Principal | undefined,
): string | undefined {
  if (cache === undefined || stream !== undefined || secret === true) return undefined
  if (method !== 'GET' && method !== 'HEAD') return undefined
  // What the operation does not look at makes no other answer.
  const asked = query !== undefined || mayAskForFields.test(querystring) ? url : path
  return `${whose(cache.per, principal)}\n${asked}`
}

/** Also encoded, as `%66ields`. */
const mayAskForFields = /fields|%/

/** Whole numbers as keys come in rising order: the least status is what a call comes to when it says nothing else. */
const firstStatus = ({ answers }: Operation): number => Number(Object.keys(answers)[0] ?? 200)
