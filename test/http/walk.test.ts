import { readdirSync, readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import t, { type Test } from 'tap'
import { tagDescriptions } from '../../src/http/openapi/tags.ts'
import { officialSchema } from '../support/official-openapi.ts'
import { fixtures } from './walk/fixtures.ts'
import { type Answer, type World, world } from './walk/world.ts'

// biome-ignore lint/suspicious/noExplicitAny: the document is looked at by the test
type Json = any

interface Described {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly operation: Json
}

const methods = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options']

const describedIn = (document: Json): readonly Described[] =>
  Object.entries(document.paths).flatMap(([path, at]) =>
    Object.entries(at as Json)
      .filter(([method]) => methods.includes(method))
      .map(([method, operation]) => ({ id: (operation as Json).operationId, method, path, operation })),
  )

/** The schemas as they would be if answers had to have no more than is described. */
function closed(schema: Json, isPart = false): Json {
  if (Array.isArray(schema)) return schema.map(each => closed(each))
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Object.entries(schema).map(([key, value]) => [
    key,
    key === 'allOf' ? (value as Json[]).map(each => closed(each, true)) : closed(value),
  ])
  const made = Object.fromEntries(entries)
  if (made.type !== 'object' || made.properties === undefined || isPart) return made
  return { additionalProperties: false, ...made }
}

function validators(document: Json) {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/)
  ajv.addFormat('date', /^\d{4}-\d\d-\d\d$/)
  ajv.addFormat('uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i)
  ajv.addFormat('uri', { validate: (text: string) => URL.canParse(text) })
  ajv.addFormat('binary', true)
  for (const format of ['ipv4', 'ipv6', 'email', 'int32', 'int64', 'base64', 'base64url'])
    ajv.addFormat(format, true)
  ajv.addSchema({ $id: 'doc', ...document })
  const known = new Map<string, ValidateFunction>()
  /** What does not fit; empty: it fits. */
  return (pointer: readonly string[], value: unknown): string => {
    const path = pointer
      .map(each => encodeURIComponent(each.replaceAll('~', '~0').replaceAll('/', '~1')))
      .join('/')
    const validate = known.get(path) ?? ajv.compile({ $ref: `doc#/${path}` })
    known.set(path, validate)
    return validate(value) ? '' : JSON.stringify(validate.errors?.slice(0, 3))
  }
}

type Validate = ReturnType<typeof validators>

/** Whether the document says of this answer what it is: status, type, body and headers. */
function agrees(
  t: Test,
  document: Json,
  validate: Validate,
  { path, method, operation }: Described,
  answer: Answer,
) {
  const name = `${method.toUpperCase()} ${path} ${answer.status}`
  const listed = operation.responses[answer.status]
  if (listed === undefined) return t.fail(`${name} is in the document: ${answer.text.slice(0, 300)}`)
  const reference = listed.$ref?.split('/').at(-1)
  const response = reference === undefined ? listed : document.components.responses[reference]
  const at = reference === undefined ? ['paths', path, method, 'responses', String(answer.status)] : []
  const start = reference === undefined ? at : ['components', 'responses', reference]
  t.match(answer.headers['x-request-id'], /./, `${name} has a request id`)
  for (const header of Object.keys(response.headers ?? {}))
    if (['ETag', 'X-Total-Count', 'Retry-After', 'WWW-Authenticate'].includes(header) && method !== 'head')
      t.ok(answer.headers[header.toLowerCase()] !== undefined, `${name} has ${header}`)
  const types = Object.keys(response.content ?? {})
  if (types.length === 0) return t.equal(answer.text, '', `${name} has no body`)
  const type = String(answer.headers['content-type'] ?? '').split(';', 1)[0] ?? ''
  if (method !== 'head' && answer.status !== 304)
    t.ok(
      types.some(each => each === type || each === 'application/octet-stream' || each === '*/*'),
      `${name} is ${type}, not ${types}`,
    )
  if (answer.json !== undefined && types.includes(type) && response.content[type].schema.format !== 'binary')
    t.equal(validate([...start, 'content', type, 'schema'], answer.json), '', `${name} is as described`)
  return undefined
}

const pathOf = (path: string, params: Readonly<Record<string, string>> = {}): string =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? `no-${name}`))

async function load(world: World): Promise<Json> {
  const { json } = await world.call('GET', '/openapi.json')
  return json
}

t.test('every operation does what the document says of it', async t => {
  const made = await world(t)
  const document = await load(made)
  const official = await officialSchema()
  t.ok(
    official === undefined || official(document),
    `OpenAPI 3.1 by its authors: ${JSON.stringify(official?.errors)}`,
  )
  const described = describedIn(document)
  const byId = new Map(described.map(each => [each.id, each]))
  const list = fixtures(made)
  const named = new Set(list.map(({ id }) => id))
  t.same(
    [...byId.keys()].filter(id => !named.has(id)),
    [],
    'every operation is called below',
  )
  t.same(
    [...named].filter(id => !byId.has(id)),
    [],
    'and nothing that is not there',
  )
  const validate = validators(closed(document))
  for (const fixture of list) {
    const known = byId.get(fixture.id)
    if (known === undefined) continue
    await fixture.before?.()
    const { asked = {} } = fixture
    const token = made.tokens[fixture.as ?? 'admin']
    const path = pathOf(known.path, fixture.params)
    const answer = await made.call(known.method.toUpperCase(), path, { ...asked, token })
    const right = fixture.status === undefined ? answer.status < 300 : answer.status === fixture.status
    t.ok(right, `${fixture.id}: ${answer.status} ${answer.status < 300 ? '' : answer.text.slice(0, 300)}`)
    agrees(t, document, validate, known, answer)
    if (right) await fixture.after?.(answer)
    const { operation, method } = known
    if (method === 'get' && operation.responses[304] !== undefined && answer.status === 200) {
      const again = await made.call('GET', path, {
        ...asked,
        token,
        headers: { ...asked.headers, 'if-none-match': '*' },
      })
      t.equal(again.status, 304, `${fixture.id} again`)
    }
  }

  for (const each of described) {
    const { id, method, path, operation } = each
    if (operation['x-role'] !== 'open') {
      const stranger = await made.call(method.toUpperCase(), pathOf(path))
      t.equal(stranger.status, 401, `${id} for a stranger`)
      if (method !== 'head') agrees(t, document, validate, each, stranger)
    }
    if (path.includes('{') && method !== 'head') {
      const missing = await made.call(method.toUpperCase(), pathOf(path), { token: made.tokens['admin'] })
      t.ok(missing.status >= 400 && missing.status < 500, `${id} of nothing: ${missing.status}`)
      agrees(t, document, validate, each, missing)
    }
  }
})

t.test('every operation has a tag that is described, words, and examples that fit', async t => {
  const made = await world(t)
  const document = await load(made)
  const validate = validators(document)
  const ids = new Set<string>()
  for (const { id, method, path, operation } of describedIn(document)) {
    t.notOk(ids.has(id), id)
    ids.add(id)
    t.ok(tagDescriptions[operation.tags[0]] !== undefined, `${id}: the tag ${operation.tags[0]} is described`)
    t.match(operation.summary, /^[A-Z].*[^.]$/, `${id} has a summary without a full stop`)
    const base = ['paths', path, method]
    for (const [type, { schema, example }] of Object.entries<Json>(operation.requestBody?.content ?? {}))
      if (schema.format !== 'binary')
        t.equal(
          validate([...base, 'requestBody', 'content', type, 'schema'], example),
          '',
          `${id}: ${JSON.stringify(example)}`,
        )
    for (const [status, { content = {} }] of Object.entries<Json>(operation.responses))
      for (const [type, { schema, example }] of Object.entries<Json>(content))
        if (schema.format !== 'binary')
          t.equal(
            validate([...base, 'responses', status, 'content', type, 'schema'], example),
            '',
            `${id} ${status}`,
          )
  }
})

t.test('an answer with a secret in it is kept by nobody', async t => {
  const made = await world(t)
  const document = await load(made)
  const telling =
    /"(token|secret|password|refreshToken|claimCode|backupCodes|ticket|code)":\{"type":"string"|"backupCodes"/
  const harmless = new Set(['listAlerts', 'acknowledgeAlert', 'getSetup'])
  for (const { id, operation } of describedIn(document)) {
    const answers = Object.entries<Json>(operation.responses).filter(([status]) => status.startsWith('2'))
    const text = JSON.stringify(answers.map(([, { content }]) => content?.['application/json']?.schema ?? {}))
    if (!telling.test(text) || harmless.has(id)) continue
    t.ok(
      answers.every(([, { headers }]) => headers?.ETag === undefined),
      `${id} has no ETag, so it is marked as secret`,
    )
    t.equal(operation.responses[304], undefined, id)
  }
})

t.test('there is no other way to make a route', t => {
  const src = new URL('../../src/', import.meta.url)
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))
  const routers = files.filter(name => readFileSync(new URL(name, src), 'utf8').includes("'@koa/router'"))
  t.same(routers, [])
  t.end()
})
