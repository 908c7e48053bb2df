import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { ControlClient } from '../../src/cli/control-client.ts'

async function waitUntil(condition: () => boolean, limitMs: number): Promise<boolean> {
  const endMs = performance.now() + limitMs
  while (!condition() && performance.now() < endMs) await new Promise(resolve => setTimeout(resolve, 5))
  return condition()
}

interface Heard {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly type: string | undefined
  readonly body: string
}

/** A daemon of a few lines on a socket of its own. */
async function daemon(
  t: { teardown(done: () => Promise<void>): void },
  answer: (response: ServerResponse, request: IncomingMessage) => void,
) {
  const folder = await mkdtemp(join(tmpdir(), 'control-'))
  const path = join(folder, 'control.sock')
  const heard: Heard[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    heard.push({
      method: request.method,
      url: request.url,
      type: request.headers['content-type'],
      body: Buffer.concat(chunks).toString(),
    })
    answer(response, request)
  })
  await new Promise<void>(resolve => server.listen(path, resolve))
  t.teardown(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    await rm(folder, { recursive: true, force: true })
  })
  return { client: new ControlClient(path), heard, folder }
}

t.test('each call goes to /api/v1 with its body, and brings the JSON back', async t => {
  const { client, heard } = await daemon(t, response => response.end('{"ok":true}'))
  t.same(await client.get('/boards'), { ok: true })
  await client.post('/jobs', { a: 1 })
  await client.post('/jobs')
  await client.patch('/boards/1', { name: 'Küche' })
  await client.delete('/ports/1')
  await client.postBytes('/patterns', Uint8Array.of(104, 105))
  t.same(
    heard.map(({ method, url, body }) => [method, url, body]),
    [
      ['GET', '/api/v1/boards', ''],
      ['POST', '/api/v1/jobs', '{"a":1}'],
      ['POST', '/api/v1/jobs', '{}'],
      ['PATCH', '/api/v1/boards/1', '{"name":"Küche"}'],
      ['DELETE', '/api/v1/ports/1', ''],
      ['POST', '/api/v1/patterns', 'hi'],
    ],
  )
  t.equal(heard[5]?.type, 'application/octet-stream')
})

t.test('a list is read page by page to its end', async t => {
  const pages: Record<string, unknown> = {
    '/api/v1/boards?limit=100': { boards: [1, 2], total: 3, nextCursor: 'a&b' },
    '/api/v1/boards?limit=100&cursor=a%26b': { boards: [3], total: 3, nextCursor: null },
    '/api/v1/users?limit=100': { users: [4] },
  }
  const { client } = await daemon(t, (response, { url }) => response.end(JSON.stringify(pages[url ?? ''])))
  t.same(await client.list('/boards', 'boards'), [1, 2, 3])
  t.same(await client.list('/users', 'users'), [4], 'a list that comes as a whole')
})

t.test('an empty answer is undefined', async t => {
  const { client } = await daemon(t, response => response.writeHead(204).end())
  t.equal(await client.delete('/jobs/1'), undefined)
})

t.test('a problem of the daemon is the same error here', async t => {
  let body = ''
  const { client } = await daemon(t, response => response.writeHead(409).end(body))
  const asked = async (problem: object | string) => {
    body = typeof problem === 'string' ? problem : JSON.stringify(problem)
    return client.get('/x')
  }
  await t.rejects(asked({ code: 'conflict', detail: 'It is done already.' }), {
    code: 'conflict',
    message: 'It is done already.',
  })
  await t.rejects(asked({ code: 'from_the_future', title: 'Odd' }), { code: 'daemon_failed', message: 'Odd' })
  await t.rejects(asked({}), { code: 'daemon_failed', message: 'The daemon answered 409.' })
  await t.rejects(asked('<html>'), { code: 'daemon_failed', message: /409 and no JSON/ })
  await t.rejects(asked({ code: 'file_ambiguous', detail: 'Which?', candidates: [1, 2] }), {
    code: 'file_ambiguous',
    detail: { candidates: [1, 2] },
  })
})

t.test('a stream is read line by line to its end', async t => {
  const { client } = await daemon(t, response => {
    response.write('{"n":1}\n\n{"n"')
    response.end(':2}\n')
  })
  const lines: unknown[] = []
  for await (const line of client.lines('/events', new AbortController().signal)) lines.push(line)
  t.same(lines, [{ n: 1 }, { n: 2 }])
})

t.test('a stream that breaks off, is refused or interrupted says so', async t => {
  const stop = new AbortController()
  const read = async (client: ControlClient, signal = new AbortController().signal) => {
    for await (const _ of client.lines('/events', signal)) stop.abort()
  }
  const broken = await daemon(t, response => {
    response.write('{"n":1}\n')
    setImmediate(() => response.destroy())
  })
  await t.rejects(read(broken.client), { code: 'daemon_unreachable' })
  const refused = await daemon(t, response =>
    response.writeHead(404).end('{"code":"not_found","detail":"No such job."}'),
  )
  await t.rejects(read(refused.client), { code: 'not_found' })
  const endless = await daemon(t, response => response.write('{"n":1}\n'))
  await t.rejects(
    read(endless.client, stop.signal).then(() =>
      Promise.reject(Object.assign(new Error('ended'), { code: 'cancelled' })),
    ),
    { code: /cancelled|daemon_unreachable/ },
  )
  await t.rejects(read(endless.client, AbortSignal.abort()), { code: 'cancelled' })
})

t.test('a reader that stops early lets go of the stream, and a break of it then ends nothing', async t => {
  const streams: ServerResponse[] = []
  const { client } = await daemon(t, response => {
    streams.push(response)
    response.write('{"n":1}\n{"n":2}\n')
  })
  for await (const line of client.lines('/events', new AbortController().signal)) {
    t.same(line, { n: 1 })
    break
  }
  const [stream] = streams
  if (stream === undefined) throw new Error('nobody has asked')
  const waited = waitUntil(() => stream.closed, 2000)
  t.ok(await waited, 'the daemon sees that nobody reads any more')
  // An error that nobody handles would end this process.
  stream.destroy()
  await waitUntil(() => stream.closed, 2000)
})

t.test('a daemon that does not run, or is not ours to talk to, is told with the cure', async t => {
  const { folder } = await daemon(t, response => response.end())
  await t.rejects(new ControlClient(join(folder, 'absent.sock')).get('/x'), {
    code: 'daemon_unreachable',
    message: /does not run\. Start it with/,
  })
  await writeFile(join(folder, 'file'), '')
  await t.rejects(new ControlClient(join(folder, 'file')).get('/x'), { code: 'daemon_unreachable' })
})

t.test('a daemon that hangs up without an answer is unreachable', async t => {
  const { client } = await daemon(t, response => response.destroy())
  await t.rejects(client.get('/x'), { code: 'daemon_unreachable' })
})
