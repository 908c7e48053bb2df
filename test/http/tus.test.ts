import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { ResumableFiles } from '../../src/upload/resumable/resumable-files.ts'
import { ledmFile, numbers } from '../support/pixelgate.ts'
import { type Answer, type Call, type LanRig, lanRig } from './lan-rig.ts'

const base = '/api/v1/files'
const version = { 'tus-resumable': '1.0.0' }
const octets = { 'content-type': 'application/offset+octet-stream' }
const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString('base64')
const digest = (algorithm: string, bytes: Uint8Array): string =>
  createHash(algorithm).update(bytes).digest('base64')
const file = (first = 1): Uint8Array => ledmFile(numbers(first, 30))
const metadata = (pairs: Record<string, string>): string =>
  Object.entries(pairs)
    .map(([key, value]) => `${key} ${base64(value)}`)
    .join(',')

interface TusRig extends LanRig {
  readonly token: string
  tus(method: string, path: string, call?: Call): Promise<Answer>
  create(sizeBytes: number, pairs?: Record<string, string>, call?: Call): Promise<string>
  patch(path: string, offset: number, body: Uint8Array, call?: Call): Promise<Answer>
  parts(): readonly string[]
}

async function tusRig(t: Test): Promise<TusRig> {
  const rig = await lanRig(t)
  const token = await rig.signIn('operator')
  const ask = (method: string, path: string, { headers = {}, ...call }: Call = {}) =>
    rig.call(path, { method, token, headers: { ...version, ...headers }, ...call })
  return {
    ...rig,
    token,
    tus: ask,
    async create(sizeBytes, pairs = { filename: 'fire.ledm' }, call = {}) {
      const headers = { 'upload-length': String(sizeBytes), 'upload-metadata': metadata(pairs) }
      const { status, headers: said, json } = await ask('POST', base, { headers, ...call })
      if (status !== 201) throw new Error(`${status} ${json['code']}: ${json['detail']}`)
      return said.location ?? ''
    },
    patch: (path, offset, body, { headers = {}, ...call } = {}) =>
      ask('PATCH', path, {
        headers: { ...octets, 'upload-offset': String(offset), ...headers },
        body,
        ...call,
      }),
    parts: () => {
      try {
        return readdirSync(join(rig.folder, 'incoming', 'resumable'))
      } catch {
        return []
      }
    },
  }
}

/** Waits on a condition, five seconds at most. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = Date.now() + 5000
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error('the condition did not come to hold')
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

t.test('a file that comes in pieces is the pattern that it would be in one', async t => {
  const { call, tus, create, patch, parts, token } = await tusRig(t)
  const whole = file()
  const about = await call(base, { method: 'OPTIONS' })
  t.match(about, {
    status: 204,
    headers: {
      'tus-version': '1.0.0',
      'tus-resumable': '1.0.0',
      'tus-max-size': String(64 * 1024 * 1024),
      'tus-checksum-algorithm': 'sha256,sha1',
    },
  })
  for (const extension of ['creation', 'creation-with-upload', 'checksum', 'expiration', 'termination'])
    t.ok(String(about.headers['tus-extension']).split(',').includes(extension), extension)

  const path = await create(whole.length, {
    filename: 'fire.ledm',
    filetype: 'x/y',
    tag: 'Warm,hall',
    as: 'fire',
  })
  t.match(path, /^\/api\/v1\/files\/[0-9a-f-]{36}$/)
  t.equal(parts().length, 1)
  t.match(await tus('HEAD', path), {
    status: 200,
    headers: {
      'upload-offset': '0',
      'upload-length': String(whole.length),
      'cache-control': 'no-store',
      'upload-metadata': /filename /,
      'upload-expires': /GMT$/,
      'x-file-state': 'receiving',
    },
  })
  const first = await patch(path, 0, whole.subarray(0, 10))
  t.match(first, { status: 204, headers: { 'upload-offset': '10', 'tus-resumable': '1.0.0' } })
  t.equal(first.headers['x-pattern-id'], undefined)
  t.match(await call(path, { token }), {
    json: { file: { offset: 10, state: 'receiving', sha256: null, patternId: null, name: 'fire.ledm' } },
  })
  const last = await patch(path, 10, whole.subarray(10))
  const sha256 = createHash('sha256').update(whole).digest('hex')
  t.match(last, {
    status: 204,
    headers: {
      'upload-offset': String(whole.length),
      'repr-digest': `sha-256=:${digest('sha256', whole)}:`,
      'x-pattern-id': /^[0-9a-f-]{36}$/,
    },
  })
  const patternId = String(last.headers['x-pattern-id'])
  t.match(await call(`/api/v1/patterns/${patternId}`, { token }), {
    json: {
      pattern: { name: 'fire', fileName: 'fire.ledm', sha256, tags: ['hall', 'warm'] },
      provenance: [{ door: 'api', who: 'operator' }],
    },
  })
  t.match(await call('/api/v1/patterns?name=again.ledm', { method: 'POST', token, body: whole }), {
    status: 200,
    json: { pattern: { id: patternId } },
  })
  t.same(parts(), [], 'its bytes are in the database now')
  t.match(await tus('HEAD', path), {
    headers: { 'upload-offset': String(whole.length), 'x-pattern-id': patternId, 'x-file-state': 'complete' },
  })
  t.match(await patch(path, whole.length, new Uint8Array(0)), {
    status: 204,
    headers: { 'x-pattern-id': patternId },
  })
  t.match(await call(`${base}?limit=1`, { token }), {
    headers: { 'x-total-count': '1' },
    json: {
      total: 1,
      files: [{ state: 'complete', sha256, patternId, offset: whole.length, problem: null }],
    },
  })
  t.equal((await tus('DELETE', path)).status, 204)
  t.equal((await tus('HEAD', path)).status, 404)
  t.equal((await call(`/api/v1/patterns/${patternId}`, { token })).status, 200, 'the pattern stays')
})

t.test('the first bytes may come with the beginning, and all of them may', async t => {
  const { tus } = await tusRig(t)
  const whole = file(2)
  const begin = (body: Uint8Array, headers: Record<string, string> = {}) =>
    tus('POST', base, {
      headers: {
        ...octets,
        'upload-length': String(whole.length),
        'upload-metadata': metadata({ filename: 'a.ledm' }),
        ...headers,
      },
      body,
    })
  const some = await begin(whole.subarray(0, 20))
  t.match(some, { status: 201, headers: { 'upload-offset': '20', location: /files/ } })
  t.match(await begin(whole), {
    status: 201,
    headers: { 'upload-offset': String(whole.length), 'x-pattern-id': String },
  })
  t.equal((await begin(whole.subarray(0, 5), { 'content-type': 'text/plain' })).status, 415)
  const damaged = await begin(whole.subarray(0, 5), { 'upload-checksum': `sha1 ${digest('sha1', whole)}` })
  t.match(damaged, { status: 460, headers: { location: /files/ }, json: { code: 'checksum_mismatch' } })
  t.match(await tus('HEAD', String(damaged.headers.location)), { headers: { 'upload-offset': '0' } })
})

t.test('what does not fit the protocol is refused with the status that it names', async t => {
  const { call, tus, create, patch, token } = await tusRig(t)
  const whole = file(3)
  const begin = (headers: Record<string, string>) => tus('POST', base, { headers })
  const named = { 'upload-metadata': metadata({ filename: 'a.ledm' }) }
  t.match(await call(base, { method: 'POST', token, headers: { 'upload-length': '5', ...named } }), {
    status: 412,
    headers: { 'tus-version': '1.0.0', 'tus-resumable': '1.0.0' },
  })
  t.equal((await begin({ ...named, 'upload-length': '5', 'tus-resumable': '0.2.2' })).status, 412)
  t.equal((await begin(named)).status, 400)
  t.equal((await begin({ ...named, 'upload-defer-length': '1' })).status, 400)
  for (const length of ['-1', '1.5', '0x10', '1e3', '9'.repeat(20)])
    t.equal((await begin({ ...named, 'upload-length': length })).status, 400, length)
  t.match(await begin({ ...named, 'upload-length': String(64 * 1024 * 1024 + 1) }), {
    status: 413,
    json: { code: 'file_too_large' },
  })
  t.match(await begin({ ...named, 'upload-length': '0' }), { status: 422, json: { detail: /empty/ } })
  for (const wrong of [
    '',
    'filename',
    'filename =',
    `filename ${base64('a')},filename ${base64('b')}`,
    metadata({ filename: 'a', what: '1' }),
    metadata({ filename: 'a', leds: 'many' }),
    metadata({ filename: 'a', tag: 'x,' }),
    metadata({ filename: 'x'.repeat(256) }),
    `filename ${base64(Uint8Array.of(0xff, 0xfe))}`,
    `filename ${base64('a')}, ,b`,
    metadata({ filename: 'a', as: 'b'.repeat(7000) }),
  ])
    t.match(
      await begin({ 'upload-length': '5', 'upload-metadata': wrong }),
      { status: 422, json: { code: 'invalid', errors: [{ path: 'Upload-Metadata' }] } },
      wrong.slice(0, 40),
    )

  const path = await create(whole.length)
  const piece = whole.subarray(0, 8)
  t.equal(
    (await patch(path, 0, piece, { headers: { 'content-type': 'application/octet-stream' } })).status,
    415,
  )
  t.equal((await patch(path, 0, piece, { headers: { 'tus-resumable': '2.0.0' } })).status, 412)
  t.equal((await patch(path, 0, piece, { headers: { 'content-encoding': 'gzip' } })).status, 415)
  t.match(await patch(path, 1, piece), { status: 409, json: { code: 'conflict', offset: 0 } })
  t.equal((await tus('PATCH', path, { headers: octets, body: piece })).status, 400)
  t.equal((await patch(path, 0, Buffer.concat([whole, piece]))).status, 413)
  const long = await patch(path, 0, Buffer.concat([whole, piece]), {
    headers: { 'transfer-encoding': 'chunked' },
  })
  t.equal(long.status, 413)
  t.match(await tus('HEAD', path), { headers: { 'upload-offset': '0' } })
  for (const wrong of ['md5 AAAA', 'sha1', 'sha1 AAAA', 'sha256 ?', `sha1  ${digest('sha1', piece)}`])
    t.equal((await patch(path, 0, piece, { headers: { 'upload-checksum': wrong } })).status, 400, wrong)
  for (const algorithm of ['sha1', 'sha256']) {
    const other = { headers: { 'upload-checksum': `${algorithm} ${digest(algorithm, whole)}` } }
    t.match(await patch(path, 0, piece, other), {
      status: 460,
      headers: { 'tus-resumable': '1.0.0' },
      json: { code: 'checksum_mismatch' },
    })
  }
  t.match(await tus('HEAD', path), { headers: { 'upload-offset': '0' } }, 'nothing of it was kept')
  for (const [at, algorithm] of ['sha1', 'sha256'].entries()) {
    const right = { headers: { 'upload-checksum': `${algorithm} ${digest(algorithm, piece)}` } }
    t.match(await patch(path, at * 8, piece, right), { status: 204 })
  }
})

t.test('a file is its owner’s, and no name or id leads anywhere else', async t => {
  const { call, create, patch, tus, signIn, accounts, local, folder } = await tusRig(t)
  const whole = file(4)
  const path = await create(whole.length, { filename: '../../../etc/passwd\u0000.ledm' })
  t.match(await tus('HEAD', path), { status: 200 })
  t.same(readdirSync(join(folder, 'incoming', 'resumable')), [`${path.split('/').at(-1)}.part`])
  await accounts.addUser({ name: 'other', password: 'marble otter canyon', role: 'operator' })
  const caller = { address: '127.0.0.1', agent: '' }
  const { token } = await accounts.signIn({ name: 'other', password: 'marble otter canyon' }, caller)
  for (const [method, more] of [
    ['HEAD', {}],
    ['GET', {}],
    ['PATCH', { headers: { ...version, ...octets, 'upload-offset': '0' }, body: whole }],
    ['DELETE', {}],
  ] as const)
    t.equal(
      (await call(path, { method, headers: { 'tus-resumable': '1.0.0' }, ...more, token })).status,
      404,
      method,
    )
  t.match(await call(base, { token }), { json: { total: 0, files: [] } })
  t.match(await call(base, { token: await signIn('admin') }), {
    json: { total: 1, files: [{ owner: 'operator' }] },
  })
  t.match(await local(path), { json: { file: { owner: 'operator' } } }, 'the control socket may see all')
  const viewer = await signIn('viewer')
  t.equal(
    (await call(base, { method: 'POST', token: viewer, headers: { 'tus-resumable': '1.0.0' } })).status,
    403,
  )
  t.equal((await call(path, { method: 'HEAD' })).status, 401)
  writeFileSync(join(folder, 'incoming', 'resumable', 'x.part'), 'secret')
  for (const id of [
    '..',
    '%2e%2e',
    '..%2f..%2fgateway.db',
    'x',
    'x.part',
    '__proto__',
    '%00',
    randomUUID(),
    'x'.repeat(250),
  ]) {
    const { status } = await tus('HEAD', `${base}/${id}`)
    t.ok(status === 404 || status === 405 || status === 400, `${id}: ${status}`)
  }
  t.match(await patch(path, 0, whole), { status: 204 })
})

t.test('a file that is no pattern is refused with the reason, which stays until it expires', async t => {
  const { create, patch, tus, call, token, parts } = await tusRig(t)
  const path = await create(6, { filename: 'x.gif' })
  t.match(await patch(path, 0, Buffer.from('GIF89a')), {
    status: 422,
    json: { code: 'file_invalid', detail: String },
  })
  t.match(await tus('HEAD', path), {
    status: 200,
    headers: { 'upload-offset': '6', 'x-file-state': 'refused' },
  })
  t.match(await patch(path, 6, new Uint8Array(0)), { status: 422, json: { code: 'file_invalid' } })
  t.match(await call(path, { token }), {
    json: { file: { state: 'refused', sha256: String, patternId: null, problem: { code: 'file_invalid' } } },
  })
  t.same(parts(), [], 'its bytes are not kept')
  const raw = await create(6, { filename: 'x.gif', raw: 'true' })
  t.match(await patch(raw, 0, Buffer.from('GIF89a')), { status: 204, headers: { 'x-pattern-id': String } })
})

t.test('networks that let only POST through are served', async t => {
  const { create, tus } = await tusRig(t)
  const whole = file(5)
  const path = await create(whole.length)
  const as = (method: string, headers: Record<string, string> = {}, body?: Uint8Array) =>
    tus('POST', path, { headers: { 'x-http-method-override': method, ...headers }, ...(body && { body }) })
  t.match(await as('PATCH', { ...octets, 'upload-offset': '0' }, whole.subarray(0, 9)), { status: 204 })
  t.match(await as('HEAD'), { status: 200, headers: { 'upload-offset': '9' }, bytes: Buffer.alloc(0) })
  t.match(await as('TRACE'), { status: 405 })
  t.match(await tus('POST', path), { status: 405 })
  t.equal((await as('DELETE')).status, 204)
  t.equal((await as('HEAD')).status, 404)
})

/** A PATCH whose body never ends. */
async function hold(
  rig: TusRig,
  path: string,
  offset: number,
  lengthBytes: number,
  bytes: Uint8Array,
): Promise<Socket> {
  const socket = connect(Number(new URL(rig.url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  const head = `PATCH ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${rig.token}\r\nTus-Resumable: 1.0.0\r\n`
  const rest = `Content-Type: application/offset+octet-stream\r\nUpload-Offset: ${offset}\r\nContent-Length: ${lengthBytes}\r\n\r\n`
  socket.write(head + rest)
  socket.write(bytes)
  return socket
}

const arrivedBytes = (rig: TusRig): number => {
  const [name] = rig.parts()
  return name === undefined ? 0 : statSync(join(rig.folder, 'incoming', 'resumable', name)).size
}

t.test('what came before a cut is kept, and the rest goes on from there', async t => {
  const rig = await tusRig(t)
  const { create, patch, tus } = rig
  const whole = file(6)
  const path = await create(whole.length)
  const socket = await hold(rig, path, 0, whole.length, whole.subarray(0, 33))
  await until(() => arrivedBytes(rig) === 33)
  socket.destroy()
  await until(async () => (await tus('HEAD', path)).headers['upload-offset'] === '33')
  t.match(await patch(path, 33, whole.subarray(33)), { status: 204, headers: { 'x-pattern-id': String } })
})

t.test(
  'who still sends is left in peace, who has been silent gives way, and after 30 s of silence it ends',
  async t => {
    const rig = await tusRig(t)
    const { create, patch, tus, clock } = rig
    const whole = file(7)
    const path = await create(whole.length)
    const first = await hold(rig, path, 0, whole.length, whole.subarray(0, 10))
    await until(() => arrivedBytes(rig) === 10)
    t.match(await patch(path, 0, whole), { status: 423, json: { code: 'locked' } })
    t.match(await tus('DELETE', path), { status: 423 })
    clock.advance(2000)
    t.match(
      await tus('HEAD', path),
      { headers: { 'upload-offset': '10' } },
      'what the silent one sent counts',
    )
    await until(() => first.destroyed || first.readableEnded)
    const second = await hold(rig, path, 10, whole.length - 10, whole.subarray(10, 20))
    await until(() => arrivedBytes(rig) === 20)
    clock.advance(2500)
    t.match(await patch(path, 10, whole.subarray(10)), { status: 409, json: { offset: 20 } })
    second.destroy()
    const third = await hold(rig, path, 20, whole.length - 20, whole.subarray(20, 25))
    await until(() => arrivedBytes(rig) === 25)
    const closed = once(third, 'close')
    clock.advance(30_000)
    await closed
    await until(async () => (await tus('HEAD', path)).headers['upload-offset'] === '25')
    t.match(await patch(path, 25, whole.subarray(25)), { status: 204, headers: { 'x-pattern-id': String } })
  },
)

t.test('of many who send the same piece at once one gets it in', async t => {
  const { create, patch, tus } = await tusRig(t)
  for (let round = 0; round < 10; round++) {
    const whole = file(10 + round)
    const path = await create(whole.length)
    const answers = await Promise.all(Array.from({ length: 8 }, () => patch(path, 0, whole.subarray(0, 50))))
    const statuses = answers.map(({ status }) => status)
    t.equal(statuses.filter(status => status === 204).length, 1, String(statuses))
    t.ok(statuses.every(status => [204, 409, 423].includes(status)))
    t.match(await tus('HEAD', path), { headers: { 'upload-offset': '50' } })
    t.match(await patch(path, 50, whole.subarray(50)), { status: 204, headers: { 'x-pattern-id': String } })
    await tus('DELETE', path)
  }
})

t.test('a day after its last byte a file is gone', async t => {
  const { create, patch, tus, clock, parts, files, call, signIn } = await tusRig(t)
  const hourMs = 3_600_000
  /** Sign-ins end long before. */
  const later = async (hours: number) => {
    clock.advance(hours * hourMs)
    return { token: await signIn('operator') }
  }
  const path = await create(100)
  const other = await create(100)
  const who = await later(23)
  const { headers } = await patch(path, 0, file(8).subarray(0, 10), who)
  const expiresMs = Date.parse(String(headers['upload-expires']))
  t.equal(expiresMs, Math.floor((clock.wallTime() + 24 * hourMs) / 1000) * 1000)
  const next = await later(2)
  t.equal((await tus('HEAD', other, next)).status, 404)
  t.match(await tus('HEAD', path, next), { status: 200, headers: { 'upload-offset': '10' } })
  t.equal(parts().length, 1)
  const last = await later(23)
  await files.sweep()
  t.same(parts(), [])
  t.match(await call(base, last), { json: { total: 0 } })
  t.equal((await patch(path, 10, file(8).subarray(10, 20), last)).status, 404)
})

t.test('only so many are under way, and the refusal says what to do', async t => {
  const { create, tus, accounts } = await tusRig(t)
  const caller = { address: '127.0.0.1', agent: '' }
  let first = ''
  for (let person = 0; person < 8; person++) {
    const name = `person${person}`
    await accounts.addUser({ name, password: 'marble otter canyon', role: 'operator' })
    const { token } = await accounts.signIn({ name, password: 'marble otter canyon' }, caller)
    for (let at = 0; at < 8; at++) {
      const path = await create(10, { filename: 'a' }, { token })
      if (first === '') first = path
    }
    if (person > 0) continue
    await t.rejects(create(10, { filename: 'a' }, { token }), {
      message: /^409 conflict: .*DELETE \/files\/ID/,
    })
    t.equal((await tus('DELETE', first, { token })).status, 204)
    await create(10, { filename: 'a' }, { token })
  }
  await t.rejects(create(10), { message: /^503 overloaded/ })
})

t.test('whatever pieces come, the file is what a model of it says', async t => {
  const { create, patch, tus } = await tusRig(t)
  const source = Buffer.from(numbers(1, 200))
  const step = fc.record({
    /** Beside the right offset. */
    aside: fc.constantFrom(0, 0, 0, 0, 1, -1, 7),
    length: fc.integer({ min: 0, max: 60 }),
    checksum: fc.constantFrom('none', 'none', 'right', 'wrong', 'unknown'),
    chunked: fc.boolean(),
  })
  let runs = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async steps => {
      const path = await create(source.length, { filename: `${runs++}.bin`, raw: 'true' })
      let offset = 0
      for (const { aside, length, checksum, chunked } of steps) {
        const at = Math.max(0, offset + aside)
        const piece = source.subarray(at, at + length)
        const headers: Record<string, string> = {
          ...(checksum === 'right' && { 'upload-checksum': `sha1 ${digest('sha1', piece)}` }),
          ...(checksum === 'wrong' && { 'upload-checksum': `sha256 ${digest('sha256', Buffer.from('x'))}` }),
          ...(checksum === 'unknown' && { 'upload-checksum': 'crc32 AAAA' }),
          ...(chunked && { 'transfer-encoding': 'chunked' }),
        }
        if (offset === source.length) break
        const { status } = await patch(path, at, piece, { headers })
        const due = checksum === 'unknown' ? 400 : at !== offset ? 409 : checksum === 'wrong' ? 460 : 204
        if (status !== due) throw new Error(`${status} in place of ${due}`)
        if (due === 204) offset += piece.length
        const told = await tus('HEAD', path)
        if (told.headers['upload-offset'] !== String(offset))
          throw new Error(`${told.headers['upload-offset']}`)
      }
      if (offset < source.length) {
        const { status, headers } = await patch(path, offset, source.subarray(offset))
        if (status !== 204 || headers['repr-digest'] !== `sha-256=:${digest('sha256', source)}:`)
          throw new Error(`${status}: the whole is another file`)
      }
      if ((await tus('DELETE', path)).status !== 204) throw new Error('it does not go')
    }),
    { numRuns: 100, seed: 5 },
  )
  t.equal(runs, 100)
})

t.test('after a start folder and database agree, and no byte is told that is not there', async t => {
  const { create, patch, tus, files, folder, store, core, incoming } = await tusRig(t)
  const whole = file(9)
  const paths = await Promise.all([1, 2, 3].map(() => create(whole.length)))
  const [longer = '', lost = '', shorter = ''] = paths
  for (const path of paths) await patch(path, 0, whole.subarray(0, 40))
  const partOf = (path: string) => join(folder, 'incoming', 'resumable', `${path.split('/').at(-1)}.part`)
  writeFileSync(partOf(longer), Buffer.concat([whole.subarray(0, 40), Buffer.from('torn')]))
  rmSync(partOf(lost))
  writeFileSync(partOf(shorter), whole.subarray(0, 12))
  writeFileSync(join(folder, 'incoming', 'resumable', 'stray.part'), 'x')
  await files.close()
  const lines: string[] = []
  const note = (_fields: object, message: string) => void lines.push(message)
  const again = await ResumableFiles.open({
    ...{ store, uploads: core.uploads, clock: new VirtualClock() },
    log: { debug: note, info: note, warn: note, error: note },
    folder: join(folder, 'incoming', 'resumable'),
    maxBytes: 1000,
    inTurn: work => incoming.inTurn(work),
  })
  t.teardown(() => again.close())
  t.match(await tus('HEAD', longer), { headers: { 'upload-offset': '40' } })
  t.equal(statSync(partOf(longer)).size, 40)
  t.equal((await tus('HEAD', lost)).status, 404)
  t.match(await tus('HEAD', shorter), { headers: { 'upload-offset': '12' } })
  t.equal(readdirSync(join(folder, 'incoming', 'resumable')).length, 2)
  t.match(lines, ['an upload was dropped: its bytes are gone'])
})
