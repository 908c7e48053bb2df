import { createHash } from 'node:crypto'
import Sqlite from 'better-sqlite3'
import { decode } from 'fast-png'
import t from 'tap'
import { attachment } from '../../src/http/file-name.ts'
import { boardId, jobId, patternId, uuidV7 } from '../../src/kernel/ids.ts'
import { exporters } from '../../src/pattern/export/exporters.ts'
import { ledmFile, numbers } from '../support/pixelgate.ts'
import { type Call, lanRig } from './lan-rig.ts'

const base = '/api/v1/patterns'
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const file = (first: number): Uint8Array => ledmFile(numbers(first, 3))

async function libraryRig(t: Parameters<typeof lanRig>[0]) {
  const rig = await lanRig(t)
  const token = await rig.signIn('operator')
  const call = (path: string, call: Call = {}) => rig.call(`${base}${path}`, { token, ...call })
  const post = (query: string, body: Uint8Array, more: Call = {}) =>
    call(`?${query}`, { method: 'POST', body, ...more })
  return { ...rig, token, api: call, post }
}

t.test('a file that is new gives 201, the same bytes again 200 and the same pattern', async t => {
  const { post, api, local } = await libraryRig(t)
  const first = await post('name=fire.ledm&tag=Warm&tag=hall', file(1))
  t.match(first, {
    status: 201,
    json: { pattern: { name: 'fire.ledm', version: 1, tags: ['hall', 'warm'] } },
  })
  const { id } = first.json['pattern'] as { id: string }
  const again = await post('name=copy.ledm', file(1))
  t.match(again, {
    status: 200,
    json: { pattern: { id, name: 'fire.ledm' }, candidates: [{ format: 'ledm' }] },
  })
  t.match(await post('name=fire.ledm', file(2)), {
    status: 201,
    json: { pattern: { version: 2, tags: ['hall', 'warm'] } },
  })
  t.match(await local(`${base}?name=x.ledm&import=true`, { method: 'POST', body: file(1) }), { status: 200 })
  t.match(await local(`${base}?name=y.ledm`, { method: 'POST', body: file(1) }), { status: 200 })
  const { json } = await api(`/${id}`)
  t.match(json['provenance'], [
    { door: 'cli', who: null, fileName: 'y.ledm' },
    { door: 'import', who: null },
    { door: 'api', who: 'operator', fileName: 'copy.ledm' },
    { door: 'api', who: 'operator', fileName: 'fire.ledm' },
  ])
  t.match(await api(`/${id}/versions`), {
    json: { total: 2, patterns: [{ version: 2 }, { id, version: 1 }] },
  })
  t.match(await api(`/${id}/versions?limit=1`), { json: { total: 2, patterns: [{ version: 2 }] } })
  for (const query of [
    'name=a&tag=a,b',
    'name=a&tag=',
    `name=a&tag=${'x'.repeat(33)}`,
    'name=a&as=%00',
    'name=a&x=1',
  ])
    t.match(await post(query, file(1)), { status: 422, json: { code: 'invalid' } }, query)
})

t.test('of the same file sent by many at once one is new', async t => {
  const { post, api } = await libraryRig(t)
  const answers = await Promise.all([1, 2, 3, 4].map(n => post(`name=fire-${n}.ledm`, file(1))))
  t.same(answers.map(({ status }) => status).sort(), [200, 200, 200, 201])
  t.equal((await api('')).json['total'], 1)
})

t.test('the panel is known by its cookie', async t => {
  const { call, token, local } = await libraryRig(t)
  await call(`${base}?name=a.ledm`, {
    method: 'POST',
    body: file(1),
    headers: { cookie: `pixelgate_session=${token}` },
  })
  t.match(await local(`${base}/a.ledm`), { json: { provenance: [{ door: 'panel', who: 'operator' }] } })
})

t.test('the list is filtered by words, tag and format, and goes on page by page', async t => {
  const { post, api } = await libraryRig(t)
  for (let n = 0; n < 5; n++) await post(`name=fire-${n}.ledm&tag=${n % 2 ? 'odd' : 'even'}`, file(n))
  const names = async (query: string) => {
    const { status, json } = await api(query)
    const { patterns = [], total } = json as { patterns?: { name: string }[]; total?: number }
    return [status, total, patterns.map(({ name }) => name)]
  }
  t.same(await names('?limit=2'), [200, 5, ['fire-4.ledm', 'fire-3.ledm']])
  const { patterns } = (await api('?limit=2')).json as { patterns: { id: string }[] }
  t.same(await names(`?limit=2&before=${patterns[1]?.id}`), [200, 5, ['fire-2.ledm', 'fire-1.ledm']])
  t.same(await names('?tag=ODD'), [200, 2, ['fire-3.ledm', 'fire-1.ledm']])
  t.same(await names('?q=RE-3'), [200, 1, ['fire-3.ledm']])
  t.same(await names('?q=%25'), [200, 0, []])
  t.same(await names(`?q=${encodeURIComponent('" OR text:*')}`), [200, 0, []])
  t.same(await names('?format=gif'), [200, 0, []])
  t.equal((await names('?q=even&format=ledm'))[1], 3)
  for (const query of ['?limit=0', '?limit=101', `?q=${'x'.repeat(101)}`, '?tag=a,b', '?what=1'])
    t.equal((await api(query)).status, 422, query)
})

t.test('a page asks the database once, however many patterns it has', async t => {
  const { post, api, store } = await libraryRig(t)
  for (let n = 0; n < 30; n++) await post(`name=fire-${n}.ledm&tag=t${n}`, file(n))
  let calls = 0
  const tables = store as unknown as Record<string, Record<string, (...args: unknown[]) => unknown>>
  for (const name of ['patterns', 'patternLibrary', 'blobs', 'boards', 'jobs']) {
    const table = tables[name] ?? {}
    tables[name] = Object.fromEntries(
      Object.entries(table).map(([call, run]) => [
        call,
        (...args: unknown[]) => {
          calls += 1
          return run(...args)
        },
      ]),
    )
  }
  t.equal(((await api('?limit=30')).json['patterns'] as unknown[]).length, 30)
  t.equal(calls, 1)
})

t.test('name and tags are changed by who may, and a pattern that is in use stays', async t => {
  const { post, api, store, signIn, call } = await libraryRig(t)
  const { pattern } = (await post('name=fire.ledm', file(1))).json as { pattern: { id: string } }
  const patch = (json: unknown, id = pattern.id) => api(`/${id}`, { method: 'PATCH', json })
  t.match(await patch({ name: 'Fire', addTags: ['Winter', 'hall'] }), {
    status: 200,
    json: { pattern: { name: 'Fire', tags: ['hall', 'winter'], fileName: 'fire.ledm' } },
  })
  t.match(await patch({ dropTags: ['hall'] }, 'Fire'), { json: { pattern: { tags: ['winter'] } } })
  t.match(await patch({ tags: [] }), { json: { pattern: { tags: [] } } })
  t.match(await patch({ name: 'x' }, 'FIRE'), { status: 404 }, 'what changes wants the exact name')
  for (const body of [{}, { tags: ['a,b'] }, { name: '' }, { name: 'a\nb' }, { name: '\u202egif' }, { x: 1 }])
    t.equal((await patch(body)).status, 422, JSON.stringify(body))
  await post('name=water.ledm', file(2))
  t.match(await patch({ name: 'water.ledm' }), { status: 409 })

  const viewer = await signIn('viewer')
  for (const method of ['PATCH', 'DELETE'])
    t.equal((await call(`${base}/${pattern.id}`, { method, token: viewer })).status, 403)
  for (const part of ['', '/file', '/thumbnail', '/versions', '/fit', '/preview'])
    t.equal((await call(`${base}/${pattern.id}${part}`, { token: viewer })).status, 200, part)

  const board = boardId(uuidV7(1))
  await store.boards.seen({
    ...{ id: board, name: 'b', width: 8, height: 8, leds: 64, wiring: 'row-straight-tl', colorOrder: 'RGB' },
    ...{ linkKind: '', linkAddress: '', baudRate: null, bootId: 1, firmware: '', capsJson: '{}', nowMs: 1 },
  })
  t.match(await api(`/${pattern.id}/fit`), { json: { boards: [{ boardId: board, name: 'b', fits: false }] } })
  const made = await call('/api/v1/jobs', {
    method: 'POST',
    token: await signIn('operator'),
    json: { patternId: 'Fire', boards: [board] },
  })
  t.match(made, { status: 201 })
  const [job] = made.json['jobs'] as { id: string }[]
  const refused = await api(`/${pattern.id}`, { method: 'DELETE' })
  t.match(refused, {
    status: 409,
    json: { code: 'conflict', users: [{ kind: 'job', id: job?.id, boardId: board }] },
  })
  await store.jobs.fail({ id: jobId(job?.id ?? ''), nowMs: 1, errorCode: 'cancelled', errorMessage: '' })
  t.match(await api(`/${pattern.id}`, { method: 'DELETE' }), {
    status: 200,
    json: { removed: 1, shown: null },
  })
  t.equal((await api(`/${pattern.id}`)).status, 404)
  t.equal((await api(`/${pattern.id}`, { method: 'DELETE' })).status, 404)
})

t.test('a thumbnail is a picture with its hash as ETag, which never changes', async t => {
  const { post, api, store, folder } = await libraryRig(t)
  const { pattern } = (await post('name=fire.ledm', file(1))).json as {
    pattern: { id: string; thumbnail: string }
  }
  const answer = await api(`/${pattern.id}/thumbnail`)
  t.match(answer, { status: 200, headers: { 'content-type': 'image/png', etag: `"${pattern.thumbnail}"` } })
  t.match(answer.headers['cache-control'], /immutable/)
  for (const what of ['thumbnail', 'file']) {
    t.match((await api(`/${pattern.id}/${what}`)).headers['cache-control'], /immutable/)
    const byName = await api(`/fire/${what}`)
    t.match(byName, { status: 200, headers: { 'cache-control': 'private, no-cache' } }, 'a name goes on')
  }
  t.equal(sha(answer.bytes), pattern.thumbnail)
  t.match(decode(answer.bytes), { width: 8, height: 8 })
  const headers = { 'if-none-match': `"${pattern.thumbnail}"` }
  t.match(await api(`/${pattern.id}/thumbnail`, { headers }), { status: 304, bytes: { length: 0 } })

  const other = new Sqlite(`${folder}/gateway.db`)
  other
    .prepare('UPDATE blobs SET bytes = ? WHERE sha256 = ?')
    .run(Buffer.from('x'), Buffer.from(pattern.thumbnail, 'hex'))
  other.close()
  t.match(
    await api(`/${pattern.id}/thumbnail`),
    { status: 200, headers: { etag: `"${pattern.thumbnail}"` } },
    'drawn anew',
  )
  t.ok(await store.blobs.get(pattern.thumbnail), 'and mended')

  await post('name=bytes.bin&raw=true', file(1))
  t.match(await api('/bytes.bin/thumbnail'), { status: 404, json: { code: 'not_found' } })
})

t.test('the file comes back byte for byte, under a name that is safe; damage is told', async t => {
  const { post, api, folder } = await libraryRig(t)
  const name = '../"Größe";\r\n\u202egnp.ledm'
  const { pattern } = (await post(`name=${encodeURIComponent(name)}`, file(1))).json as {
    pattern: { id: string; name: string }
  }
  const answer = await api(`/${pattern.id}/file`)
  t.match(answer, {
    status: 200,
    headers: { 'content-type': 'application/octet-stream', etag: `"${sha(file(1))}"` },
  })
  t.ok(answer.bytes.equals(Buffer.from(file(1))))
  t.equal(
    answer.headers['content-disposition'],
    `attachment; filename="_Gr__e__gnp.ledm"; filename*=UTF-8''%22Gr%C3%B6%C3%9Fe%22%3Bgnp.ledm`,
  )
  t.notMatch(pattern.name, /[\r\n\u202e]/)
  const other = new Sqlite(`${folder}/gateway.db`)
  other
    .prepare('UPDATE blobs SET bytes = ? WHERE sha256 = ?')
    .run(Buffer.from('x'), Buffer.from(sha(file(1)), 'hex'))
  other.close()
  t.match(await api(`/${pattern.id}/file`), {
    status: 503,
    json: { code: 'storage_failed', detail: /damaged.*upload it again/ },
  })
  t.match(await post('name=fire.ledm', file(1)), { status: 200 })
  t.match(await api(`/${pattern.id}/file`), { status: 200 }, 'the same file again mends it')
})

t.test('names of files are made harmless for every program that saves them', async t => {
  t.equal(attachment('a.gif'), `attachment; filename="a.gif"; filename*=UTF-8''a.gif`)
  t.equal(attachment('/etc/passwd'), `attachment; filename="passwd"; filename*=UTF-8''passwd`)
  t.equal(attachment('C:\\x\\y.gif'), `attachment; filename="y.gif"; filename*=UTF-8''y.gif`)
  t.equal(attachment('..'), `attachment; filename="pattern"; filename*=UTF-8''pattern`)
  t.equal(attachment('.bashrc'), `attachment; filename="bashrc"; filename*=UTF-8''bashrc`)
  t.equal(
    attachment("it's (1)*!"),
    `attachment; filename="it's (1)_!"; filename*=UTF-8''it%27s%20%281%29%2A%21`,
  )
  t.equal(attachment('a\ud800b'), `attachment; filename="ab"; filename*=UTF-8''ab`)
})

t.test('a pattern is written in each format that there is; of others the refusal names these', async t => {
  const { post, api } = await libraryRig(t)
  const { pattern } = (await post('name=fire.ledm', file(1))).json as { pattern: { id: string } }
  t.match(await api(`/${pattern.id}/export?format=nonsense`), {
    status: 400,
    json: { code: 'usage', detail: /Choose one of/ },
  })
  t.equal((await api(`/${pattern.id}/export`)).status, 422)
  for (const { format, extensions } of exporters) {
    const answer = await api(`/${pattern.id}/export?format=${format}`)
    if (answer.status !== 200) t.match(answer, { status: 422, json: { code: 'does_not_fit' } }, format)
    else t.match(answer.headers['content-disposition'], `filename="fire${extensions[0] ?? ''}"`, format)
  }
})

t.test('what is unknown is not found, by whatever door', async t => {
  const { api } = await libraryRig(t)
  const id = patternId(uuidV7(1))
  for (const part of [
    '',
    '/file',
    '/thumbnail',
    '/versions',
    '/fit',
    '/preview',
    '/candidates',
    '/export?format=gif',
  ])
    t.match(await api(`/${id}${part}`), { status: 404, json: { code: 'not_found' } }, part)
})
