import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { keptForMs, type RepeatParts } from '../../src/http/api/idempotency.ts'
import { json, operation, Reply } from '../../src/http/api/operation.ts'
import { AppError, type ErrorCode } from '../../src/kernel/errors.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { type Asked, serve } from '../support/serve-operations.ts'

const as = 'bob/operator'
const uncertain: readonly ErrorCode[] = ['board_mute', 'board_reset', 'link_lost', 'some_boards_failed']
const keyed = (key: string, more: Asked = {}): Asked => ({
  method: 'POST',
  as,
  ...more,
  headers: { 'idempotency-key': `"${key}"`, ...more.headers },
})

async function database(t: Test) {
  const folder = await mkdtemp(join(tmpdir(), 'pixelgate-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'gateway.db')
  return { path, open: () => openStore(path) }
}

/** Operations that count their works, over a real database. */
async function gateway(t: Test, store: Store, runId = 'run-1', clock = new VirtualClock()) {
  const done: string[] = []
  const common = { method: 'post', tag: 'lamps', summary: 'Of a test', access: 'operator' } as const
  const answers = { 201: json(z.unknown(), '') }
  const body = z.strictObject({ name: z.string() })
  const gate: { open: () => void; shut: Promise<void> } = { open: () => undefined, shut: Promise.resolve() }
  const add = operation({
    ...common,
    id: 'add',
    path: '/lamps',
    body,
    answers,
    async run({ body: { name } }) {
      if (name === 'taken') throw new AppError('conflict', 'taken')
      if (name === 'bug') {
        done.push('half of it')
        throw new TypeError('a bug')
      }
      await gate.shut
      done.push(name)
      if (name === 'away') throw new AppError('board_mute', 'not there', { detail: { undone: true } })
      if (uncertain.some(code => code === name)) throw new AppError(name as ErrorCode, 'a board')
      const filler = name === 'large' ? 'x'.repeat(70_000) : ''
      return new Reply({ name, number: done.length, filler }, { headers: { Location: '/lamps/1' } })
    },
  })
  const tell = operation({
    ...common,
    id: 'tell',
    path: '/secrets',
    secret: true,
    answers,
    run: () => ({ secret: `swordfish-${done.push('secret')}` }),
  })
  const toggle = operation({
    ...common,
    id: 'toggle',
    path: '/lamps/:id/toggle',
    answers: { 200: json(z.unknown(), '') },
    run: ({ params }) => ({ times: done.push(params.id) }),
  })
  const once = operation({
    ...common,
    id: 'once',
    path: '/not-repeatable',
    repeatable: false,
    answers,
    run: () => ({ times: done.push('once') }),
  })
  const requests: RepeatParts['requests'] = store.repeatableRequests
  const rig = await serve(t, [add, tell, toggle, once], { repeats: { requests, clock, runId } })
  return { ...rig, done, gate, clock }
}

t.test('the same request with the same key is done once, and answered the same way each time', async t => {
  const store = await (await database(t)).open()
  t.teardown(() => store.close())
  const { call, done } = await gateway(t, store)
  const first = await call('/lamps', keyed('k1', { json: { name: 'hall' } }))
  t.match(first, { status: 201, json: { name: 'hall', number: 1 } })
  t.equal(first.headers['idempotency-replayed'], undefined)
  for (const key of ['"k1"', 'k1']) {
    const again = await call('/lamps', {
      ...keyed('k1', { json: { name: 'hall' } }),
      headers: { 'idempotency-key': key },
    })
    t.match(again, {
      status: 201,
      text: first.text,
      headers: { location: '/lamps/1', 'idempotency-replayed': 'true' },
    })
  }
  t.same(done, ['hall'])
  t.match(await call('/lamps', keyed('k1', { json: { name: 'other' } })), {
    status: 422,
    json: { code: 'invalid' },
  })
  t.match(
    await call('/lamps?x=1', keyed('k1', { json: { name: 'hall' } })),
    { status: 422 },
    'the query counts',
  )
  t.match(await call('/lamps/1/toggle', keyed('k1')), { status: 422 }, 'the path counts')
  t.match(await call('/lamps', keyed('k1', { json: { name: 'hall' }, as: 'eve/operator' })), { status: 201 })
  t.same(done, ['hall', 'hall'], 'a key is its own of each person')
  t.match(await call('/lamps', keyed('k1', { json: { name: 'hall' }, as: 'bob/viewer' })), { status: 403 })
  t.match(await call('/lamps', { method: 'POST', as, json: { name: 'free' } }), { status: 201 })
  t.equal(done.length, 3, 'without a key it is done each time')
  t.match(await call('/lamps', keyed(' '.repeat(300), { json: { name: 'x' } })), { status: 400 })
  t.match(await call('/lamps/9/toggle', keyed('k2')), { status: 200, json: { times: 4 } })
  t.match(await call('/lamps/9/toggle', keyed('k2')), { status: 200, json: { times: 4 } })
  await call('/not-repeatable', keyed('k3'))
  t.match(
    await call('/not-repeatable', keyed('k3')),
    { json: { times: 6 } },
    'where a key is of no use it is not looked at',
  )
})

t.test(
  'two hundred at once with one key: one does the work, the others hear that it is being done',
  async t => {
    const store = await (await database(t)).open()
    t.teardown(() => store.close())
    const { call, done, gate } = await gateway(t, store)
    gate.shut = new Promise(resolve => {
      gate.open = resolve
    })
    let answered = 0
    const race = Array.from({ length: 200 }, async () => {
      const answer = await call('/lamps', keyed('race', { json: { name: 'hall' } }))
      answered += 1
      if (answered === 199) gate.open()
      return answer
    })
    const statuses = (await Promise.all(race)).map(({ status }) => status)
    t.same(done, ['hall'])
    t.equal(statuses.filter(status => status === 201).length, 1)
    t.equal(statuses.filter(status => status === 409).length, 199)
    t.match(await call('/lamps', keyed('race', { json: { name: 'hall' } })), {
      status: 201,
      headers: { 'idempotency-replayed': 'true' },
    })
    // Without a gate, the race is between the work's end and the repetitions.
    const open = Array.from({ length: 200 }, (_, at) =>
      call('/lamps', keyed(`open-${at % 4}`, { json: { name: `lamp-${at % 4}` } })),
    )
    for (const { status } of await Promise.all(open)) t.ok([201, 409].includes(status))
    t.same(done.slice(1).sort(), ['lamp-0', 'lamp-1', 'lamp-2', 'lamp-3'])
  },
)

t.test(
  'what was refused was not done, so its key may be used again; after a fault of ours nobody knows',
  async t => {
    const store = await (await database(t)).open()
    t.teardown(() => store.close())
    const { call, done } = await gateway(t, store)
    t.match(await call('/lamps', keyed('k', { json: { wrong: 1 } })), { status: 422 })
    t.match(await call('/lamps', keyed('k', { json: { name: 'taken' } })), {
      status: 409,
      json: { detail: 'taken' },
    })
    t.match(await call('/lamps', keyed('k', { json: { name: 'hall' } })), { status: 201 })
    t.match(await call('/lamps', keyed('b', { json: { name: 'bug' } })), {
      status: 500,
      json: { code: 'internal' },
    })
    const after = await call('/lamps', keyed('b', { json: { name: 'bug' } }))
    t.match(after, { status: 409, json: { detail: /not known whether it was done/ } })
    t.same(done, ['hall', 'half of it'])
    for (const code of uncertain) {
      const asked = keyed(code, { json: { name: code } })
      t.match(await call('/lamps', asked), { json: { code } })
      t.match(await call('/lamps', asked), { status: 409, json: { detail: /not known whether it was done/ } })
      t.equal(done.at(-1), code)
      t.equal(done.filter(name => name === code).length, 1, 'a board may have done it')
    }
    for (let times = 0; times < 2; times++)
      t.match(await call('/lamps', keyed('a', { json: { name: 'away' } })), { json: { code: 'board_mute' } })
    t.equal(done.filter(name => name === 'away').length, 2, 'one that was not there has not')
  },
)

t.test('a start in between changes nothing, and a request that it has cut short is known', async t => {
  const { open } = await database(t)
  const clock = new VirtualClock()
  let store = await open()
  const before = await gateway(t, store, 'run-1', clock)
  await before.call('/lamps', keyed('whole', { json: { name: 'hall' } }))
  before.gate.shut = new Promise(() => undefined)
  // Never answered: the process ends meanwhile.
  before.call('/lamps', keyed('cut', { json: { name: 'attic' } })).catch(() => undefined)
  while ((await before.call('/lamps', keyed('cut', { json: { name: 'attic' } }))).status !== 409);
  await store.close()

  store = await open()
  t.teardown(() => store.close())
  const { call, done } = await gateway(t, store, 'run-2', clock)
  t.match(await call('/lamps', keyed('whole', { json: { name: 'hall' } })), {
    status: 201,
    json: { number: 1 },
  })
  const cut = await call('/lamps', keyed('cut', { json: { name: 'attic' } }))
  t.match(cut, { status: 409, json: { code: 'conflict', detail: /not known whether it was done/ } })
  t.same(done, [])
  clock.advance(keptForMs + 1)
  t.match(await call('/lamps', keyed('whole', { json: { name: 'hall' } })), { status: 201 })
  t.same(done, ['hall'], 'after a day a key means nothing any more')
})

t.test('secrets are not kept, nor what is large: a repetition hears that it was done', async t => {
  const { open, path } = await database(t)
  const store = await open()
  const { call, done } = await gateway(t, store)
  const told = await call('/secrets', keyed('s'))
  t.match(told, { status: 201, json: { secret: 'swordfish-1' }, headers: { 'cache-control': 'no-store' } })
  t.match(await call('/secrets', keyed('s')), { status: 409, json: { detail: /was done already/ } })
  t.match(await call('/lamps', keyed('l', { json: { name: 'large' } })), { status: 201 })
  t.match(await call('/lamps', keyed('l', { json: { name: 'large' } })), {
    status: 409,
    json: { detail: /too large/ },
  })
  t.same(done, ['secret', 'large'])
  await store.close()
  const { readFile } = await import('node:fs/promises')
  for (const suffix of ['', '-wal']) {
    const bytes = await readFile(`${path}${suffix}`).catch(() => Buffer.alloc(0))
    t.notOk(bytes.includes('swordfish'), `nothing of it in the database${suffix}`)
  }
})

t.test('only so many are kept of a person and in all, and old ones make room', async t => {
  const store = await (await database(t)).open()
  t.teardown(() => store.close())
  const begin = (owner: string, at: number, nowMs = 0) =>
    store.repeatableRequests.begin(
      {
        owner,
        keySha: at.toString(16).padStart(64, '0'),
        fingerprint: '0'.repeat(64),
        runId: 'r',
        createdMs: nowMs,
        expiresMs: nowMs + 1000,
      },
      { ownRequests: 3, ownBytes: 100, requests: 5, sizeBytes: 1000 },
    )
  const is = async (...call: Parameters<typeof begin>) => (await begin(...call)).is
  t.same(await Promise.all([1, 2, 3, 4].map(at => is('a', at))), ['new', 'new', 'new', 'full'])
  t.equal(await is('a', 1), 'running', 'what is known is answered all the same')
  t.same(await Promise.all([1, 2, 3].map(at => is('b', at))), ['new', 'new', 'full'], 'five in all')
  t.equal(await is('a', 4, 1000), 'new', 'they have expired')
  const named = { owner: 'a', keySha: '4'.padStart(64, '0') }
  const answer = { status: 200, headersJson: '{}', kept: 'whole', body: Buffer.alloc(200) } as const
  await store.repeatableRequests.finish(named, answer)
  t.equal(await is('a', 5, 1000), 'full', 'bytes count')
  t.equal(await is('a', 5, 500_000), 'new')
  t.equal(await is('a', 5, 0), 'new', 'a clock that was ahead keeps nothing for ever')
})
