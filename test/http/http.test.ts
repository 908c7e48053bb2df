import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, linkSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request, type Server } from 'node:http'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { empty, json as jsonAnswer, operation } from '../../src/http/api/operation.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { httpServer } from '../../src/http/http-server.ts'
import { listenOnSocket } from '../../src/http/listen-on-socket.ts'
import type { Problem } from '../../src/http/problem.ts'
import { readBody } from '../../src/http/read-body.ts'
import { AppError } from '../../src/kernel/errors.ts'
import type { Log } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { apiOf } from '../support/api-of.ts'

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

interface Call {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string | Uint8Array
}

const maxBytes = 1000

const described = { tag: 'test', summary: 'Of a test', access: 'open' } as const
const answers = { 200: jsonAnswer(z.unknown(), '') }

const health = operation({
  ...described,
  id: 'isAlive',
  method: 'get',
  path: '/health/live',
  answers,
  run: () => ({ status: 'live' }),
})

/** A folder with a short name: a socket's path has 107 bytes at most. */
function folderOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'pixelgate-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

const testOperations = [
  operation({
    ...described,
    id: 'takeBytes',
    method: 'post',
    path: '/bytes',
    answers,
    async stream(ctx) {
      const { bytes, sha256 } = await readBody(ctx, maxBytes)
      ctx.body = { sizeBytes: bytes.byteLength, sha256 }
    },
  }),
  operation({
    ...described,
    id: 'takeJson',
    method: 'post',
    path: '/json',
    body: z.strictObject({ name: z.string(), count: z.int().default(1) }),
    maxBodyBytes: maxBytes,
    answers,
    run: ({ body }) => body,
  }),
  operation({
    ...described,
    id: 'throw',
    method: 'get',
    path: '/throw/:what',
    answers,
    run({ params: { what } }) {
      if (what === 'bug') throw new TypeError('secret words of a bug')
      if (what === 'text') throw 'secret words of a bug' as never
      if (what === 'overloaded') throw new AppError('overloaded', 'try again')
      if (what === 'storage')
        throw new AppError('storage_failed', 'the disk is full', { detail: { path: '/secret' } })
      throw new AppError('file_ambiguous', 'which one?', {
        detail: { candidates: [1, 2], status: 200, code: 'x' },
      })
    },
  }),
  operation({
    ...described,
    id: 'removeNothing',
    method: 'delete',
    path: '/nothing',
    answers: { 204: empty('') },
    run: () => undefined,
  }),
]

interface Line {
  readonly level: keyof Log
  readonly fields: Record<string, unknown>
  readonly message: string
}

async function start(
  t: Test,
): Promise<{ path: string; lines: Line[]; call: (path: string, call?: Call) => Promise<Answer> }> {
  const lines: Line[] = []
  const at = (level: keyof Log) => (fields: object, message: string) =>
    void lines.push({ level, fields: { ...fields }, message })
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  const server = httpServer(
    createHttp({ log, clock: new VirtualClock(), api: apiOf([health, ...testOperations]) }),
  )
  const path = join(folderOf(t), 'run', 'control.sock')
  await listenOnSocket(server, path)
  t.teardown(() => close(server))
  return { path, lines, call: (url, call) => send(path, url, call) }
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

async function send(
  socketPath: string,
  path: string,
  { method = 'GET', headers = {}, body }: Call = {},
): Promise<Answer> {
  const outgoing = request({ socketPath, path: `/api/v1${path}`, method, headers })
  outgoing.end(body)
  const [incoming] = await once(outgoing, 'response')
  let text = ''
  for await (const chunk of incoming) text += chunk
  return { status: incoming.statusCode, headers: incoming.headers, text }
}

const problemOf = (answer: Answer): Problem => JSON.parse(answer.text)
const json = { 'content-type': 'application/json' }

t.test('the gateway says that it lives, and its answers are asked for again', async t => {
  const { call } = await start(t)
  const answer = await call('/health/live')
  t.match(answer, { status: 200, text: '{"status":"live"}' })
  t.match(answer.headers, { 'cache-control': 'private, no-cache', 'x-content-type-options': 'nosniff' })
  t.equal((await call('/health/live', { method: 'HEAD' })).status, 200)
  t.match(await call('/nothing', { method: 'DELETE' }), { status: 204, text: '' })
})

t.test('what is not there and what is not possible are problems as RFC 9457 has them', async t => {
  const { call } = await start(t)
  const missing = await call('/nowhere')
  t.equal(missing.headers['content-type'], 'application/problem+json')
  t.same(problemOf(missing), {
    type: 'about:blank',
    title: 'Not Found',
    status: 404,
    detail: 'There is nothing at /api/v1/nowhere.',
    code: 'not_found',
    requestId: missing.headers['x-request-id'],
  })
  const wrong = await call('/health/live', { method: 'DELETE' })
  t.match(problemOf(wrong), { status: 405, code: 'usage', title: 'Method Not Allowed' })
  t.match(wrong, { status: 405, headers: { allow: /GET/ } })
  t.match(problemOf(await call('/health/live', { method: 'PROPFIND' })), { status: 405, code: 'usage' })
})

t.test(
  'a fault that the caller can act on says all it knows, and one of ours nothing of its inside',
  async t => {
    const { call, lines } = await start(t)
    const ambiguous = await call('/throw/ambiguous')
    t.equal(ambiguous.status, 422)
    t.match(problemOf(ambiguous), {
      code: 'file_ambiguous',
      detail: 'which one?',
      candidates: [1, 2],
      status: 422,
    })
    t.equal(lines.filter(line => line.level === 'warn' || line.level === 'error').length, 0)

    const overloaded = await call('/throw/overloaded')
    t.match(overloaded, { status: 503, headers: { 'retry-after': '1' } })
    const storage = await call('/throw/storage')
    t.match(problemOf(storage), { status: 503, code: 'storage_failed', detail: 'the disk is full' })
    t.equal(storage.headers['retry-after'], '5')
    t.notMatch(storage.text, /secret/)
    t.match(
      lines.findLast(line => line.level === 'warn'),
      { fields: { code: 'storage_failed', reason: 'the disk is full' } },
    )

    for (const what of ['bug', 'text']) {
      const answer = await call(`/throw/${what}`)
      t.match(problemOf(answer), { status: 500, code: 'internal' })
      t.notMatch(answer.text, /secret|TypeError|\.ts/, 'neither its words nor its stack')
      const line = lines.findLast(each => each.level === 'error')
      t.match(line, {
        fields: { requestId: answer.headers['x-request-id'], err: { message: 'secret words of a bug' } },
      })
    }
  },
)

t.test('a request has an id: the one of the caller when it is harmless, else one of ours', async t => {
  const { call, lines } = await start(t)
  const id = async (asked: string): Promise<unknown> =>
    (await call('/health/live', { headers: { 'x-request-id': asked } })).headers['x-request-id']
  t.equal(await id('panel-7.a_B'), 'panel-7.a_B')
  t.match(lines.at(-1), {
    level: 'debug',
    fields: { requestId: 'panel-7.a_B', method: 'GET', status: 200, durationMs: 0 },
  })
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/
  for (const asked of ['', 'two words', 'x'.repeat(65), '"><script>']) t.match(await id(asked), uuid)
})

t.test('a body is read up to its cap with its SHA-256, in one piece or in many', async t => {
  const { call } = await start(t)
  const bytes = Buffer.alloc(maxBytes, 'flame')
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const post = (body: Uint8Array, headers: Record<string, string> = {}) =>
    call('/bytes', { method: 'POST', body, headers })
  t.same(JSON.parse((await post(bytes)).text), { sizeBytes: maxBytes, sha256 })
  t.same(JSON.parse((await post(bytes, { 'transfer-encoding': 'chunked' })).text), {
    sizeBytes: maxBytes,
    sha256,
  })
  t.same(JSON.parse((await post(bytes, { 'content-encoding': 'identity' })).text), {
    sizeBytes: maxBytes,
    sha256,
  })
  t.match(JSON.parse((await post(new Uint8Array(0))).text), { sizeBytes: 0 })
  const gzip = problemOf(await post(bytes, { 'content-encoding': 'gzip' }))
  t.match(gzip, { status: 415, detail: /gzip/ })
})

t.test('a body above the cap is refused with an answer that a caller who still writes can read', async t => {
  const { call } = await start(t)
  for (const headers of [{}, { 'transfer-encoding': 'chunked' }] as Record<string, string>[]) {
    const answer = await call('/bytes', { method: 'POST', body: new Uint8Array(8 * 1024 * 1024), headers })
    t.equal(answer.status, 413)
    t.match(problemOf(answer), { code: 'file_too_large', maxBytes, sizeBytes: 8 * 1024 * 1024 })
  }
  t.equal((await call('/bytes', { method: 'POST', body: new Uint8Array(maxBytes + 1) })).status, 413)
})

t.test('a caller that goes away in the middle of its body harms nobody', async t => {
  const { path, call, lines } = await start(t)
  const socket = createConnection(path)
  socket.write('POST /api/v1/bytes HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nabc')
  await once(socket, 'connect')
  socket.end()
  await once(socket, 'finish')
  socket.destroy()
  while (!lines.some(line => line.fields['path'] === '/api/v1/bytes')) await call('/health/live')
  t.equal(lines.filter(line => line.level === 'error').length, 0)
})

t.test('JSON is taken as its schema gives it out, or refused with every fault', async t => {
  const { call } = await start(t)
  const post = (body: string | Uint8Array, headers: Record<string, string> = json) =>
    call('/json', { method: 'POST', body, headers })
  t.same(JSON.parse((await post('{"name":"x"}')).text), { name: 'x', count: 1 })
  t.equal((await post('{"name":"x"}', { 'content-type': 'application/json; charset=utf-8' })).status, 200)
  const faults = problemOf(await post('{"name":5,"count":1.5,"more":1}'))
  t.match(faults, { status: 422, code: 'invalid', detail: /name.*count.*more/s })
  t.match(faults['errors'], [{ path: 'name' }, { path: 'count' }, { path: '' }])
  t.match(problemOf(await post('{')), { status: 400, code: 'usage', detail: 'The body is no JSON.' })
  t.match(problemOf(await post('')), { status: 400 })
  t.match(problemOf(await post(Buffer.from([0x22, 0xff, 0x22]))), { status: 400 }, 'bytes that are no UTF-8')
  t.match(problemOf(await post('{"name":"x"}', { 'content-type': 'text/plain' })), {
    status: 415,
    code: 'usage',
  })
  t.match(problemOf(await post(`{"name":"${'x'.repeat(maxBytes)}"}`)), { status: 413 })
})

t.test('an answer that breaks off after its head is noted, not a crash', async t => {
  const lines: string[] = []
  const log = {
    debug: (_: object, message: string) => void lines.push(message),
    info() {},
    warn() {},
    error() {},
  }
  const broken = operation({
    ...described,
    id: 'broken',
    method: 'get',
    path: '/broken',
    answers,
    stream(ctx) {
      ctx.body = Readable.from(
        (async function* () {
          yield 'half'
          throw new Error('the source failed')
        })(),
      )
    },
  })
  const server = httpServer(createHttp({ log, clock: new VirtualClock(), api: apiOf([health, broken]) }))
  const path = join(folderOf(t), 'control.sock')
  await listenOnSocket(server, path)
  t.teardown(() => close(server))
  await t.rejects(send(path, '/broken'))
  t.match(await send(path, '/health/live'), { status: 200 })
  t.ok(lines.includes('an answer broke off'))
})

t.test('the control socket is for its user and group, and goes when the gateway goes', async t => {
  const path = join(folderOf(t), 'run', 'control.sock')
  const server = httpServer(() => undefined)
  await listenOnSocket(server, path)
  t.equal(statSync(path).mode & 0o777, 0o660)
  t.equal(statSync(join(path, '..')).mode & 0o777, 0o750)
  await close(server)
  t.equal(existsSync(path), false)
})

t.test('a second gateway is refused, and the first keeps its socket', async t => {
  const { path, call } = await start(t)
  const second = httpServer(() => undefined)
  await t.rejects(listenOnSocket(second, path), { code: 'conflict', message: /another pixelgate is running/ })
  t.equal(second.listening, false)
  t.equal((await call('/health/live')).status, 200)
})

t.test('the socket of a gateway that was killed is taken over', async t => {
  const path = join(folderOf(t), 'control.sock')
  const killed = createServer().listen(path)
  await once(killed, 'listening')
  // A hard link keeps the file when the server closes and unlinks its own, as a kill would.
  linkSync(path, `${path}.left`)
  killed.close()
  await once(killed, 'close')
  renameSync(`${path}.left`, path)
  const server = httpServer(() => undefined)
  await listenOnSocket(server, path)
  t.teardown(() => close(server))
  t.ok(statSync(path).isSocket())
})

t.test('a path that cannot be a socket is refused with what to do, and nothing is removed', async t => {
  const folder = folderOf(t)
  writeFileSync(join(folder, 'file'), 'the notes of the user')
  const refusal = (path: string, code: string, message: RegExp) =>
    t.rejects(
      listenOnSocket(
        httpServer(() => undefined),
        path,
      ),
      { code, message },
    )
  await refusal(join(folder, 'file'), 'conflict', /is no socket/)
  t.ok(existsSync(join(folder, 'file')))
  await refusal(join(folder, 'file', 'control.sock'), 'daemon_failed', /is a file, not a folder/)
  await refusal(join(folder, 'x'.repeat(150)), 'config_invalid', /at most 107 bytes/)
})
