import { isRepeatable } from '../api/idempotency.ts'
import { isRead, type Operation } from '../api/operation.ts'
import type { Components } from './components.ts'
import { answersJson } from './error-answers.ts'
import type { JsonSchema } from './json-schema.ts'

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly required: boolean
  readonly description?: string
  readonly schema: JsonSchema
  readonly example?: unknown
}

type Referred = { readonly $ref: string }

/** Headers and queries that many operations share. */
export const sharedParameters = {
  fields: {
    name: 'fields',
    in: 'query',
    description:
      'Which fields of each item, or of the one object, are sent: names with commas between them, with dots for what is inside. What stands beside the items stays.',
    schema: { type: 'string', pattern: '^[A-Za-z0-9_.,]+$', maxLength: 1000 },
    example: 'id,name',
  },
  ifNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    description: 'The ETag of what you have; 304 when it is still so (RFC 9110 §13.1.2)',
    schema: { type: 'string' },
  },
  ifMatch: {
    name: 'If-Match',
    in: 'header',
    description: 'The ETag of what you have read; 412 when it was changed meanwhile (RFC 9110 §13.1.1)',
    schema: { type: 'string' },
  },
  idempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'A text of yours in double quotes, new for each request, such as a UUID. The same request with the same key is done once within 24 hours and answered the same way each time (draft-ietf-httpapi-idempotency-key-header).',
    schema: { type: 'string', minLength: 1, maxLength: 202 },
  },
} as const

const refer = (name: keyof typeof sharedParameters): Referred => ({ $ref: `#/components/parameters/${name}` })

export function parametersOf(
  operation: Operation,
  components: Components,
): readonly (Parameter | Referred)[] {
  const { path, query, method, errors = [], params = {}, example, tag, secret } = operation
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = '']): Parameter => {
    const known = example?.params?.[name]
    const description = params[name] ?? (name === 'id' ? `Id of one of the ${tag}` : undefined)
    return {
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
      ...(description !== undefined && { description }),
      ...(known !== undefined && { example: known }),
    }
  })
  const inQuery =
    query === undefined ? [] : queryOf(components.of(query, 'input'), components, example?.query ?? {})
  const looksAtJson = isRead(method) && answersJson(operation)
  return [
    ...inPath,
    ...inQuery,
    ...(looksAtJson ? [refer('fields')] : []),
    ...(looksAtJson && secret !== true ? [refer('ifNoneMatch')] : []),
    ...(errors.includes('precondition_failed') ? [refer('ifMatch')] : []),
    ...(isRepeatable(operation) ? [refer('idempotencyKey')] : []),
  ]
}

function queryOf(
  schema: JsonSchema,
  components: Components,
  examples: Readonly<Record<string, unknown>>,
): Parameter[] {
  const { properties = {}, required = [], anyOf, oneOf, allOf } = components.resolve(schema)
  const own = Object.entries(properties).map(
    ([name, { description, ...each }]): Parameter => ({
      name,
      in: 'query',
      required: required.includes(name),
      schema: each,
      ...(description !== undefined && { description }),
      ...(examples[name] !== undefined && { example: examples[name] }),
    }),
  )
  const ways = [...(anyOf ?? []), ...(oneOf ?? [])].flatMap(way =>
    queryOf(way, components, examples).map(parameter => ({ ...parameter, required: false })),
  )
  const parts = (allOf ?? []).flatMap(part => queryOf(part, components, examples))
  const byName = new Map([...ways, ...parts, ...own].map(parameter => [parameter.name, parameter]))
  return [...byName.values()]
}
