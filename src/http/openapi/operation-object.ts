import { scopeOf } from '../api/authorise.ts'
import { isRepeatable } from '../api/idempotency.ts'
import { type Answer, isRead, type Operation } from '../api/operation.ts'
import type { Components } from './components.ts'
import { answersJson, describeError, errorsOf } from './error-answers.ts'
import { exampleOf } from './example-of.ts'
import type { JsonSchema } from './json-schema.ts'
import { parametersOf } from './parameters.ts'

type Json = Readonly<Record<string, unknown>>

/** Headers that many answers share. */
export const sharedHeaders = {
  'X-Request-Id': { description: 'Under which the log has more', schema: { type: 'string' } },
  ETag: { description: 'Names these bytes, for If-None-Match and If-Match', schema: { type: 'string' } },
  'Cache-Control': {
    description: 'private, no-cache: ask again with If-None-Match',
    schema: { type: 'string' },
  },
  'X-Total-Count': { description: '`total` of the list', schema: { type: 'integer' } },
  Link: { description: 'The next page, rel="next" (RFC 8288)', schema: { type: 'string' } },
  'Retry-After': { description: 'Seconds to wait', schema: { type: 'integer' } },
  'WWW-Authenticate': { description: 'Bearer (RFC 6750)', schema: { type: 'string' } },
  'Idempotency-Replayed': {
    description: 'true: it was done before',
    schema: { type: 'string', const: 'true' },
  },
} as const

const refer = (names: readonly (keyof typeof sharedHeaders)[]): Json =>
  Object.fromEntries(names.map(name => [name, { $ref: `#/components/headers/${name}` }]))

/** The Operation Object (OpenAPI 3.1 §4.8.10). Problems are added to `problems` and referred to, since most are alike. */
export function operationObject(
  operation: Operation,
  components: Components,
  problems: Record<string, unknown>,
): Json {
  const { id, tag, summary, description, access, answers } = operation
  const parameters = parametersOf(operation, components)
  const requestBody = bodyOf(operation, components)
  const own = Object.entries(answers).map(([status, answer]) => [
    status,
    answerOf(operation, Number(status), answer, components),
  ])
  const unchanged =
    isRead(operation.method) && answersJson(operation) && operation.secret !== true
      ? [['304', { description: 'You have these bytes already', headers: refer(['ETag', 'X-Request-Id']) }]]
      : []
  const faults = [...errorsOf(operation)]
    .filter(([status]) => answers[status] === undefined)
    .map(([status, codes]) => [String(status), problemOf(status, codes, problems)])
  const who =
    access === 'open'
      ? 'For everybody, also without signing in.'
      : `Least role: **${access}**. Scope of an API token: \`${scopeOf(operation)}\`.`
  return {
    operationId: id,
    tags: [tag],
    summary,
    description: description === undefined ? who : `${description}\n\n${who}`,
    ...(parameters.length > 0 && { parameters }),
    ...(requestBody !== undefined && { requestBody }),
    responses: Object.fromEntries([...own, ...unchanged, ...faults]),
    security: [...(access === 'open' ? [{}] : []), { bearer: [] }, { cookie: [] }],
    'x-role': access,
  }
}

function bodyOf({ body, bodyType, example }: Operation, components: Components): Json | undefined {
  if (body === undefined) {
    if (bodyType === undefined) return undefined
    return { required: true, content: { [bodyType]: { schema: { type: 'string', format: 'binary' } } } }
  }
  const schema = components.of(body, 'input')
  const required = !body.safeParse(undefined).success
  return {
    required,
    content: { 'application/json': { schema, example: example?.body ?? exampleOf(schema, components) } },
  }
}

function answerOf(operation: Operation, status: number, answer: Answer, components: Components): Json {
  const { description, schema, type, headers = {} } = answer
  const json = schema && components.of(schema, 'output')
  const isLook = isRead(operation.method) && operation.stream === undefined && operation.secret !== true
  const isFirst = status === Number(Object.keys(operation.answers)[0])
  const shared = refer([
    'X-Request-Id',
    ...(json !== undefined && isLook && status === 200 ? (['ETag', 'Cache-Control'] as const) : []),
    ...(isList(json, components) ? (['X-Total-Count', 'Link'] as const) : []),
    ...(isRepeatable(operation) ? (['Idempotency-Replayed'] as const) : []),
    ...(status === 503 ? (['Retry-After'] as const) : []),
  ])
  const named = Object.entries(headers).map(([name, text]) => [
    name,
    { description: text, schema: { type: 'string' } },
  ])
  const known = isFirst ? operation.example?.answer : undefined
  const content = {
    ...(type !== undefined && { [type]: { schema: { type: 'string', format: 'binary' } } }),
    ...(json !== undefined && {
      'application/json': { schema: json, example: known ?? exampleOf(json, components) },
    }),
  }
  return {
    description: description === '' ? 'Done' : description,
    headers: { ...shared, ...Object.fromEntries(named) },
    ...(Object.keys(content).length > 0 && { content }),
  }
}

const isList = (schema: JsonSchema | undefined, components: Components): boolean =>
  schema !== undefined && components.resolve(schema).properties?.['nextCursor'] !== undefined

function problemOf(status: number, codes: readonly string[], problems: Record<string, unknown>): Json {
  const name = `${status}.${codes.join('.')}`
  problems[name] ??= {
    description: describeError(status),
    headers: refer([
      'X-Request-Id',
      ...(status === 503 || status === 429 ? (['Retry-After'] as const) : []),
      ...(status === 401 ? (['WWW-Authenticate'] as const) : []),
    ]),
    content: {
      'application/problem+json': {
        schema: {
          allOf: [
            { $ref: '#/components/schemas/Problem' },
            { type: 'object', properties: { status: { const: status }, code: { enum: codes } } },
          ],
        },
      },
    },
  }
  return { $ref: `#/components/responses/${name}` }
}
