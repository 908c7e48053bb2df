import { connect } from 'node:net'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import t from 'tap'
import { type AuditEvent, AuditLog } from '../../src/account/audit-log.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { redact } from '../../src/ops/redact.ts'
import { migrate } from '../../src/store/migrations.ts'
import { openStore } from '../../src/store/store.ts'
import { auditCountSql, auditPageSql, auditWhere, maxAuditRows } from '../../src/store/tables/audit.ts'
import { eventually } from '../support/pixelgate.ts'
import { gatewayRig, password } from './gateway-rig.ts'

const event: AuditEvent = {
  ...{ action: 'changeBoard', resource: 'boards/1', outcome: 'ok', address: 'local', agent: 'a' },
  ...{ requestId: 'r1', principal: { kind: 'user', id: 'u1', name: 'ada' } },
}

t.test('who did what stands in the audit log, and no secret does', async t => {
  const rig = await gatewayRig(t)
  const token = await rig.signIn('ada', 'admin')
  const canary = 'canary otter lantern 7'
  await rig.call('POST', '/auth/sign-in', { json: { name: 'ada', password: canary } })
  await rig.call('POST', '/auth/sign-in', { json: { name: canary, password: canary } })
  const issued = await rig.call('POST', '/tokens', { token, json: { name: 'cron', scopes: ['*'] } })
  await rig.call('POST', '/invites', { token, json: { note: 'guests' } })
  await rig.local('POST', '/invites', { json: {} })
  const viewer = await rig.signIn('vic', 'viewer')
  await rig.call('GET', '/audit', { token: viewer })
  await rig.call('GET', '/audit', { token: issued.json.secret })

  const { json, status } = await rig.call('GET', '/audit?limit=100', { token })
  t.equal(status, 200)
  const found = (entry: object) => json.entries.some((each: object) => matches(each, entry))
  t.ok(found({ action: 'signIn', outcome: 'ok', actor: { name: 'ada' } }))
  t.ok(found({ action: 'signIn', outcome: 'wrong_password', actor: { name: 'ada' } }))
  t.ok(found({ action: 'signIn', outcome: 'unknown', actor: { name: null } }), 'passwords get typed as names')
  t.ok(
    found({
      action: 'createToken',
      outcome: 'ok',
      actor: { kind: 'user', name: 'ada' },
      address: '127.0.0.1',
    }),
  )
  t.ok(found({ action: 'createInvite', actor: { kind: 'local' }, address: 'local' }))
  t.ok(found({ action: 'listAudit', outcome: 'forbidden', actor: { name: 'vic' } }), 'refused calls too')
  t.same(
    json.entries.map(({ seq }: { seq: number }) => seq),
    [...json.entries].map(({ seq }: { seq: number }) => seq).sort((a: number, b: number) => b - a),
    'newest first',
  )
  const all = JSON.stringify(json)
  for (const secret of [canary, password, token, issued.json.secret, viewer])
    t.notOk(all.includes(secret), 'no secret is shown')

  const by = async (query: string) => (await rig.call('GET', `/audit?${query}`, { token })).json
  t.match(await by('action=createToken'), { total: 1, entries: [{ action: 'createToken' }] })
  t.equal((await by('actor=vic&outcome=forbidden')).total, 1)
  t.equal((await by('resource=invites')).total, 2, 'a kind of things')
  t.equal((await by(`resource=tokens/${issued.json.token.id}`)).total, 1, 'one thing')
  t.equal((await by('since=2100-01-01T00:00:00Z')).total, 0)
  const first = await by('limit=2')
  const second = await by(`limit=2&cursor=${first.nextCursor}`)
  t.equal(second.entries[0].seq, first.entries[1].seq - 1)
  t.equal((await rig.call('GET', '/audit?cursor=x', { token })).status, 400)
  t.equal((await rig.call('GET', '/audit?since=yesterday', { token })).status, 422)
})

t.test('suspicious input is written down, and a flood of it is not', async t => {
  const rig = await gatewayRig(t)
  const token = await rig.signIn('ada', 'admin')
  const raw = (text: string) =>
    new Promise<void>(done => {
      const { hostname, port } = new URL(rig.url)
      const socket = connect(Number(port), hostname, () => socket.end(text))
      socket.resume().on('close', () => done())
    })
  await rig.call('GET', '/boards', { headers: { host: 'evil.example' } })
  await rig.call('POST', '/auth/sign-in', { json: {}, headers: { origin: 'https://evil.example' } })
  await rig.call('POST', '/tokens', {
    token,
    body: '{"__proto__":{}}',
    headers: { 'content-type': 'application/json' },
  })
  const { host } = new URL(rig.url)
  await raw(`GET /api/v1/../../etc/passwd HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  await raw(`GET /assets/%2e%2e/%00x HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  const seen = async () => (await rig.call('GET', '/audit?action=suspicion&limit=100', { token })).json
  const kinds = async () => {
    const { entries } = await seen()
    return [...new Set(entries.map(({ outcome }: { outcome: string }) => outcome))].sort()
  }
  await eventually(async () => (await kinds()).length >= 4, 'the entries')
  t.same(await kinds(), ['foreign_origin', 'forged_prototype', 'path_trick', 'wrong_host'])
  for (let at = 0; at < 60; at++) await rig.call('GET', '/boards', { headers: { host: 'evil.example' } })
  t.ok((await seen()).total <= 14, 'so many a minute of one address')
})

t.test(
  'entries that come together are one write, in their order; a disk that fails loses none unsaid',
  async t => {
    const clock = new VirtualClock()
    const store = await openStore(`${t.testdir()}/gateway.db`)
    t.teardown(() => store.close())
    const writes: number[] = []
    let isBroken = false
    const said: object[] = []
    const log = new AuditLog({
      clock,
      redact,
      log: { ...silentLog, error: fields => void said.push({ ...fields }) },
      store: {
        audit: {
          ...store.audit,
          append: async entries => {
            writes.push(entries.length)
            if (isBroken) throw new Error('the disk is full')
            return store.audit.append(entries)
          },
        },
      },
    })
    await Promise.all(
      Array.from({ length: 100 }, (_, at) => log.record({ ...event, resource: `boards/${at}` })),
    )
    t.ok(writes.length <= 3, `${writes.length} writes for 100 entries`)
    isBroken = true
    await log.record({ ...event, resource: 'boards/lost' })
    t.match(
      said,
      [{ entry: { resource: 'boards/lost' }, reason: 'the disk is full' }],
      'the log has it as a whole',
    )
    t.same([log.stats.failures, log.stats.waiting], [1, 1])
    isBroken = false
    clock.advance(5_000)
    await log.record({ ...event, resource: 'boards/next' })
    await log.stop()
    const { entries, total } = await log.page({ limit: 200, skip: 0 })
    t.equal(total, 102)
    t.same(entries.map(({ resource }) => resource).reverse(), [
      ...Array.from({ length: 100 }, (_, at) => `boards/${at}`),
      'boards/lost',
      'boards/next',
    ])
    const large = {
      ...event,
      before: { text: 'x'.repeat(9000), list: Array.from({ length: 90 }, () => 'y'.repeat(200)) },
    }
    await log.record({ ...large, after: { password: 'hunter2', note: 'pgt_abcdefghijklmnopqrstuvwxyz' } })
    const [last] = (await log.page({ limit: 1, skip: 0 })).entries
    t.match(last?.before, { cut: true })
    t.ok(JSON.stringify(last?.before).length <= 8192)
    t.same(last?.after, { password: '[redacted]', note: '[redacted]' })
  },
)

t.test(
  '100,000 entries are kept; the oldest go and that is an entry; the newest cannot be changed',
  async t => {
    const folder = t.testdir()
    const path = join(folder, 'gateway.db')
    const store = await openStore(path)
    const row = {
      ...{
        atMs: 0,
        actorKind: 'user',
        actorId: 'u',
        actorName: 'ada',
        action: 'a',
        resource: 'boards/1',
        outcome: 'ok',
      },
      ...{ beforeJson: null, afterJson: null, address: 'local', agent: '', requestId: null },
    }
    const each = 5_000
    for (let from = 0; from <= maxAuditRows; from += each)
      await store.audit.append(
        Array.from({ length: each }, (_, at) => ({
          ...row,
          atMs: from + at,
          action: `a${(from + at) % 50}`,
        })),
      )
    const page = await store.audit.page({ limit: 1, skip: 0 })
    t.match(page.entries[0], { action: 'trimAudit', actorKind: 'system' })
    t.match(JSON.parse(page.entries[0]?.afterJson ?? ''), { removed: 6_000 })
    t.equal(page.total, maxAuditRows - 1_000 + 1)

    const queries = [
      {},
      { actorName: 'ada' },
      { actorId: 'u' },
      { action: 'a7' },
      { resource: 'boards' },
      { resource: 'boards/1', sinceMs: 500 },
      { outcome: 'forbidden' },
      { sinceMs: 99_000, untilMs: 99_500 },
      { action: 'a7', outcome: 'ok', after: { atMs: 50_000, seq: 50_001 } },
    ]
    const began = performance.now()
    for (const query of queries) await store.audit.page({ ...query, limit: 100, skip: 0 })
    t.ok(performance.now() - began < 5_000, 'all of them together')
    await store.close()

    const db = new Database(path)
    migrate(db)
    for (const query of queries) {
      const asked = { ...query, limit: 100, skip: 0 }
      const bound = { ...auditWhere(asked).bound, limit: 100, skip: 0, afterMs: 0, afterSeq: 0 }
      const used = (sql: string) => {
        const names = [...sql.matchAll(/@(\w+)/g)].map(([, name = '']) => name)
        return Object.fromEntries(Object.entries(bound).filter(([name]) => names.includes(name)))
      }
      for (const sql of [auditPageSql(asked), auditCountSql(asked)]) {
        const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(used(sql)) as { detail: string }[]
        const words = plan.map(({ detail }) => detail).join('; ')
        t.notMatch(words, /TEMP B-TREE/, `${JSON.stringify(query)}: ${words}`)
        t.notMatch(words, /SCAN audit(?! USING (COVERING )?INDEX)/, words)
      }
    }
    t.throws(() => db.prepare("UPDATE audit SET actorName = 'eve' WHERE seq = 99000").run(), /never changed/)
    t.throws(() => db.prepare('DELETE FROM audit').run(), /never removed/)
    db.close()
  },
)

t.test('a page has what was recorded before it was asked for, while the disk still writes', async t => {
  const store = await openStore(`${t.testdir()}/gateway.db`)
  t.teardown(() => store.close())
  const held: (() => void)[] = []
  const append: typeof store.audit.append = async entries => {
    await new Promise<void>(resolve => held.push(resolve))
    return store.audit.append(entries)
  }
  const log = new AuditLog({
    ...{ clock: new VirtualClock(), redact, log: silentLog },
    store: { audit: { ...store.audit, append } },
  })
  const all = [1, 2, 3].map(at => log.record({ ...event, resource: `boards/${at}` }))
  const page = log.page({ limit: 10, skip: 0 })
  while ((await store.audit.page({ limit: 1, skip: 0 })).total < 3) held.shift()?.()
  await Promise.all(all)
  t.equal((await page).total, 3)
})

t.test('whatever is put into an entry, what comes out is at most 8 KiB of JSON', async t => {
  const store = await openStore(`${t.testdir()}/gateway.db`)
  t.teardown(() => store.close())
  const log = new AuditLog({ clock: new VirtualClock(), redact, log: silentLog, store })
  await fc.assert(
    fc.asyncProperty(fc.anything({ maxDepth: 4, withMap: true, withBigInt: true }), async before => {
      await log.record({ ...event, before })
      const [entry] = (await log.page({ limit: 1, skip: 0 })).entries
      return JSON.stringify(entry?.before).length <= 8192
    }),
    { numRuns: 100 },
  )
})

function matches(value: unknown, pattern: unknown): boolean {
  if (typeof pattern !== 'object' || pattern === null) return value === pattern
  return Object.entries(pattern).every(([key, part]) =>
    matches((value as Record<string, unknown>)?.[key], part),
  )
}
