import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { contentDigest } from '../../src/http/content-digest.ts'
import { Incoming } from '../../src/http/incoming.ts'
import { readPanel } from '../../src/http/static-files.ts'
import { lanRig } from './lan-rig.ts'

const mebibyte = 1024 * 1024

async function folderOf(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pixelgate-'))
  t.teardown(() => rm(folder, { recursive: true }))
  return folder
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64')
/** 60 frames of 10 pixels without a header. */
const strip = Uint8Array.from({ length: 10 * 3 * 60 }, (_, at) => (at % 30) * 8 + Math.floor(at / 30))

/** Waits on a condition, five seconds at most. */
async function until(holds: () => boolean): Promise<void> {
  const endMs = Date.now() + 5000
  while (!holds()) {
    if (Date.now() > endMs) throw new Error('the condition did not come to hold')
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

t.test('a pattern is taken from disk with its hash, and nothing stays behind', async t => {
  const { call, signIn, folder, incoming } = await lanRig(t)
  const token = await signIn('operator')
  const left = () => readdirSync(join(folder, 'incoming'))
  const post = (headers: Record<string, string> = {}, query = 'name=strip.bin', body: Uint8Array = strip) =>
    call(`/api/v1/patterns?${query}`, { method: 'POST', token, headers, body })
  const sha256 = createHash('sha256').update(strip).digest('hex')
  const stored = await post({ 'content-digest': `sha-512=:AAAA:, sha-256=:${digestOf(strip)}:` })
  t.match(stored, { status: 201, json: { pattern: { name: 'strip.bin', sha256, sizeBytes: strip.length } } })
  t.match(await post({ 'transfer-encoding': 'chunked' }), { status: 200, json: { pattern: { sha256 } } })
  t.match(await post({ expect: '100-continue', 'content-length': String(strip.length) }), { status: 200 })
  t.match(
    await post({ 'content-digest': 'md5=:AAAA:' }),
    { status: 200 },
    'digests of other kinds are left alone',
  )

  const damaged = await post({ 'content-digest': `sha-256=:${digestOf(Buffer.from('another'))}:` })
  t.match(damaged, { status: 400, json: { code: 'usage', detail: /damaged/ } })
  t.match(await post({ 'content-digest': 'sha-256=:AAAA:' }), { status: 400, json: { detail: /RFC 9530/ } })
  t.match(await post({ 'content-encoding': 'gzip' }), { status: 415 })
  t.match(await post({}, 'name='), { status: 422, json: { code: 'invalid', errors: [{ path: 'name' }] } })
  t.match(await post({}, 'name=x.gif'), { status: 422, json: { code: 'file_invalid' } })
  t.match(await post({}, 'name=x.bin', new Uint8Array(0)), { status: 422 })
  t.same(left(), [])
  t.equal(incoming.open, 0)
})

t.test(
  'a file that is too large is refused before it is sent, or where its length is not told, afterwards',
  async t => {
    const { url, signIn, folder, call } = await lanRig(t)
    const token = await signIn('operator')
    const { port } = new URL(url)
    const headers = {
      authorization: `Bearer ${token}`,
      'content-length': String(65 * mebibyte),
      expect: '100-continue',
    }
    const outgoing = request({
      port,
      host: '127.0.0.1',
      path: '/api/v1/patterns?name=x.bin',
      method: 'POST',
      headers,
    })
    t.teardown(() => outgoing.destroy())
    outgoing.flushHeaders()
    let continued = false
    outgoing.on('continue', () => {
      continued = true
    })
    outgoing.on('error', () => undefined)
    const [answer] = await once(outgoing, 'response')
    t.equal(answer.statusCode, 413)
    t.equal(continued, false, 'not a byte of it was asked for')
    outgoing.destroy()

    const chunk = new Uint8Array(mebibyte)
    const chunked = request({
      port,
      host: '127.0.0.1',
      path: '/api/v1/patterns?name=x.bin',
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    })
    const answered = once(chunked, 'response')
    for (let at = 0; at < 65; at++) if (!chunked.write(chunk)) await once(chunked, 'drain')
    chunked.end()
    const [late] = await answered
    t.equal(late.statusCode, 413)
    late.resume()
    t.same(readdirSync(join(folder, 'incoming')), [])
    t.equal((await call('/api/v1/patterns', { token })).json['total'], 0)
  },
)

t.test('a caller that goes away leaves no file', async t => {
  const { url, signIn, folder, incoming, lines } = await lanRig(t)
  const token = await signIn('operator')
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const head = `POST /api/v1/patterns?name=x.bin HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n`
  socket.write(`${head}Content-Length: 1000\r\n\r\nsome`)
  await until(() => readdirSync(join(folder, 'incoming')).length === 1)
  t.equal(incoming.open, 1)
  socket.destroy()
  await until(() => incoming.open === 0)
  t.same(readdirSync(join(folder, 'incoming')), [])
  t.equal(lines.filter(line => line.level === 'error').length, 0)
})

t.test('only so many files come in at once', async t => {
  const { url, signIn, call, incoming } = await lanRig(t)
  const token = await signIn('operator')
  const sockets = Array.from({ length: 8 }, () => connect(Number(new URL(url).port), '127.0.0.1'))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
  })
  const head = `POST /api/v1/patterns?name=x.bin HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n`
  for (const socket of sockets) socket.write(`${head}Content-Length: 1000\r\n\r\n`)
  await until(() => incoming.open === 8)
  const ninth = await call('/api/v1/patterns?name=x.bin', { method: 'POST', token, body: strip })
  t.match(ninth, { status: 503, json: { code: 'overloaded' }, headers: { 'retry-after': '1' } })
})

t.test(
  'what a cut has left is gone at the next start, and a folder that goes away is a fault in words',
  async t => {
    const { call, signIn, folder } = await lanRig(t)
    const token = await signIn('operator')
    const incoming = join(await folderOf(t), 'incoming')
    mkdirSync(join(incoming, 'sub'), { recursive: true })
    writeFileSync(join(incoming, 'half'), 'x')
    await Incoming.open(incoming)
    t.same(readdirSync(incoming), [])
    await rm(join(folder, 'incoming'), { recursive: true })
    const lost = await call('/api/v1/patterns?name=x.bin', { method: 'POST', token, body: strip })
    t.match(lost, { status: 503, json: { code: 'storage_failed', detail: /could not be kept/ } })
  },
)

t.test('a disk that is full is said to be full', async t => {
  const incoming = await Incoming.open(join(await folderOf(t), 'incoming'))
  const { Readable } = await import('node:stream')
  const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write' })
  const req = Object.assign(
    new Readable({
      read() {
        this.destroy(full)
      },
    }),
    { setTimeout: () => undefined },
  )
  const ctx = { req, res: {}, request: {}, get: () => '' } as unknown as Parameters<Incoming['take']>[0]
  await t.rejects(
    incoming.take(ctx, 1, async () => undefined),
    { code: 'storage_failed', message: /disk.*is full/ },
  )
})

t.test('Content-Digest is read as RFC 9530 has it, whatever comes', t => {
  const digest = digestOf(strip)
  const hex = Buffer.from(digest, 'base64').toString('hex')
  t.equal(contentDigest(`sha-256=:${digest}:`), hex)
  t.equal(contentDigest(` md5=:AAAA: ,\tsha-256=:${digest}: `), hex)
  for (const other of ['', 'sha-512=:AAAA:', 'nonsense', 'SHA-256=x'])
    t.equal(contentDigest(other), undefined)
  for (const wrong of ['sha-256=', `sha-256=${digest}`, 'sha-256=:AAAA:', `sha-256=:${digest}:x`])
    t.throws(() => contentDigest(wrong), { message: /RFC 9530/ })
  fc.assert(
    fc.property(fc.string(), text => {
      try {
        const found = contentDigest(text)
        return found === undefined || /^[0-9a-f]{64}$/.test(found)
      } catch (error) {
        return (error as { status?: number }).status === 400
      }
    }),
  )
  t.end()
})

t.test('a stored pattern is shown in every way it can be read', async t => {
  const { call, local } = await lanRig(t)
  const { json } = await local('/api/v1/patterns?name=strip.bin', { method: 'POST', body: strip })
  const { id } = json['pattern'] as { id: string }
  const base = `/api/v1/patterns/${id}`
  const all = (await local(`${base}/candidates`)).json['candidates'] as { leds: number; index: number }[]
  t.ok(all.length > 1)
  t.same(
    all.map(each => each.index),
    all.map((_, at) => at),
  )
  const ten = (await local(`${base}/candidates?leds=10`)).json['candidates']
  t.match(ten, [{ leds: 10, frames: 60 }])
  const preview = await local(`${base}/preview?leds=10`)
  t.match(preview, { status: 200, json: { width: 10, height: 1, frames: 60 } })
  t.same(Buffer.from(String(preview.json['pixels']), 'base64'), Buffer.from(strip))
  t.equal((preview.json['delaysMs'] as number[]).length, 60)
  const packed = await local(`${base}/preview?leds=10`, { headers: { 'accept-encoding': 'gzip, br' } })
  t.match(packed.headers, {
    'content-encoding': 'gzip',
    vary: 'Accept-Encoding',
    'content-type': /application\/json/,
  })
  t.same(JSON.parse(gunzipSync(packed.bytes).toString()), preview.json)
  t.match(await local(`${base}/preview`), {
    status: 422,
    json: { code: 'file_ambiguous', candidates: Array },
  })
  t.match(await local(`${base}/preview?candidate=999`), { status: 400 })
  t.match(await local(`${base}/preview?candidate=x`), { status: 422 })
  t.match(await local(`${base}/candidates?candidate=1`), { status: 422 })
  t.match(await local('/api/v1/patterns/nothing/preview'), { status: 404 })
  t.match(await local('/api/v1/boards/nothing/preview'), { status: 404 })
  t.equal((await call(`${base}/preview`)).status, 401)
})

function builtPanel(folder: string): string {
  const panel = join(folder, 'panel')
  mkdirSync(join(panel, 'assets'), { recursive: true })
  const script = Buffer.from('console.log("panel")'.repeat(50))
  writeFileSync(join(panel, 'index.html'), '<!doctype html><title>pixelgate</title>')
  writeFileSync(join(panel, 'assets', 'index-a1B2c3D4.js'), script)
  writeFileSync(join(panel, 'assets', 'index-a1B2c3D4.js.gz'), gzipSync(script))
  writeFileSync(join(panel, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>')
  writeFileSync(join(panel, 'notes.md'), 'not for the web')
  writeFileSync(join(folder, 'secret.txt'), 'secret')
  symlinkSync(join(folder, 'secret.txt'), join(panel, 'link.txt'))
  return panel
}

t.test('the panel is served from what was there at the start, to everybody, and nothing else is', async t => {
  const panelDir = builtPanel(await folderOf(t))
  const { call, url } = await lanRig(t, { panelDir })
  const page = await call('/')
  t.match(page, {
    status: 200,
    headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' },
  })
  const { host } = new URL(url)
  t.ok(String(page.headers['content-security-policy']).includes(`connect-src 'self' ws://${host};`))
  t.equal((await call('/index.html')).bytes.toString(), page.bytes.toString())
  const script = await call('/assets/index-a1B2c3D4.js')
  t.match(script.headers, {
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': 'public, max-age=31536000, immutable',
    etag: /^"[\w-]{27}"$/,
    vary: 'Accept-Encoding',
    'content-encoding': undefined,
  })
  const packed = await call('/assets/index-a1B2c3D4.js', { headers: { 'accept-encoding': 'gzip' } })
  t.equal(packed.headers['content-encoding'], 'gzip')
  t.equal(gunzipSync(packed.bytes).toString(), script.bytes.toString())
  t.not(packed.headers.etag, script.headers.etag, 'a strong tag names the bytes as sent')
  const again = await call('/assets/index-a1B2c3D4.js', {
    headers: { 'if-none-match': script.headers.etag ?? '' },
  })
  t.match(again, { status: 304, bytes: Buffer.alloc(0), headers: { etag: script.headers.etag } })
  const head = await call('/icon.svg', { method: 'HEAD' })
  t.match(head, {
    status: 200,
    headers: { 'content-length': '41', 'content-type': 'image/svg+xml' },
    bytes: Buffer.alloc(0),
  })

  const tricks = [
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/../../secret.txt',
    '//secret.txt',
  ]
  tricks.push(
    '/link.txt',
    '/notes.md',
    '/assets',
    '/assets/',
    '/index.html%00',
    '/INDEX.HTML',
    '/assets\\index.js',
  )
  tricks.push('/index.html/', '/assets/index-a1B2c3D4.js.gz', '/__proto__', '/constructor')
  for (const path of tricks) {
    const answer = await call(path)
    t.ok(answer.status === 401 || answer.status === 404, `${path}: ${answer.status}`)
    t.notMatch(answer.bytes.toString(), /^secret|not for the web/)
  }
  t.equal((await call('/', { method: 'POST' })).status, 401)
})

t.test('without a built panel a page says so, and without a folder nothing is served', async t => {
  const { call, local } = await lanRig(t, { panelDir: null })
  t.match(await call('/'), { status: 200, headers: { 'cache-control': 'no-store' } })
  t.match((await call('/')).bytes.toString(), /panel is not built/)
  t.equal((await local('/')).status, 404)
  t.ok(readPanel('/nowhere/at/all').has('/'))
  const folder = await folderOf(t)
  writeFileSync(join(folder, 'file'), '')
  t.throws(() => readPanel(join(folder, 'file')), { code: 'ENOTDIR' })
})
