import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { fixtures } from './walk/fixtures.ts'
import { type Answer, password, type World, world } from './walk/world.ts'

// biome-ignore lint/suspicious/noExplicitAny: the document is looked at by the test
type Json = any

/** `--runs N --seed S` after the file's name: longer, at night. */
const option = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(name)
  return at < 0 ? otherwise : Number(process.argv[at + 1])
}
const seed = option('--seed', 1729)
const runs = option('--runs', 6)
const timeout = 240_000 + runs * 30_000
t.setTimeout(timeout)

interface Described {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly role: 'open' | 'viewer' | 'operator' | 'admin'
  readonly operation: Json
}

const describedIn = (document: Json): readonly Described[] =>
  Object.entries<Json>(document.paths).flatMap(([path, at]) =>
    Object.entries<Json>(at).map(([method, operation]) => ({
      id: operation.operationId,
      method: method.toUpperCase(),
      path,
      role: operation['x-role'],
      operation,
    })),
  )

const filled = (path: string, value = 'nothing'): string =>
  path.replace(/\{\w+\}/g, () => encodeURIComponent(value))

/** A fault is a problem, and says nothing of the inside of the program. */
function isProblem(t: Test, { status, text, headers, json }: Answer, name: string): void {
  if (status < 400) return
  if (status >= 500 && json?.code === 'internal')
    return void t.fail(`${name}: ${status} ${text.slice(0, 300)}`)
  if (!/\/problem\+json/.test(String(headers['content-type'])) && text !== '' && !/health/.test(name))
    t.fail(`${name}: ${status} is a problem: ${text.slice(0, 200)}`)
  if (/\bat \S+ \(|node_modules|node:internal|\.ts:\d+/.test(text))
    t.fail(`${name} shows its inside: ${text}`)
}

/** They have neither a body nor a query, and would end the sessions that the calls after them need. */
const ending = new Set(['signOut', 'endOtherSessions', 'endSession'])

t.test('Host, Origin, token and role, in this order, at every operation', async t => {
  const made = await world(t)
  const { json: document } = await made.call('GET', '/openapi.json')
  const ranks = { open: -1, viewer: 0, operator: 1, admin: 2 }
  const { port } = new URL(made.url)
  const hosts = ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example', 'a b', '[::ffff:1.2.3.4]']
  const origins = [
    'http://evil.example',
    'null',
    'https://127.0.0.1',
    'http://127.0.0.1:1',
    `http://localhost:${port}`,
  ]
  const tokens = { ...made.tokens }
  let asked = 0
  for (const { id, method, path, role } of describedIn(document)) {
    const at = `/api/v1${filled(path)}`
    const status = async (headers: Record<string, string>, token?: string) => {
      asked += 1
      const answer = await made.send(method, at, { headers, token, leaveMs: 2000 })
      isProblem(t, answer, id)
      return answer.status
    }
    for (const host of hosts)
      for (const headers of [{ host }, { host, origin: `http://${host}` }])
        t.equal(await status(headers, tokens['admin']), 421, `${id} for ${host}`)
    for (const origin of origins)
      t.equal(await status({ origin }, tokens['admin']), 403, `${id} from ${origin}`)
    t.equal(await status({ 'sec-fetch-site': 'cross-site' }, tokens['admin']), 403, `${id} of another site`)
    if (role === 'open') continue
    t.equal(await status({}), 401, `${id} for a stranger`)
    t.equal(await status({}, 'A'.repeat(43)), 401, `${id} with a made up token`)
    t.equal(
      await status({ cookie: `pixelgate_session=${'A'.repeat(43)}` }),
      401,
      `${id} with a made up cookie`,
    )
    t.equal(await status({ authorization: 'Basic YWRhOmFkYQ==' }), 401, `${id} with name and password`)
    for (const who of ['viewer', 'operator'] as const) {
      if (ranks[role] > ranks[who]) {
        t.equal(await status({}, tokens[who]), 403, `${id} for a ${who}`)
        t.equal(
          await status({ cookie: `pixelgate_session=${tokens[who]}` }),
          403,
          `${id} for the cookie of a ${who}`,
        )
      }
    }
  }
  t.comment(`${asked} requests`)
})

/** Values near what a schema takes, and far from it. */
function near(schema: Json, document: Json, depth = 0): fc.Arbitrary<Json> {
  const known =
    schema.$ref === undefined ? schema : document.components.schemas[schema.$ref.split('/').at(-1)]
  const any = fc.oneof(
    fc.constantFrom<Json>(
      null,
      '',
      0,
      -1,
      1e308,
      true,
      [],
      {},
      'x'.repeat(5000),
      '\u0000',
      '../..',
      '__proto__',
      '💡',
    ),
    fc.jsonValue({ maxDepth: 2 }),
  )
  const ways = known.anyOf ?? known.oneOf ?? known.allOf
  if (depth > 4) return any
  const right = (): fc.Arbitrary<Json> => {
    if (known.const !== undefined) return fc.constant(known.const)
    if (known.enum !== undefined) return fc.constantFrom(...known.enum)
    if (ways !== undefined) return fc.oneof(...ways.map((each: Json) => near(each, document, depth + 1)))
    const type = Array.isArray(known.type) ? known.type[0] : known.type
    if (type === 'string')
      return fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 40 }))
    if (type === 'integer') return fc.oneof(fc.integer(), fc.integer({ min: 0, max: 10 }))
    if (type === 'number') return fc.double()
    if (type === 'boolean') return fc.boolean()
    if (type === 'array') return fc.array(near(known.items ?? {}, document, depth + 1), { maxLength: 5 })
    if (type !== 'object') return any
    const properties = Object.entries<Json>(known.properties ?? {}).map(([name, each]) => [
      name,
      near(each, document, depth + 1),
    ])
    return fc
      .tuple(
        fc.record(Object.fromEntries(properties), { requiredKeys: (known.required ?? []).slice(0, 20) }),
        fc.option(
          fc.dictionary(fc.constantFrom('more', 'constructor', 'toString', 'a.b'), any, { maxKeys: 1 }),
        ),
      )
      .map(([one, more]) => ({ ...one, ...more }))
  }
  return fc.oneof({ weight: 9, arbitrary: right() }, { weight: 1, arbitrary: any })
}

/** Their answers last until they are left. */
const lasting = new Set(['watchEvents', 'lendPort'])

/** A profile that would be made is a short one. */
const brief = (body: Json): Json =>
  body?.seconds === undefined || (body.seconds > 0.1 && body.seconds <= 60)
    ? Object.assign(Object(body), { seconds: 0.1 })
    : body

t.test(
  'whatever a body or a query holds, it is taken or refused, never a fault of the program',
  { timeout },
  async t => {
    const made = await world(t)
    const { json: document } = await made.call('GET', '/openapi.json')
    t.comment(`seed ${seed}, ${runs} runs an operation`)
    const known = new Map(fixtures(made).map(each => [each.id, each]))
    let refused = 0
    for (const { id, method, path, operation } of describedIn(document)) {
      if (ending.has(id)) continue
      const schema = operation.requestBody?.content?.['application/json']?.schema
      const queries = (operation.parameters ?? []).filter((each: Json) => each.in === 'query')
      const query = fc.record(
        Object.fromEntries(queries.map((each: Json) => [each.name, near(each.schema, document)])),
        { requiredKeys: [] },
      )
      const body = schema === undefined ? fc.constant(undefined) : near(schema, document)
      const segment = fc.oneof(
        fc.constantFrom(
          '..',
          '.',
          '%2e%2e',
          '%00',
          '%2f',
          '%',
          '%E0%A4%A',
          '__proto__',
          'constructor',
          ' ',
          '💡',
          'a'.repeat(400),
        ),
        fc.string({ minLength: 1, maxLength: 30 }),
      )
      const params = fc.array(fc.option(segment, { nil: undefined }), { minLength: 3, maxLength: 3 })
      await fc.assert(
        fc.asyncProperty(query, body, params, async (asksFor, sent, strange) => {
          const fixture = known.get(id)
          let at = 0
          const target = path.replace(/\{(\w+)\}/g, (_, name: string) => {
            const odd = strange[at++]
            if (odd === undefined) return encodeURIComponent(fixture?.params?.[name] ?? 'nothing')
            return /^%/.test(odd) ? odd : encodeURIComponent(odd)
          })
          const words = Object.entries<Json>(asksFor).map(([name, value]) => [
            name,
            typeof value === 'string' ? value : (JSON.stringify(value) ?? ''),
          ])
          const answer = await made.call(method, target, {
            query: Object.fromEntries(words),
            token: made.tokens['admin'],
            leaveMs: lasting.has(id) ? 50 : 5000,
            ...(schema !== undefined && { json: id === 'makeCpuProfile' ? brief(sent) : sent }),
          })
          if (answer.status === 422) refused += 1
          const name = `${method} ${target} ${JSON.stringify(asksFor)} ${JSON.stringify(sent)?.slice(0, 500)}`
          isProblem(t, answer, name)
        }),
        { numRuns: runs, seed },
      )
      if (schema === undefined) continue
      const real = known.get(id)?.params ?? {}
      const target = path.replace(/\{(\w+)\}/g, (_, name: string) =>
        encodeURIComponent(real[name] ?? 'nothing'),
      )
      const array = await made.call(method, target, { token: made.tokens['admin'], json: [] })
      t.equal(array.status, 422, `${id} comes as far as its schema`)
    }
    t.ok(refused > 50, `${refused} were refused as 422, so it came as far as the schemas`)
    t.equal((await made.call('GET', '/health/live')).status, 200)
  },
)

t.test('a body of another kind, too large, packed, cut or poisoned is refused as what it is', async t => {
  const made = await world(t)
  const { json: document } = await made.call('GET', '/openapi.json')
  const token = made.tokens['admin']
  const json = { 'content-type': 'application/json' }
  for (const { id, method, path, operation } of describedIn(document)) {
    const body = operation.requestBody
    if (body?.content?.['application/json'] === undefined) continue
    const send = async (bytes: string | Uint8Array, headers: Record<string, string> = json) => {
      const answer = await made.call(method, filled(path), { token, bytes, headers })
      isProblem(t, answer, id)
      return answer.status
    }
    t.equal(await send('{}', { 'content-type': 'text/plain' }), 415, `${id} as text`)
    t.equal(
      await send('a=b', { 'content-type': 'application/x-www-form-urlencoded' }),
      415,
      `${id} as a form`,
    )
    t.equal(await send('{'), 400, `${id} cut`)
    t.equal(await send(Buffer.from([0xff])), 400, `${id} in no UTF-8`)
    t.equal(await send('{"__proto__":{"isAdmin":true}}'), 400, `${id} poisoned`)
    t.equal(await send('{"a":[{"__proto__":1}]}'), 400, `${id} poisoned deep inside`)
    const packed = gzipSync('{}'.repeat(100))
    const gzip = { ...json, 'content-encoding': 'gzip' }
    t.equal(await send(packed, gzip), 415, `${id} packed`)
    t.equal(await send(packed.subarray(0, 10), gzip), 415, `${id} packed and cut`)
  }
  const large = await made.call('POST', '/users', { token, bytes: ' '.repeat(300_000), headers: json })
  t.match(large, { status: 413, json: { code: 'file_too_large' } })
  t.equal(({} as Json).isAdmin, undefined)
})

t.test('a path with tricks in it is a path that is not there', async t => {
  const made = await world(t)
  const token = made.tokens['admin']
  const tricks = [
    '/api/v1/../../etc/passwd',
    '/api/v1/patterns/../users',
    '/api/v1/%2e%2e/users',
    '/api/v1/boards/%2e%2e%2fusers',
    '/api/v1/boards/%00',
    '/api/v1/boards/%',
    '/api/v1//boards',
    '//api/v1/boards',
    '/api/v1/boards%2fwindow',
    '/api/v1\\users',
    '/docs/../package.json',
    '/docs/%2e%2e/package.json',
    '/docs/swagger-ui.css/..%2f..%2fpackage.json',
    '/assets/../index.html',
    '/api/v1/constructor',
    `/api/v1/${'a/'.repeat(4000)}`,
    '/api/v1/users;x=1',
    '/API/V1/USERS',
  ]
  for (const path of tricks) {
    const answer = await made.send('GET', path, { token })
    t.ok([400, 404, 414].includes(answer.status), `${path}: ${answer.status}`)
    t.notMatch(answer.text, /root:|"passwordHash"|devDependencies/, path)
    isProblem(t, answer, path)
    const stranger = await made.send('GET', path)
    t.ok([400, 401, 404, 414].includes(stranger.status), `${path} for a stranger: ${stranger.status}`)
  }
})

t.test('a request that is no HTTP is answered with a problem, or not at all', async t => {
  const made = await world(t)
  const { hostname, port } = new URL(made.url)
  const odd = [
    'GARBAGE\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    `GET /api/v1/boards HTTP/1.1\r\nHost: ${hostname}\r\nHost: evil.example\r\n\r\n`,
    'GET /api/v1/boards HTTP/1.1\r\n\r\n',
    `POST /api/v1/users HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `GET /api/v1/boards HTTP/1.1\r\nHost: ${hostname}\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`,
    `GET http://evil.example/api/v1/boards HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`,
  ]
  for (const text of odd) {
    const socket = connect(Number(port), hostname)
    let said = ''
    socket.on('data', chunk => {
      said += chunk
    })
    socket.on('error', () => undefined)
    socket.write(text)
    await Promise.race([once(socket, 'close'), new Promise(resolve => setTimeout(resolve, 1000))])
    socket.destroy()
    if (said !== '') t.match(said, /^HTTP\/1\.1 4\d\d /, JSON.stringify(text.slice(0, 60)))
    t.notMatch(said, /node_modules|\.ts:\d/)
  }
  t.equal((await made.call('GET', '/health/live')).status, 200)
})

t.test('nobody gets at what belongs to somebody else', async t => {
  const made = await world(t)
  const people = await twoPeople(made)
  const { mine, theirs, own } = people
  for (const [name, method, path] of own) {
    const asked = await made.call(method, path, { token: theirs, headers: { 'tus-resumable': '1.0.0' } })
    t.equal(asked.status, 404, `${name}: ${method} for another person`)
    isProblem(t, asked, name)
  }
  for (const list of ['/sessions', '/tokens', '/files', '/rooms']) {
    const [a, b] = await Promise.all([mine, theirs].map(token => made.call('GET', list, { token })))
    if (a?.status === 404) continue
    const idsOf = (answer: Answer | undefined): string[] =>
      Object.values<Json>(answer?.json ?? {})
        .flatMap(value => (Array.isArray(value) ? value : []))
        .filter(each => each.kind !== 'common')
        .map(each => each.id)
    t.ok(idsOf(a).length > 0, `${list} has something of its owner`)
    t.same(
      idsOf(b).filter(id => idsOf(a).includes(id)),
      [],
      `${list} shows nothing of another person`,
    )
  }
  for (const [name, method, path] of own.filter(each => each[1] === 'GET')) {
    const asked = await made.call(method, path, { token: mine })
    t.equal(asked.status, 200, `${name} for its owner`)
  }
})

/** Two operators, and paths of what the first of them owns. */
async function twoPeople(made: World) {
  const admin = made.tokens['admin']
  const signIn = async (name: string) => {
    await made.call('POST', '/users', { token: admin, json: { name, password, role: 'operator' } })
    return (await made.call('POST', '/auth/sign-in', { json: { name, password } })).json
  }
  const first = await signIn('mia')
  const second = await signIn('tom')
  const mine: string = first.token
  const own: [name: string, method: string, path: string][] = []
  const room = await made.call('POST', '/rooms', { token: mine, json: { name: 'Private' } })
  const roomPath = `/rooms/${room.json.room.id}`
  own.push(
    ['room', 'GET', roomPath],
    ['messages', 'GET', `${roomPath}/messages`],
    ['room', 'DELETE', roomPath],
  )
  own.push(['session', 'DELETE', `/sessions/${first.sessionId}`])
  const token = await made.call('POST', '/tokens', {
    token: mine,
    json: { name: 'x', scopes: ['boards:read'] },
  })
  if (token.status === 201) own.push(['token', 'DELETE', `/tokens/${token.json.token.id}`])
  const file = await made.call('POST', '/files', {
    token: mine,
    headers: { 'tus-resumable': '1.0.0', 'upload-length': '9', 'upload-metadata': 'filename YS5iaW4=' },
  })
  const filePath = `/files/${String(file.headers['location']).split('/').at(-1)}`
  own.push(['file', 'GET', filePath], ['file', 'HEAD', filePath], ['file', 'DELETE', filePath])
  return { mine, theirs: second.token as string, own }
}
