import type { Context } from 'koa'
import type { z } from 'zod'
import type { Caller } from '../../account/accounts.ts'
import type { Principal } from '../../account/principal.ts'
import type { ErrorCode } from '../../kernel/errors.ts'
import type { Role } from '../../kernel/role.ts'
import type { HttpFault } from '../problem.ts'
import type { CacheTag } from './response-cache.ts'

export type Method = 'get' | 'head' | 'post' | 'put' | 'patch' | 'delete' | 'options'

/** The least that somebody must be; `open`: nobody has to sign in, and the operation says less to strangers. */
export type Access = 'open' | Role

/** `/boards/:id` → `{ id: string }`. */
export type PathParams<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? { readonly [K in Name]: string } & PathParams<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? { readonly [K in Name]: string }
    : unknown

/** What one change was, for the audit log. */
export interface Change {
  /** Such as `boards/0198…`; the path with its parameters when left out. */
  readonly resource?: string
  /** Plain data without secrets; left out: there was nothing before, or is nothing after. */
  readonly before?: unknown
  readonly after?: unknown
}

/** One request, checked: everything that an operation may look at. */
export interface Call<Params = unknown, Query = unknown, Body = unknown, Who = Principal> {
  readonly params: Params
  readonly query: Query
  readonly body: Body
  readonly principal: Who
  readonly caller: Caller
  /** Scheme, host and port by which the gateway was asked: `https://pixelgate.local:8443`. */
  readonly origin: string
  readonly requestId: string
  /** `If-Match` as it was sent; `demandMatch` compares it. */
  readonly ifMatch: string | undefined
  /** Says what was changed; the audit log gets it once the operation has succeeded. */
  changed(change: Change): void
}

/** One way in which an operation answers. */
export interface Answer {
  readonly description: string
  /** Of a JSON body. */
  readonly schema?: z.ZodType
  /** Media type of another body. */
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
}

export const json = (schema: z.ZodType, description: string): Answer => ({ schema, description })
export const empty = (description: string): Answer => ({ description })
export const bytes = (type: string, description: string): Answer => ({ type, description })

/** Which answers may come from memory, and what makes them old. */
export interface CachePolicy {
  /** An event of any of them takes the answer out. */
  readonly tags: readonly CacheTag[]
  /**
   * `everybody`: all of the same role and scopes get the same answer; `anyone`: so do strangers. The answer must not depend on
   * the Host that was asked.
   */
  readonly per: 'anyone' | 'everybody' | 'person'
  /** For what changes without an event. */
  readonly maxAgeMs?: number
}

interface Described {
  /** `operationId`, and the action in the audit log: `listBoards`. */
  readonly id: string
  readonly method: Method
  /** Below /api/v1, with `:name` for parameters. */
  readonly path: string
  /** The resource, for people and for the scopes of API tokens: `boards`. */
  readonly tag: string
  /** One line, without a full stop. */
  readonly summary: string
  readonly description?: string
  readonly access: Access
  /** true: also for strangers where `http.guest` is `view`; shows nothing of people. */
  readonly guest?: boolean
  /** false: a token needs no scope for it, as it tells only about its caller or asks again for each part. */
  readonly scoped?: boolean
  /** The least status is what a call comes to when it says nothing else. */
  readonly answers: Readonly<Record<number, Answer>>
  /** Beyond those that any operation may answer with. */
  readonly errors?: readonly ErrorCode[]
  /** Statuses of HTTP's own, with the code `usage`, beyond those that any operation may answer with. */
  readonly refusals?: readonly HttpFault['status'][]
  readonly cache?: CachePolicy
  /** Largest body in bytes; 256 KiB for JSON when left out. */
  readonly maxBodyBytes?: number
  /** What is said of a larger one, in place of its size. */
  readonly tooLarge?: string
  /** false: is no change, or keeps a log of its own. `changes`: only calls that say what they changed. */
  readonly audited?: boolean | 'changes'
  /** false: Idempotency-Key is of no use here, as with sign-ins and streams. */
  readonly repeatable?: boolean
  /** The answer goes on for as long as its reader likes, and is broken off when their access ends. */
  readonly lasting?: boolean
  /** The answer tells a secret: it is stored nowhere, not even for a repeated Idempotency-Key. */
  readonly secret?: boolean
  /** What the parameters of the path are, by name; left out: an id or a name of the resource. */
  readonly params?: Readonly<Record<string, string>>
  /** For the document; what is left out is made up from the schemas. */
  readonly example?: Example
}

/** One call as it might be. */
export interface Example {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, unknown>>
  readonly body?: unknown
  /** Of the first answer. */
  readonly answer?: unknown
}

export interface OperationSpec<Path extends string, Query, Body, A extends Access> extends Described {
  readonly path: Path
  readonly access: A
  readonly query?: z.ZodType<Query>
  /** JSON body. */
  readonly body?: z.ZodType<Body>
  /** Media type of a body that `stream` reads by itself. */
  readonly bodyType?: string
  /** Answers with plain data (sent as JSON), with a Reply, or with undefined for no body. */
  run?(call: Call<PathParams<Path>, Query, Body, Who<A>>): unknown
  /** For files and streams: reads and answers the request itself, except for what `run` would get. */
  stream?(ctx: Context, call: Call<PathParams<Path>, Query, Body, Who<A>>): Promise<void> | void
}

type Who<A extends Access> = A extends 'open' ? Principal | undefined : Principal

/** One route of the API: what it takes, who may call it, what it answers. The server, the document and the tests read it. */
export interface Operation extends Described {
  readonly query?: z.ZodType
  readonly body?: z.ZodType
  readonly bodyType?: string
  readonly run?: (call: Call<never, never, never, never>) => unknown
  readonly stream?: (ctx: Context, call: Call<never, never, never, never>) => Promise<void> | void
}

export const operation = <
  const Path extends string,
  A extends Access,
  Query = Record<never, never>,
  Body = undefined,
>(
  spec: OperationSpec<Path, Query, Body, A>,
): Operation => spec

/** An answer with a status or headers of its own. */
export class Reply {
  readonly body: unknown
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, string | readonly string[]>>

  constructor(
    body: unknown,
    options: { status?: number; headers?: Readonly<Record<string, string | readonly string[]>> } = {},
  ) {
    this.body = body
    this.status = options.status
    this.headers = options.headers ?? {}
  }
}

/** Whether the method only looks. */
export const isRead = (method: string): boolean => /^(get|head|options)$/i.test(method)
