import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { boardId } from '../../src/kernel/ids.ts'
import { type Log, silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { BoardLog } from '../../src/upload/board-log.ts'

const [one, two] = ['aaaaaaaa', 'bbbbbbbb'].map(text => boardId(`${text}-0000-4000-8000-000000000001`)) as [
  ReturnType<typeof boardId>,
  ReturnType<typeof boardId>,
]
const all = { skip: 0, limit: 5000 }

async function logRig(t: Test) {
  const folder = await mkdtemp(join(tmpdir(), 'board-log-'))
  const store = await openStore(join(folder, 'gateway.db'))
  const clock = new VirtualClock()
  for (const id of [one, two])
    await store.boards.seen({
      ...{ id, name: id, width: 0, height: 0, leds: 8, wiring: 'row-straight-tl', colorOrder: 'RGB' },
      ...{ linkKind: 'serial', linkAddress: '/dev/x', baudRate: null, bootId: 1, firmware: 'x' },
      ...{ capsJson: '{}', nowMs: 1 },
    })
  const writes: number[] = []
  let failing = false
  const boardLog: Store['boardLog'] = {
    page: store.boardLog.page,
    add: async batch => {
      if (failing) throw new Error('the disk is full')
      writes.push(batch.entries.length)
      await store.boardLog.add(batch)
    },
  }
  const warnings: [string, object][] = []
  const log: Log = { ...silentLog, warn: (fields, message) => void warnings.push([message, fields]) }
  const kept = new BoardLog({ store: { boardLog }, clock, log })
  t.teardown(async () => {
    await kept.close()
    await store.close()
    await rm(folder, { recursive: true })
  })
  const messages = async (id = one) =>
    (await kept.page({ boardId: id, ...all })).entries.map(({ message }) => message)
  const setFailing = (now: boolean) => {
    failing = now
  }
  return { store, clock, log: kept, writes, warnings, messages, setFailing }
}

const line = (message: string, id = one) => ({ boardId: id, kind: 'job', message }) as const

t.test('entries are written together, ten seconds after the first of them', async t => {
  const { clock, log, writes, store } = await logRig(t)
  for (let n = 0; n < 500; n++) {
    log.add(line(`${n}`))
    clock.advance(19)
  }
  t.same(writes, [], 'nothing for 9.5 s')
  clock.advance(1000)
  await log.flush()
  t.same(writes, [500])
  clock.advance(3_600_000)
  await log.flush()
  t.same(writes, [500], 'a quiet hour writes nothing')
  log.add(line('last'))
  t.equal((await store.boardLog.page({ boardId: one, ...all })).total, 500)
  t.equal((await log.page({ boardId: one, ...all })).total, 501, 'whoever reads sees all')
})

t.test('each board keeps its newest thousand, whoever else is loud', async t => {
  const { log, messages } = await logRig(t)
  log.add(line('quiet', two))
  for (let n = 0; n < 2600; n++) {
    log.add(line(`${n}`))
    if (n % 400 === 0) await log.flush()
  }
  const kept = await messages()
  t.equal(kept.length, 1000)
  t.equal(kept[0], '2599')
  t.equal(kept.at(-1), '1600')
  t.same(await messages(two), ['quiet'])
})

t.test('a disk that refuses costs nothing while there is room, and what is lost is counted', async t => {
  const { clock, log, warnings, messages, setFailing } = await logRig(t)
  setFailing(true)
  for (let n = 0; n < 10; n++) log.add(line(`${n}`))
  await log.flush()
  t.equal(log.waiting, 10)
  t.match(warnings, [['the log of boards could not be written', { reason: 'the disk is full' }]])
  log.add(line('10'))
  setFailing(false)
  clock.advance(10_000)
  await log.flush()
  t.same(
    await messages(),
    Array.from({ length: 11 }, (_, at) => `${10 - at}`),
    'in order',
  )
  setFailing(true)
  for (let n = 0; n < 1500; n++) log.add(line(`more ${n}`))
  await log.flush()
  t.equal(log.waiting, 1000)
  setFailing(false)
  await log.flush()
  t.same(warnings.at(-1), ['entries of the log of boards were lost', { entries: 500 }])
  t.equal((await messages())[0], 'more 1499')
})

t.test('of one thing that is said again and again the last is kept, others stay between', async t => {
  const { log, messages } = await logRig(t)
  const dim = (level: number, id = one) =>
    log.add({ ...line(`brightness ${level}`, id), merge: 'brightness' })
  dim(1)
  dim(1, two)
  dim(2)
  log.add(line('stop'))
  dim(3)
  dim(4)
  t.same(await messages(), ['brightness 4', 'stop', 'brightness 2'])
  t.same(await messages(two), ['brightness 1'])
  dim(5)
  t.same(await messages(), ['brightness 5', 'brightness 4', 'stop', 'brightness 2'], 'what is written stays')
})

t.test('what is said of a board that was forgotten is not said of the next one with its id', async t => {
  const { log, store, messages } = await logRig(t)
  log.add(line('old'))
  log.add(line('other', two))
  await store.boards.forget(one)
  t.same(await messages(two), ['other'], 'the others of the batch are written')
  t.same(await messages(), [])
  log.add(line('waits'))
  log.forget(one)
  t.equal(log.waiting, 0)
})

t.test('pages join without a gap for every filter (seed in the report of a failure)', async t => {
  const { log, store } = await logRig(t)
  const kinds = ['job', 'command', 'lost'] as const
  for (let n = 0; n < 300; n++) {
    const atMs = (n * 7919) % 1000
    const entry = { boardId: n % 5 === 0 ? two : one, kind: kinds[n % 3] ?? 'job', message: `${n}`, atMs }
    await store.boardLog.add({ entries: [{ ...entry, who: null, door: null, detailJson: null }], keep: 1000 })
  }
  const everything = (await store.boardLog.page({ boardId: one, ...all })).entries
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 100 }),
      fc.option(fc.integer({ min: 0, max: 1000 }), { nil: undefined }),
      fc.option(fc.uniqueArray(fc.constantFrom(...kinds)), { nil: undefined }),
      async (limit, sinceMs, wanted) => {
        const read: number[] = []
        let before: number | undefined
        for (;;) {
          const query = { boardId: one, limit, skip: 0, before, sinceMs, kinds: wanted }
          const { entries, total } = await log.page(query)
          read.push(...entries.map(({ id }) => Number(id)))
          before = read.at(-1)
          if (entries.length < limit) {
            t.equal(total, read.length)
            break
          }
        }
        const expected = everything.filter(
          ({ atMs, kind }) =>
            (sinceMs === undefined || atMs >= sinceMs) &&
            (wanted === undefined || wanted.some(each => each === kind)),
        )
        t.same(
          read,
          expected.map(({ seq }) => seq),
        )
      },
    ),
    { numRuns: 40 },
  )
})
