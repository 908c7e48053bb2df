import { createHash } from 'node:crypto'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { type BoardId, boardId, type JobId, jobId, patternId, uuidV7 } from '../../src/kernel/ids.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import type { SeenBoard } from '../../src/store/tables/boards.ts'
import { finalStates, type JobState, unfinishedStates } from '../../src/store/tables/job-record.ts'
import type { NewJob } from '../../src/store/tables/jobs.ts'
import { arriving } from '../support/arriving.ts'

const shelf = boardId('6f1d3c52-8a0e-4a51-9c27-0d4c8e2b7a11')
const window = boardId('0b9e54aa-3f0c-4b7d-8d51-b5f0a7a7e902')
const unknownBoard = boardId('ffffffff-ffff-4fff-8fff-ffffffffffff')

const seen = (id: BoardId, change: Partial<SeenBoard> = {}): SeenBoard => ({
  id,
  name: 'Shelf',
  width: 16,
  height: 8,
  leds: 128,
  wiring: 'serpentine',
  colorOrder: 'GRB',
  linkKind: 'serial',
  linkAddress: '/dev/serial/by-id/usb-1a86',
  baudRate: 115_200,
  bootId: 7,
  firmware: 'pixelgate 1.0.0',
  capsJson: '{"slots":2}',
  nowMs: 1000,
  ...change,
})

let lastId = 0
const newJobId = (): JobId => jobId(uuidV7(1_700_000_000_000 + lastId++))
const newJob = (change: Partial<NewJob> = {}): NewJob => ({
  id: newJobId(),
  batchId: 'batch-1',
  boardId: shelf,
  name: 'flame',
  patternId: null,
  raw: false,
  optionsJson: '{"brightness":128}',
  sourceSha: null,
  nowMs: 2000,
  ...change,
})

async function open(t: Test): Promise<Store> {
  const store = await openStore(join(t.testdir(), 'gateway.db'))
  t.teardown(() => store.close())
  return store
}

async function openWithBoards(t: Test): Promise<Store> {
  const store = await open(t)
  await Promise.all([store.boards.seen(seen(shelf)), store.boards.seen(seen(window, { name: 'Window' }))])
  return store
}

/** Brings a new job into the state, by the ways that the program has. */
async function jobIn(store: Store, state: JobState): Promise<JobId> {
  const job = newJob()
  const change = { id: job.id, nowMs: 2500 }
  await store.jobs.insert(job)
  if (state === 'failed') {
    await store.jobs.fail({ ...change, errorCode: 'board_mute', errorMessage: 'the board does not answer' })
  } else if (state === 'done') {
    await store.jobs.setState({ ...change, from: ['queued'], to: 'verifying' })
    const digest = { digestAlg: 'sha256', digestValue: 'ab', payloadBytes: 5, statsJson: null }
    await store.jobs.finish({ ...change, ...digest })
  } else if (state !== 'queued') {
    await store.jobs.setState({ ...change, from: ['queued'], to: state })
  }
  return job.id
}

t.test('a blob is found by the SHA-256 of its bytes and stored once', async t => {
  const store = await open(t)
  const bytes = Buffer.from('pixelgate').subarray(2, 7)
  const sha = await store.blobs.put({ bytes, nowMs: 1 })
  t.equal(sha, createHash('sha256').update(bytes).digest('hex'))
  t.equal(
    await store.blobs.put({ bytes: new Uint8Array(bytes), nowMs: 2 }),
    sha,
    'the same bytes, the same blob',
  )
  const back = await store.blobs.get(sha)
  t.same(Buffer.from(back), bytes)
  t.equal(back.buffer.byteLength, bytes.byteLength, 'no foreign bytes cross with it')
  t.equal(
    (await store.blobs.get(await store.blobs.put({ bytes: new Uint8Array(0), nowMs: 1 }))).byteLength,
    0,
  )
  await t.rejects(store.blobs.get('0'.repeat(64)), { code: 'not_found' })
  await t.rejects(store.blobs.get('nonsense'), { message: /64 lower-case hexadecimal/ })
})

t.test('only blobs that nothing names and that are old enough are pruned', async t => {
  const store = await openWithBoards(t)
  const put = (text: string, nowMs = 10) => store.blobs.put({ bytes: Buffer.from(text), nowMs })
  const [source, manifest, image] = await Promise.all(['s', 'm', 'i'].map(text => put(text)))
  const [loose, fresh] = await Promise.all([put('loose'), put('fresh', 99)])
  if (!source || !manifest || !image) throw new Error('put gives a hash')
  const job = newJob({ sourceSha: source })
  await store.jobs.insert(job)
  const made = { manifestSha: manifest, imageSha: image, transferId: 'ab', blocks: 1, imageBytes: 1 }
  t.equal(await store.jobs.setImage({ id: job.id, nowMs: 3, ...made }), true)
  const { pattern } = await store.patterns.keep(
    arriving({ bytes: Buffer.from('p'), thumbnail: Buffer.from('tt'), arrivedMs: 10 }),
  )
  const { sourceSha, thumbnailSha } = pattern

  t.same(await store.blobs.prune({ beforeMs: 50 }), { count: 1, sizeBytes: 5 })
  await t.rejects(store.blobs.get(loose), { code: 'not_found' })
  for (const sha of [source, manifest, image, sourceSha, thumbnailSha ?? '', fresh])
    t.ok(await store.blobs.get(sha))

  await store.jobs.fail({ id: job.id, nowMs: 20, errorCode: 'cancelled', errorMessage: 'by the user' })
  t.equal(await store.jobs.removeFinished({ beforeMs: 20 }), 0)
  t.equal(await store.jobs.removeFinished({ beforeMs: 21 }), 1)
  await store.patternLibrary.remove({ id: pattern.id, versions: 'one' })
  await t.rejects(store.blobs.get(sourceSha), { code: 'not_found' }, 'what nothing names goes at once')
  await t.rejects(store.blobs.get(thumbnailSha ?? ''), { code: 'not_found' })
  t.same(await store.blobs.prune({ beforeMs: 100 }), { count: 4, sizeBytes: 8 })
})

t.test('a board keeps what the user gave it when it is seen again', async t => {
  const store = await open(t)
  const first = await store.boards.seen(seen(shelf))
  t.match(first, { powerCapMa: null, generation: 0, quarantined: false, firstSeenMs: 1000, lastSeenMs: 1000 })
  await store.boards.rename({ id: shelf, name: 'Top shelf' })
  const profile = {
    id: shelf,
    width: 8,
    height: 16,
    wiring: 'rows',
    layoutJson: null,
    colorOrder: 'RGB',
    powerCapMa: 900,
  }
  await store.boards.setProfile(profile)
  t.equal((await store.boards.quarantine({ id: shelf })).quarantined, true)

  const strip = { width: 0, height: 0, leds: 120, bootId: 8, linkAddress: '/dev/ttyUSB1', nowMs: 5000 }
  const again = await store.boards.seen(seen(shelf, strip))
  const kept = { ...profile, name: 'Top shelf', quarantined: true, firstSeenMs: 1000 }
  t.match(again, { ...kept, leds: 120, bootId: 8, linkAddress: '/dev/ttyUSB1', lastSeenMs: 5000 })
  t.match(await store.boards.seen(seen(shelf, { width: 32, height: 4 })), { width: 32, height: 4 })

  t.equal((await store.boards.release({ id: shelf })).quarantined, false)
  t.equal(await store.boards.get(unknownBoard), undefined)
  await store.boards.seen(seen(window, { name: 'Window' }))
  const names = (await store.boards.list()).map(board => board.name)
  t.same(names, ['Top shelf', 'Window'])
  await t.rejects(store.boards.rename({ id: unknownBoard, name: 'x' }), { code: 'not_found' })
})

t.test('no greeting undoes a layout', async t => {
  const store = await open(t)
  await store.boards.seen(seen(shelf))
  const { width, height } = await store.boards.setProfile({
    ...{ id: shelf, width: 9, height: 9, wiring: 'rows', colorOrder: 'RGB', powerCapMa: null },
    layoutJson: '{"kind":"rings"}',
  })
  t.match(await store.boards.seen({ ...seen(shelf), width: 32, height: 4 }), {
    width,
    height,
    layoutJson: '{"kind":"rings"}',
  })
})

t.test('no generation is given out twice', async t => {
  const store = await openWithBoards(t)
  const given = await Promise.all(Array.from({ length: 50 }, () => store.boards.nextGeneration(shelf)))
  t.same(
    given,
    Array.from({ length: 50 }, (_, index) => index + 1),
  )
  t.equal(await store.boards.nextGeneration(window), 1)
  await store.boards.seen(seen(shelf))
  t.equal(await store.boards.nextGeneration(shelf), 51, 'a handshake does not set it back')
  await t.rejects(store.boards.nextGeneration(unknownBoard), { code: 'not_found' })
})

t.test('patterns are listed newest first, page by page', async t => {
  const store = await open(t)
  // The clock goes back between them, as on a Pi before it has the time: order is that of insertion all the same.
  const ids = [3000, 2000, 1000].map(ms => patternId(uuidV7(ms)))
  for (const id of ids) {
    await store.patterns.keep(arriving({ id, bytes: Buffer.from(id), fileName: `${id}.gif` }))
  }
  const [oldest, middle, newest] = ids
  if (!oldest || !middle || !newest) throw new Error('three ids')
  const page = await store.patterns.list({ limit: 2 })
  t.same([page.total, page.patterns.map(pattern => pattern.id)], [3, [newest, middle]])
  const rest = await store.patterns.list({ limit: 2, before: middle })
  t.same([rest.total, rest.patterns.map(pattern => pattern.id)], [3, [oldest]])
  const { sourceSha } = (await store.patterns.get(oldest)) ?? { sourceSha: '' }
  t.match(await store.patterns.get(oldest), { name: `${oldest}.gif`, format: 'gif', sizeBytes: 36 })
  const job = newJob({ patternId: oldest, sourceSha })
  await store.boards.seen(seen(shelf))
  await store.jobs.insert(job)
  await store.jobs.fail({ id: job.id, nowMs: 20, errorCode: 'cancelled', errorMessage: 'by the user' })
  t.match(await store.patternLibrary.remove({ id: oldest, versions: 'one' }), { removed: 1, shown: null })
  await t.rejects(store.patternLibrary.remove({ id: oldest, versions: 'one' }), { code: 'not_found' })
  t.equal(await store.patterns.get(oldest), undefined)
  t.match(await store.jobs.get(job.id), { patternId: null, sourceSha }, 'its jobs keep the source')
  t.ok(await store.blobs.get(sourceSha))
})

t.test('a job runs from queued to done and keeps what it learnt on the way', async t => {
  const store = await openWithBoards(t)
  const [manifestSha, imageSha] = await Promise.all(
    ['manifest', 'image'].map(text => store.blobs.put({ bytes: Buffer.from(text), nowMs: 1 })),
  )
  if (!manifestSha || !imageSha) throw new Error('put gives a hash')
  const job = newJob({ raw: true })
  await store.jobs.insert(job)
  const fresh = {
    id: job.id,
    state: 'queued',
    raw: true,
    attempts: 0,
    blocks: 0,
    manifestSha: null,
    createdMs: 2000,
  }
  t.match(await store.jobs.get(job.id), fresh)
  const at = (nowMs: number) => ({ id: job.id, nowMs })
  const image = { manifestSha, imageSha, transferId: 'c0ffee', blocks: 9, imageBytes: 5000 }
  t.equal(await store.jobs.setImage({ ...at(2100), ...image }), true)
  t.equal(await store.jobs.setState({ ...at(2200), from: ['queued', 'waiting'], to: 'transferring' }), true)
  const lost = { errorCode: 'link_lost', errorMessage: 'the cable was pulled' }
  t.equal(await store.jobs.noteError({ ...at(2250), ...lost }), true)
  const noted = { durableBlocks: 4, payloadBytes: 2048, statsJson: '{"frames":20}' }
  t.equal(await store.jobs.checkpoint({ ...at(2300), ...noted }), true)
  t.equal(await store.jobs.setState({ ...at(2400), from: ['transferring'], to: 'waiting' }), true)
  t.match(await store.jobs.get(job.id), { state: 'waiting', attempts: 1, ...image, ...noted, ...lost })
  t.equal(await store.jobs.setState({ ...at(2500), from: ['waiting'], to: 'transferring' }), true)
  t.match(await store.jobs.get(job.id), { attempts: 2, errorCode: null, errorMessage: null })
  t.equal(await store.jobs.setState({ ...at(2600), from: ['transferring'], to: 'verifying' }), true)
  const end = { digestAlg: 'sha256', digestValue: 'd1', payloadBytes: 4096, statsJson: '{"frames":40}' }
  t.equal(await store.jobs.finish({ ...at(2700), ...end }), true)
  const done = { state: 'done', durableBlocks: 9, attempts: 2, finishedMs: 2700, updatedMs: 2700, ...end }
  t.match(await store.jobs.get(job.id), done)
  t.equal(await store.jobs.get(newJobId()), undefined)
})

t.test('a finished job is never reopened, and a move from elsewhere changes nothing', async t => {
  const store = await openWithBoards(t)
  for (const state of finalStates) {
    const id = await jobIn(store, state)
    const before = await store.jobs.get(id)
    t.equal(before?.state, state)
    t.not(before?.finishedMs, null)
    const change = { id, nowMs: 9000 }
    const digest = { digestAlg: 'x', digestValue: 'y', payloadBytes: 1, statsJson: null }
    const all = [
      store.jobs.setState({ ...change, from: [...unfinishedStates, state as never], to: 'queued' }),
      store.jobs.setState({ ...change, from: [state as never], to: 'cancelled' }),
      store.jobs.checkpoint({ ...change, durableBlocks: 1, payloadBytes: 1, statsJson: null }),
      store.jobs.noteError({ ...change, errorCode: 'usage', errorMessage: 'x' }),
      store.jobs.finish({ ...change, ...digest }),
      store.jobs.fail({ ...change, errorCode: 'usage', errorMessage: 'x' }),
    ]
    t.same(await Promise.all(all), Array(6).fill(false))
    t.same(await store.jobs.get(id), before)
  }
  for (const state of unfinishedStates) {
    const id = await jobIn(store, state)
    const others = unfinishedStates.filter(other => other !== state)
    t.equal(await store.jobs.setState({ id, nowMs: 9000, from: others, to: 'cancelled' }), false)
    const digest = { digestAlg: 'x', digestValue: 'y', payloadBytes: 1, statsJson: null }
    const finishes = ['transferring', 'verifying', 'trial'].includes(state)
    t.equal(
      await store.jobs.finish({ id, nowMs: 9000, ...digest }),
      finishes,
      `${state} may become done: ${finishes}`,
    )
    t.equal(await store.jobs.setState({ id, nowMs: 9001, from: [state], to: 'cancelled' }), !finishes)
  }
})

t.test(
  'jobs list by board, batch and state, newest first, and restart finds the unfinished in order',
  async t => {
    const store = await openWithBoards(t)
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            board: fc.constantFrom(shelf, window),
            batch: fc.constantFrom('a', 'b'),
            state: fc.constantFrom(
              'queued' as const,
              'waiting' as const,
              'cancelled' as const,
              'failed' as const,
            ),
            clockMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
          }),
          { maxLength: 30 },
        ),
        fc.record({
          boardId: fc.constantFrom(undefined, shelf, window),
          batchId: fc.constantFrom(undefined, 'a', 'b'),
          states: fc.constantFrom<undefined | JobState[]>(undefined, [], ['queued'], ['waiting', 'failed']),
        }),
        fc.integer({ min: 1, max: 7 }),
        async (rows, wanted, limit) => {
          const model = rows.map(row => ({ ...row, id: jobId(uuidV7(row.clockMs)) }))
          const run = `${lastId++}-`
          const made = model.map(row => newJob({ id: row.id, boardId: row.board, batchId: run + row.batch }))
          await store.jobs.insertBatch(made)
          for (const { id, state } of model) {
            const change = { id, nowMs: 3000 }
            if (state === 'failed') await store.jobs.fail({ ...change, errorCode: 'usage', errorMessage: '' })
            else if (state !== 'queued') await store.jobs.setState({ ...change, from: ['queued'], to: state })
          }
          const filter = {
            ...(wanted.boardId && { boardId: wanted.boardId }),
            ...(wanted.batchId && { batchId: run + wanted.batchId }),
            ...(wanted.states && { states: wanted.states }),
          }
          const expected = model
            .filter(row => wanted.boardId === undefined || row.board === wanted.boardId)
            .filter(row => wanted.batchId === undefined || row.batch === wanted.batchId)
            .filter(row => wanted.states === undefined || wanted.states.includes(row.state))
            .map(row => row.id)
            .reverse()
          const listed: JobId[] = []
          for (;;) {
            const before = listed.at(-1)
            const page = await store.jobs.list({ ...filter, limit, ...(before && { before }) })
            if (page.total !== expected.length) throw new Error(`total ${page.total}, not ${expected.length}`)
            if (page.jobs.length === 0) break
            listed.push(...page.jobs.map(job => job.id))
          }
          const open = model
            .filter(row => row.state !== 'cancelled' && row.state !== 'failed')
            .map(row => row.id)
          const found = (await store.jobs.unfinished()).map(job => job.id)
          for (const { id, state } of model) {
            if (state !== 'failed' && state !== 'cancelled') {
              await store.jobs.fail({ id, nowMs: 3001, errorCode: 'usage', errorMessage: '' })
            }
          }
          await store.jobs.removeFinished({ beforeMs: 4000 })
          return JSON.stringify([listed, found]) === JSON.stringify([expected, open])
        },
      ),
      { numRuns: 60 },
    )
  },
)

t.test('a job that names nothing real is refused, and a batch is taken whole or not at all', async t => {
  const store = await openWithBoards(t)
  await t.rejects(store.jobs.insert(newJob({ boardId: unknownBoard })), { code: 'conflict' })
  await t.rejects(store.jobs.insert(newJob({ sourceSha: '1'.repeat(64) })), { code: 'conflict' })
  const twin = newJob()
  await store.jobs.insert(twin)
  await t.rejects(store.jobs.insert(twin), { code: 'conflict', message: /exists already/ })
  const [first, second] = [newJob(), newJob({ boardId: unknownBoard })]
  await t.rejects(store.jobs.insertBatch([first, second]), { code: 'conflict' })
  t.equal(await store.jobs.get(first.id), undefined)
  t.same(
    (await store.jobs.unfinished()).map(job => job.id),
    [twin.id],
  )
})

t.test('approved ports and settings are kept by their key', async t => {
  const store = await open(t)
  const port = { path: '/dev/ttyACM0', kind: 'serial', baudRate: 115_200, approvedMs: 5 }
  await store.approvedPorts.approve(port)
  await store.approvedPorts.approve({ ...port, baudRate: null, approvedMs: 6 })
  t.same(await store.approvedPorts.get(port.path), { ...port, baudRate: null, approvedMs: 6 })
  t.equal((await store.approvedPorts.list()).length, 1)
  t.equal(await store.approvedPorts.revoke(port.path), true)
  t.equal(await store.approvedPorts.revoke(port.path), false)
  t.equal(await store.approvedPorts.get(port.path), undefined)

  t.equal(await store.settings.get('claim'), undefined)
  await store.settings.set({ key: 'claim', value: 'a' })
  await store.settings.set({ key: 'claim', value: 'b' })
  t.equal(await store.settings.get('claim'), 'b')
  t.same([await store.settings.remove('claim'), await store.settings.remove('claim')], [true, false])
})
