import t from 'tap'
import { z } from 'zod'
import { empty, json, type Operation, operation } from '../../src/http/api/operation.ts'
import { paging } from '../../src/http/api/paging.ts'
import { openApiDocument } from '../../src/http/openapi/openapi-document.ts'
import { documentOperations } from '../../src/http/routes/openapi.ts'
import { pageShape } from '../../src/wire/page.ts'
import { officialSchema } from '../support/official-openapi.ts'
import { serve } from '../support/serve-operations.ts'

// biome-ignore lint/suspicious/noExplicitAny: the document is looked at by the test
type Document = any

const described = { tag: 'boards', summary: 'Of a test' } as const
const boardView = z
  .object({ id: z.string(), level: z.int().min(1).max(9).default(4), at: z.iso.datetime() })
  .readonly()
  .meta({ id: 'Board', description: 'A board' })

const operations: readonly Operation[] = [
  operation({
    ...described,
    id: 'listBoards',
    method: 'get',
    path: '/boards',
    access: 'viewer',
    query: paging.extend({ state: z.enum(['up', 'down']).describe('Only these').optional() }),
    answers: { 200: json(z.object({ boards: z.array(boardView), ...pageShape }), 'A page') },
    run: () => ({}),
  }),
  operation({
    ...described,
    id: 'changeBoard',
    method: 'patch',
    path: '/boards/:id/parts/:part',
    access: 'operator',
    body: z.strictObject({ board: boardView, names: z.array(z.string().regex(/^[A-F]{2}$/)).min(1) }),
    answers: { 200: json(z.object({ board: boardView }), 'As it is now') },
    errors: ['precondition_failed', 'does_not_fit'],
    params: { part: 'Which part' },
    example: {
      params: { id: 'hall' },
      body: { board: { id: 'hall', at: '2026-01-31T12:00:00Z' }, names: ['AB'] },
    },
    run: () => ({}),
  }),
  operation({
    ...described,
    id: 'play',
    method: 'post',
    path: '/boards/:id/play',
    access: 'operator',
    answers: { 204: empty('') },
    run: () => undefined,
  }),
]
const all = [...operations, ...documentOperations(() => all)] as const as readonly Operation[]

const official = await officialSchema()
const without = official === undefined && 'needs @seriousme/openapi-schema-validator'

t.test('the document is OpenAPI 3.1 by the schema of its authors', { skip: without }, async t => {
  t.ok(official?.(openApiDocument(all)), JSON.stringify(official?.errors))
  t.notOk(official?.({ ...openApiDocument(all), paths: 3 }), 'and it would tell')
})

t.test('an operation is described with all that it takes and answers', t => {
  const document: Document = openApiDocument(all)
  const list = document.paths['/boards'].get
  t.match(list, {
    operationId: 'listBoards',
    tags: ['boards'],
    'x-role': 'viewer',
    description: /boards:read/,
  })
  t.match(
    list.parameters.map((each: Document) => each.name ?? each.$ref.split('/').at(-1)),
    ['limit', 'cursor', 'before', 'skip', 'state', 'fields', 'ifNoneMatch'],
  )
  t.match(list.parameters[0], {
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: 100, default: 20 },
  })
  t.match(list.parameters[4], { description: 'Only these', schema: { enum: ['up', 'down'] } })
  t.match(list.responses[200].headers, { ETag: {}, Link: {}, 'X-Total-Count': {} })
  t.match(list.responses[200].content['application/json'].schema.properties, {
    boards: { items: { $ref: '#/components/schemas/Board' } },
    nextCursor: {},
  })
  t.same(Object.keys(list.responses), ['200', '304', '401', '403', '421', '422', '500', '503'])

  const change = document.paths['/boards/{id}/parts/{part}'].patch
  t.match(change.parameters, [
    { name: 'id', in: 'path', required: true, example: 'hall', description: 'Id of one of the boards' },
    { name: 'part', description: 'Which part' },
    { $ref: /ifMatch/ },
  ])
  t.match(change.requestBody, {
    required: true,
    content: { 'application/json': { example: { names: ['AB'] } } },
  })
  t.equal(
    change.requestBody.content['application/json'].schema.properties.board.$ref,
    '#/components/schemas/BoardInput',
    'what is taken may leave out a default, so it is another type than what is sent',
  )
  const codes = (status: number) => {
    const name = change.responses[status].$ref.replace('#/components/responses/', '')
    return document.components.responses[name].content['application/problem+json'].schema.allOf[1].properties
      .code.enum
  }
  t.same(codes(422), ['does_not_fit', 'invalid'])
  t.same(codes(412), ['precondition_failed'])
  t.same(codes(404), ['not_found'])
  t.ok(change.responses[415] !== undefined && change.responses[413] !== undefined)

  const play = document.paths['/boards/{id}/play'].post
  t.match(play.parameters.at(-1), { $ref: /idempotencyKey/ })
  t.equal(play.requestBody, undefined)
  t.same(document.paths['/openapi.json'].get.security[0], {}, 'open to everybody')
  t.end()
})

t.test('two schemas of one name that differ are a fault of the program', t => {
  const board = z.object({}).meta({ id: 'Board' })
  const [list] = operations
  if (list === undefined) return void t.fail()
  const clash = { ...list, id: 'x', path: '/x', answers: { 200: json(z.object({ board }), '') } }
  t.throws(() => openApiDocument([...operations, clash]), /Board/)
  t.end()
})

t.test('everybody may read it, and it is made once', async t => {
  const { call, cache } = await serve(t, all)
  const answer = await call('/openapi.json')
  t.match(answer, { status: 200, json: { openapi: '3.1.0', servers: [{ url: '/api/v1' }] } })
  t.same((await call('/openapi.json', { as: 'ada/admin' })).text, answer.text)
  t.equal(cache.stats().entries, 1)
  const again = { 'if-none-match': answer.headers.etag ?? '' }
  t.equal((await call('/openapi.json', { headers: again })).status, 304)
  const { 'content-encoding': encoding } = (
    await call('/openapi.json', { headers: { 'accept-encoding': 'gzip' } })
  ).headers
  t.equal(encoding, 'gzip')
})
