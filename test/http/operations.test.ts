import fc from 'fast-check'
import t from 'tap'
import { z } from 'zod'
import type { Principal } from '../../src/account/principal.ts'
import { acceptsGzip } from '../../src/http/api/accepts-gzip.ts'
import type { AuditEntry } from '../../src/http/api/audit-changes.ts'
import { idempotencyKey } from '../../src/http/api/idempotency.ts'
import { bytes, empty, json, type Operation, operation, Reply } from '../../src/http/api/operation.ts'
import { pageOf, paging } from '../../src/http/api/paging.ts'
import { demandMatch, matchesNone } from '../../src/http/api/preconditions.ts'
import { type CacheTag, ResponseCache } from '../../src/http/api/response-cache.ts'
import { whose } from '../../src/http/api/whose.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { pageShape } from '../../src/wire/page.ts'
import { type Asked, serve } from '../support/serve-operations.ts'

const lamps = Array.from({ length: 45 }, (_, at) => ({
  id: `lamp-${at}`,
  name: `Lamp ${at}`,
  place: { room: 'hall', height: at, owner: { name: 'ada' } },
}))
const lamp = z.object({
  id: z.string(),
  name: z.string(),
  place: z.object({ room: z.string(), height: z.number(), owner: z.object({ name: z.string() }) }),
})

const described = { tag: 'lamps', summary: 'Of a test' } as const

const listLamps = (more: Partial<Operation> = {}): Operation => ({
  ...operation({
    ...described,
    id: 'listLamps',
    method: 'get',
    path: '/lamps',
    access: 'viewer',
    query: paging.extend({ q: z.string().optional() }),
    answers: { 200: json(z.object({ lamps: z.array(lamp), ...pageShape }), 'A page') },
    run({ query }) {
      const { items, total, nextCursor } = pageOf(lamps, query, ({ id }) => id)
      return { lamps: items, total, nextCursor }
    },
  }),
  ...more,
})

const ada = 'ada/viewer'

t.test('a list goes on page by page to its end, each page with a link to the next', async t => {
  const { call } = await serve(t, [listLamps()])
  const seen: string[] = []
  let path = '/lamps?limit=7&q=a%26b'
  for (let pages = 0; path !== ''; pages += 1) {
    t.ok(pages < 10)
    const { json, headers, status } = await call(path, { as: ada })
    t.equal(status, 200)
    t.equal(headers['x-total-count'], '45')
    seen.push(...json.lamps.map(({ id }: { id: string }) => id))
    const [, query] = /^<(\?[^>]*)>; rel="next"$/.exec(String(headers['link'] ?? '')) ?? []
    t.equal(query === undefined, json.nextCursor === null, 'a link, unless it is the last')
    if (query !== undefined) t.same(new URLSearchParams(query).get('q'), 'a&b', 'the filter stays')
    path = query === undefined ? '' : `/lamps${query}`
  }
  t.same(
    seen,
    lamps.map(({ id }) => id),
  )
  t.equal((await call('/lamps', { as: ada })).json.lamps.length, 20, 'twenty when nothing is said')
  const skipped = await call('/lamps?skip=40&limit=3', { as: ada })
  t.equal(skipped.json.lamps[0].id, 'lamp-40')
  t.notMatch(skipped.headers['link'], /skip/, 'what was skipped is not skipped again')
  for (const query of [
    'limit=0',
    'limit=101',
    'limit=x',
    'cursor=gone',
    'skip=-1',
    'limt=3',
    'limit=1&limit=2',
  ])
    t.match(await call(`/lamps?${query}`, { as: ada }), { status: 422, json: { code: 'invalid' } }, query)
})

t.test(
  'fields cuts each item down to what was asked for, and what stands beside the items stays',
  async t => {
    const { call } = await serve(t, [listLamps()])
    const { json } = await call('/lamps?limit=2&fields=id,place.owner.name,nothing', { as: ada })
    t.same(json, {
      lamps: [
        { id: 'lamp-0', place: { owner: { name: 'ada' } } },
        { id: 'lamp-1', place: { owner: { name: 'ada' } } },
      ],
      total: 45,
      nextCursor: 'lamp-1',
    })
    const both = await call('/lamps?limit=1&fields=id&fields=name', { as: ada })
    t.same(both.json.lamps, [{ id: 'lamp-0', name: 'Lamp 0' }], 'two of them are one list')
    for (const fields of ['', ',', 'a,,b', 'a b', '__proto__.', 'a'.repeat(1001)]) {
      const answer = await call(`/lamps?fields=${encodeURIComponent(fields)}`, { as: ada })
      t.match(answer, {
        status: 422,
        json: { code: 'invalid', errors: [{ path: 'fields', pointer: '/fields' }] },
      })
    }
    t.same((await call('/lamps?limit=1&fields=__proto__,constructor', { as: ada })).json.lamps, [{}])
  },
)

t.test('an answer that was cut down is kept for nobody else, however its fields were written', async t => {
  const lamp = operation({
    ...described,
    id: 'getLamp',
    method: 'get',
    path: '/lamp',
    access: 'open',
    cache: { tags: ['users'], per: 'anyone' },
    answers: { 200: json(z.unknown(), '') },
    run: () => ({ lamp: { id: 'a', name: 'Lamp' } }),
  })
  const { call } = await serve(t, [lamp])
  for (const query of ['%66ields=id', 'x&field%73=id', 'fields=id', 'x=%26fields'])
    t.ok((await call(`/lamp?${query}`)).json.lamp.id)
  t.same((await call('/lamp')).json, { lamp: { id: 'a', name: 'Lamp' } })
  t.same((await call('/lamp?%66ields=id')).json, { lamp: { id: 'a' } })
})

t.test('an ETag names the bytes, and who has them already gets 304', async t => {
  const { call } = await serve(t, [listLamps()])
  const whole = await call('/lamps', { as: ada })
  const { etag = '' } = whole.headers
  t.match(etag, /^"[\w-]{27}"$/, 'strong and quoted')
  t.match(whole.headers, { 'cache-control': 'private, no-cache', vary: 'Accept-Encoding' })
  const none = { 'if-none-match': etag }
  const same = await call('/lamps', { as: ada, headers: none })
  t.match(same, { status: 304, text: '', headers: { etag, 'x-total-count': '45' } })
  t.equal(same.headers['content-type'], undefined)
  for (const header of ['*', `"x", ${etag}`, `W/${etag}`, `"a","b" ,${etag},"c"`])
    t.equal((await call('/lamps', { as: ada, headers: { 'if-none-match': header } })).status, 304, header)
  for (const header of ['"x"', etag.slice(1, -1), `"x${etag.slice(1)}`, ''])
    t.equal((await call('/lamps', { as: ada, headers: { 'if-none-match': header } })).status, 200, header)
  t.not((await call('/lamps?fields=id', { as: ada })).headers.etag, etag, 'other bytes, another name')
  t.not((await call('/lamps?limit=3', { as: ada })).headers.etag, etag)

  const packed = await call('/lamps', { as: ada, headers: { 'accept-encoding': 'br, gzip' } })
  t.equal(packed.headers['content-encoding'], 'gzip')
  t.equal(packed.headers.etag, `${etag.slice(0, -1)}-gzip"`, 'the packed form has a name of its own')
  t.equal(packed.text, whole.text)
  t.ok(packed.bytes.length < whole.bytes.length * 0.7, 'at least 30 % less')
  const again = { 'accept-encoding': 'gzip', 'if-none-match': packed.headers.etag ?? '' }
  t.equal((await call('/lamps', { as: ada, headers: again })).status, 304)
  const small = await call('/lamps?limit=1', { as: ada, headers: { 'accept-encoding': 'gzip' } })
  t.equal(small.headers['content-encoding'], undefined, 'what fits into a packet is sent as it is')

  const head = await call('/lamps', { as: ada, method: 'HEAD' })
  t.match(head, { status: 200, text: '', headers: { etag, 'content-length': String(whole.bytes.length) } })
  t.equal((await call('/lamps', { as: ada, method: 'HEAD', headers: none })).status, 304)
})

t.test('Accept-Encoding is read with its weights', t => {
  for (const header of [
    'gzip',
    'br, gzip',
    'GZIP',
    'gzip;q=0.5',
    '*',
    'identity;q=0.5, gzip;q=0.6',
    'x-gzip',
  ])
    t.ok(acceptsGzip(header), header)
  for (const header of [
    undefined,
    '',
    'br',
    'gzip;q=0',
    'identity, gzip;q=0.5',
    '*;q=0',
    'gzip;q=x',
    'agzip',
  ])
    t.notOk(acceptsGzip(header), String(header))
  t.end()
})

t.test('If-Match keeps a change away from what has changed meanwhile', t => {
  const body = { name: 'a' }
  demandMatch(undefined, body)
  demandMatch('*', body)
  const etag = (() => {
    try {
      demandMatch('"x"', body)
    } catch (thrown) {
      t.match(thrown, { code: 'precondition_failed' })
      return String((thrown as AppError).detail?.['etag'])
    }
    return ''
  })()
  demandMatch(`"x", ${etag}`, body)
  demandMatch(`${etag.slice(0, -1)}-gzip"`, body)
  t.throws(() => demandMatch(etag, { name: 'b' }), { code: 'precondition_failed' })
  t.throws(() => demandMatch(`W/${etag}`, body), { code: 'precondition_failed' }, 'it compares strongly')
  t.ok(matchesNone(etag, etag))
  t.end()
})

t.test('what is not for a path is 405 with Allow, and OPTIONS says what is', async t => {
  const post = operation({
    ...described,
    id: 'addLamp',
    method: 'post',
    path: '/lamps',
    access: 'operator',
    answers: { 201: empty('') },
    run: () => undefined,
  })
  const { call } = await serve(t, [listLamps(), post])
  const wrong = await call('/lamps', { method: 'DELETE', as: ada })
  t.match(wrong, { status: 405, json: { code: 'usage', status: 405 } })
  t.equal(wrong.headers.allow, 'GET, POST, HEAD, OPTIONS')
  t.equal((await call('/lamps', { method: 'DELETE' })).status, 401, 'strangers are told nothing')
  const options = await call('/lamps', { method: 'OPTIONS' })
  t.match(options, { status: 204, text: '', headers: { allow: 'GET, POST, HEAD, OPTIONS' } })
  t.equal((await call('/nowhere', { as: ada })).status, 404)
  t.equal((await call('/nowhere')).status, 401)
  t.equal((await call('/lamps', { method: 'PROPFIND', as: ada })).status, 405)
  t.equal((await call('/lamps/', { as: ada })).status, 200, 'a slash at the end does no harm')
  t.match(await call('/lamps', { method: 'POST', as: ada }), { status: 403, json: { code: 'forbidden' } })
})

t.test('a body is taken as its schema says, or refused with every place that does not fit', async t => {
  const add = operation({
    ...described,
    id: 'addLamp',
    method: 'post',
    path: '/lamps',
    access: 'operator',
    body: z.strictObject({ name: z.string(), leds: z.array(z.strictObject({ 'a/b': z.int() })).default([]) }),
    maxBodyBytes: 1000,
    answers: { 201: json(z.unknown(), '') },
    run: ({ body }) => body,
  })
  const play = operation({
    ...described,
    id: 'play',
    method: 'post',
    path: '/play',
    access: 'operator',
    body: z.strictObject({ level: z.int() }).optional(),
    answers: { 200: json(z.unknown(), '') },
    run: ({ body }) => ({ level: body?.level ?? null }),
  })
  const { call } = await serve(t, [add, play])
  const as = 'bob/operator'
  const post = (more: Asked) => call('/lamps', { method: 'POST', as, ...more })
  t.match(await post({ json: { name: 'x' } }), { status: 201, json: { name: 'x', leds: [] } })
  t.same((await post({ json: { leds: [{ 'a/b': 'x' }], more: 1 } })).json.errors, [
    { path: 'name', pointer: '/name', message: 'Invalid input: expected string, received undefined' },
    {
      path: 'leds.0.a/b',
      pointer: '/leds/0/a~1b',
      message: 'Invalid input: expected number, received string',
    },
    { path: '', pointer: '', message: 'Unrecognized key: "more"' },
  ])
  const type = { 'content-type': 'application/json' }
  t.match(await post({ body: '{', headers: type }), { status: 400, json: { code: 'usage' } })
  t.match(await post({ body: '{"__proto__":{}}', headers: type }), { status: 400 })
  t.match(await post({ body: Buffer.from([0xff, 0xfe]), headers: type }), { status: 400 })
  t.match(await post({ body: '[]', headers: type }), { status: 422 })
  t.match(await post({ body: '{}' }), { status: 415 })
  t.match(await post({}), { status: 415 })
  t.match(await post({ body: '{}', headers: { ...type, 'content-encoding': 'gzip' } }), { status: 415 })
  t.match(await post({ json: { name: 'x'.repeat(1000) } }), { status: 413, json: { code: 'file_too_large' } })
  t.match(
    await call('/play', { method: 'POST', as }),
    { status: 200, json: { level: null } },
    'it may be left out',
  )
  t.match(await call('/play', { method: 'POST', as, json: { level: 3 } }), { json: { level: 3 } })
})

t.test('who should come again is told when', async t => {
  const thrown = (code: 'overloaded' | 'rate_limited' | 'port_busy' | 'storage_failed', detail = {}) =>
    operation({
      ...described,
      id: code,
      method: 'get',
      path: `/${code}`,
      access: 'viewer',
      answers: { 200: empty('') },
      run() {
        throw new AppError(code, 'not now', { detail })
      },
    })
  const failing = operation({
    ...described,
    id: 'failing',
    method: 'get',
    path: '/failing',
    access: 'viewer',
    answers: { 503: json(z.unknown(), '') },
    run: () => new Reply({ status: 'failing' }, { status: 503, headers: { 'X-Why': 'disk' } }),
  })
  const all = [
    thrown('overloaded'),
    thrown('rate_limited', { retryAfterMs: 4200 }),
    thrown('port_busy'),
    failing,
  ]
  const { call } = await serve(t, all)
  const after = async (path: string) => (await call(path, { as: ada })).headers['retry-after']
  t.equal(await after('/overloaded'), '1')
  t.equal(await after('/rate_limited'), '5')
  t.equal(await after('/port_busy'), '5')
  t.match((await call('/failing', { as: ada })).headers, { 'retry-after': '5', 'x-why': 'disk' })
})

t.test('an answer that tells a secret is kept by nobody', async t => {
  const secret = operation({
    ...described,
    id: 'tell',
    method: 'get',
    path: '/tell',
    access: 'viewer',
    secret: true,
    cache: { tags: [], per: 'person' },
    answers: { 200: json(z.unknown(), '') },
    run: () => ({ code: 'x'.repeat(2000) }),
  })
  const { call, cache } = await serve(t, [secret])
  const { headers } = await call('/tell', { as: ada, headers: { 'accept-encoding': 'gzip' } })
  t.match(headers, { 'cache-control': 'no-store' })
  t.equal(headers.etag, undefined)
  t.equal(cache.stats().entries, 0)
})

t.test(
  'equal questions at one moment are answered by one work, and one after a change by a new one',
  async t => {
    let works = 0
    let value = 'old'
    const gates: (() => void)[] = []
    const slow = operation({
      ...described,
      id: 'slow',
      method: 'get',
      path: '/slow',
      access: 'viewer',
      cache: { tags: ['boards'], per: 'everybody' },
      answers: { 200: json(z.unknown(), '') },
      async run() {
        works += 1
        const now = value
        await new Promise<void>(resolve => gates.push(resolve))
        return { value: now, filler: 'x'.repeat(2000) }
      },
    })
    const { call, cache } = await serve(t, [slow])
    const until = async (count: number) => {
      while (gates.length < count) await new Promise(resolve => setImmediate(resolve))
    }
    const first = Array.from({ length: 50 }, () => call('/slow', { as: ada }))
    await until(1)
    // All fifty have to be there before the work ends.
    while (cache.stats().misses < 50) await new Promise(resolve => setImmediate(resolve))
    value = 'new'
    cache.invalidate('boards')
    const later = call('/slow', { as: ada })
    await until(2)
    for (const open of gates) open()
    t.same([...new Set((await Promise.all(first)).map(({ json }) => json.value))], ['old'])
    t.equal((await later).json.value, 'new', 'who asks after the change hears of it')
    t.equal(works, 2)
    t.equal(
      (await call('/slow', { as: 'bob/viewer' })).json.value,
      'new',
      'what was old when it came is not kept',
    )
    t.equal(works, 2, 'and the new answer is')
    t.match(cache.stats(), { entries: 1, hits: 1 })
    const packed = { 'accept-encoding': 'gzip' }
    t.equal((await call('/slow', { as: ada, headers: packed })).headers['content-encoding'], 'gzip')
  },
)

t.test('a fault is not kept, and the next question is answered anew', async t => {
  let works = 0
  const shaky = operation({
    ...described,
    id: 'shaky',
    method: 'get',
    path: '/shaky',
    access: 'viewer',
    cache: { tags: ['boards'], per: 'everybody' },
    answers: { 200: json(z.unknown(), '') },
    async run() {
      works += 1
      if (works === 1) throw new AppError('overloaded', 'not now')
      if (works === 2) return new Reply({}, { status: 503 })
      return { works }
    },
  })
  const { call } = await serve(t, [shaky])
  t.equal((await call('/shaky', { as: ada })).status, 503)
  t.equal((await call('/shaky', { as: ada })).status, 503)
  t.match(await call('/shaky', { as: ada }), { status: 200, json: { works: 3 } })
})

t.test('a change over the API is never followed by an answer from before it', async t => {
  let name = 'old'
  const read = operation({
    ...described,
    tag: 'boards',
    id: 'get',
    method: 'get',
    path: '/boards/:id',
    access: 'viewer',
    cache: { tags: ['boards'], per: 'everybody' },
    answers: { 200: json(z.unknown(), '') },
    run: ({ params }) => ({ name, id: params.id }),
  })
  const change = operation({
    ...described,
    tag: 'boards',
    id: 'change',
    method: 'patch',
    path: '/boards/:id',
    access: 'operator',
    body: z.strictObject({ name: z.string() }),
    answers: { 200: json(z.unknown(), '') },
    run({ body, changed }) {
      changed({ resource: 'boards/1', before: { name }, after: body })
      name = body.name
      return {}
    },
  })
  const entries: AuditEntry[] = []
  const { call, clock, cache } = await serve(t, [read, change], {
    audit: async entry => void entries.push(entry),
  })
  t.match((await call('/boards/1', { as: ada })).json, { name: 'old', id: '1' })
  t.match((await call('/boards/2', { as: ada })).json, { id: '2' }, 'each path has its own')
  t.equal(
    (await call('/boards/1', { method: 'PATCH', as: 'bob/operator', json: { name: 'new' } })).status,
    200,
  )
  t.equal((await call('/boards/1', { as: ada })).json.name, 'new')
  t.equal((await call('/boards/1', { method: 'PATCH', as: ada, json: { name: 'x' } })).status, 403)
  t.match(entries, [
    {
      action: 'change',
      resource: 'boards/1',
      outcome: 'ok',
      before: { name: 'old' },
      after: { name: 'new' },
    },
    { action: 'change', resource: 'boards/1', outcome: 'forbidden', principal: { name: 'ada' } },
  ])
  t.equal(entries.length, 2)
  t.ok(cache.stats().invalidations >= 2)
  clock.advance(1)
})

t.test('nobody ever gets an answer that was made for somebody else', async t => {
  const roles = ['viewer', 'operator', 'admin'] as const
  const principals = fc.option(
    fc.record({
      kind: fc.constantFrom('local', 'user', 'token', 'guest'),
      id: fc.constantFrom('a', 'b', 'a b', '["a"', 'a\n'),
      name: fc.constant('x'),
      role: fc.constantFrom(...roles),
      signInId: fc.constantFrom(undefined, 's', 't'),
      scopes: fc.option(fc.subarray(['boards:read', 'jobs:read', '*']), { nil: undefined }),
    }),
    { nil: undefined },
  ) as fc.Arbitrary<(Principal & { scopes?: string[] }) | undefined>
  const person = (who: (Principal & { scopes?: string[] }) | undefined) =>
    who === undefined ? 'nobody' : [who.kind, who.role, who.id, who.signInId ?? '', who.scopes ?? null]
  const group = (who: (Principal & { scopes?: string[] }) | undefined) =>
    who === undefined ? 'nobody' : [who.kind, who.role, who.scopes ?? null]
  fc.assert(
    fc.property(principals, principals, (one, other) => {
      const same = (of: (who: typeof one) => unknown) => JSON.stringify(of(one)) === JSON.stringify(of(other))
      t.equal(whose('person', one) === whose('person', other), same(person))
      t.equal(whose('everybody', one) === whose('everybody', other), same(group))
    }),
    { numRuns: 2000, seed: 41 },
  )

  const mine = operation({
    ...described,
    id: 'mine',
    method: 'get',
    path: '/mine',
    access: 'open',
    cache: { tags: ['users'], per: 'person' },
    query: z.object({ q: z.string().optional() }),
    answers: { 200: json(z.unknown(), '') },
    run: ({ principal, query }) => ({
      who: principal?.id ?? null,
      role: principal?.role ?? null,
      q: query.q ?? null,
    }),
  })
  const { call, cache } = await serve(t, [mine])
  const asks = fc.record({
    id: fc.constantFrom('a', 'b', 'c'),
    role: fc.constantFrom(...roles, undefined),
    q: fc.constantFrom(undefined, 'x', 'y'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(asks, { minLength: 1, maxLength: 30 }), async list => {
      const answers = list.map(async ({ id, role, q }) => {
        const { json } = await call(`/mine${q === undefined ? '' : `?q=${q}`}`, {
          ...(role !== undefined && { as: `${id}/${role}` }),
        })
        t.same(json, { who: role === undefined ? null : id, role: role ?? null, q: q ?? null })
      })
      await Promise.all(answers)
    }),
    { numRuns: 20, seed: 42 },
  )
  t.ok(cache.stats().hits > 50, `hits: ${cache.stats().hits}`)
})

t.test(
  'the cache holds what was asked for last, never more than its limit, and nothing that is old',
  async t => {
    const tags = ['boards', 'jobs', 'users'] as const
    const steps = fc.oneof(
      fc.record({
        does: fc.constant('put' as const),
        key: fc.nat(12),
        sizeBytes: fc.nat(3000),
        tag: fc.nat(2),
      }),
      fc.record({ does: fc.constant('get' as const), key: fc.nat(12) }),
      fc.record({ does: fc.constant('drop' as const), tag: fc.nat(2) }),
      fc.record({ does: fc.constant('late' as const), key: fc.nat(12), tag: fc.nat(2) }),
      fc.record({ does: fc.constant('wait' as const), ms: fc.nat(80) }),
    )
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 120 }), list => {
        const limitBytes = 16_000
        const cache = new ResponseCache(limitBytes)
        const model = new Map<string, { tag: CacheTag; untilMs: number; at: number }>()
        let nowMs = 0
        for (const [at, step] of list.entries()) {
          const key = 'key' in step ? String(step.key) : ''
          const tag = tags['tag' in step ? step.tag : 0] ?? 'boards'
          if (step.does === 'put' || step.does === 'late') {
            const generation = cache.generationOf([tag])
            if (step.does === 'late') {
              cache.invalidate(tag)
              for (const [key, known] of model) if (known.tag === tag) model.delete(key)
            }
            const body = Buffer.alloc('sizeBytes' in step ? step.sizeBytes : 10, at % 256)
            const answer = { status: 200, body, etag: String(at), headers: {}, gzip: undefined }
            const untilMs = nowMs + 100
            if (cache.put(key, answer, { tags: [tag], generation, untilMs }))
              model.set(key, { tag, untilMs, at })
            else t.ok(step.does === 'late' || body.length + 512 > limitBytes / 8)
          } else if (step.does === 'get') {
            const known = model.get(key)
            const found = cache.get(key, nowMs)
            const holds = known !== undefined && nowMs < known.untilMs
            if (found !== undefined) t.ok(holds && found.etag === String(known.at), 'never an old one')
            // It may have had to make way for others.
            else if (holds) t.ok(cache.stats().evictions > 0)
          } else if (step.does === 'drop') {
            cache.invalidate(tag)
            for (const [key, known] of model) if (known.tag === tag) model.delete(key)
          } else nowMs += step.ms
          t.ok(cache.stats().sizeBytes <= limitBytes)
        }
        cache.clear()
        t.match(cache.stats(), { entries: 0, sizeBytes: 0 })
      }),
      { numRuns: 200, seed: 43 },
    )
  },
)

t.test('an Idempotency-Key is a text in quotes or without', t => {
  t.equal(idempotencyKey(undefined), undefined)
  t.equal(idempotencyKey('"8e03978e-40d5-43e8-bc93-6894a57f9324"'), '8e03978e-40d5-43e8-bc93-6894a57f9324')
  t.equal(idempotencyKey('8e03978e-40d5-43e8-bc93-6894a57f9324'), '8e03978e-40d5-43e8-bc93-6894a57f9324')
  t.equal(idempotencyKey('"a b"'), 'a b')
  for (const header of ['', '""', '"', 'a b', '"a", "b"', 'ü', `"${'x'.repeat(201)}"`, '"\u0000"'])
    t.throws(() => idempotencyKey(header), { code: 'usage' }, header)
  t.end()
})

t.test('a stream answers by itself, behind the same doors', async t => {
  const stream = operation({
    ...described,
    id: 'stream',
    method: 'get',
    path: '/stream/:id',
    access: 'operator',
    answers: { 200: bytes('text/plain', '') },
    stream(ctx, { params, principal }) {
      ctx.body = `${params.id} for ${principal.name}`
      ctx.type = 'text/plain'
    },
  })
  const { call } = await serve(t, [stream])
  t.match(await call('/stream/7', { as: 'bob/operator' }), { status: 200, text: '7 for bob' })
  t.equal((await call('/stream/7', { as: ada })).status, 403)
  t.equal((await call('/stream/7')).status, 401)
  t.match(await call('/stream/%E0%A4%A', { as: 'bob/operator' }), { status: 404 })
})

t.test('the short way of an answer in memory says what the long way says', async t => {
  const { call, cache } = await serve(t, [listLamps({ cache: { tags: ['boards'], per: 'everybody' } })])
  const volatile = ['x-request-id', 'date', 'connection', 'keep-alive', 'transfer-encoding']
  const plain = ({ status, headers, bytes }: Awaited<ReturnType<typeof call>>) => ({
    status,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !volatile.includes(name))),
    bytes,
  })
  for (const headers of [{}, { 'accept-encoding': 'gzip' }, { 'accept-encoding': 'gzip;q=0' }] as Record<
    string,
    string
  >[]) {
    cache.clear()
    const long = await call('/lamps?limit=30', { as: ada, headers })
    const { hits } = cache.stats()
    const short = await call('/lamps?limit=30', { as: ada, headers: { ...headers, 'x-request-id': 'mine' } })
    t.equal(cache.stats().hits, hits + 1)
    t.same(plain(short), plain(long))
    t.equal(short.headers['x-request-id'], 'mine')
    t.match(short.headers['date'], /GMT$/)
    const none = { ...headers, 'if-none-match': String(short.headers['etag']) }
    const known = await call('/lamps?limit=30', { as: ada, headers: none })
    cache.clear()
    t.same(plain(known), plain(await call('/lamps?limit=30', { as: ada, headers: none })), '304 as well')
  }
  await call('/lamps', { as: ada })
  for (const asked of [{ as: 'eve/nobody' }, {}]) t.equal((await call('/lamps', asked)).status === 200, false)
  t.equal((await call('/lamps', { as: 'bob/admin' })).status, 200)
  t.match(await call('/lamps', { as: ada, headers: { 'x-request-id': 'a b' } }), { status: 200 })
})
