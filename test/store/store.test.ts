import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setImmediate as nextTurn } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/kernel/clock.ts'
import type { AppError } from '../../src/kernel/errors.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { argumentSizeBytes, withOwnBytes } from '../../src/store/argument-size.ts'
import { schemaVersion } from '../../src/store/migrations.ts'
import { StorageThread } from '../../src/store/storage-thread.ts'
import { openStore, type Store, type StoreOptions } from '../../src/store/store.ts'

const pathIn = (t: Test): string => join(t.testdir(), 'state', 'gateway.db')

async function open(t: Test, path: string, options: StoreOptions = {}): Promise<Store> {
  const store = await openStore(path, options)
  t.teardown(() => store.close())
  return store
}

/** Holds the write lock, as another program would; ends with the test at the latest. */
function lock(t: Test, path: string): () => void {
  const other = new Sqlite(path)
  t.teardown(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  return () => void other.exec('COMMIT')
}

/** Another process with the same loader as this one. `source` finds openStore, path and say(line). */
function run(t: Test, path: string, source: string): ChildProcess {
  const store = new URL('../../src/store/store.ts', import.meta.url).href
  const head = `import { openStore } from ${JSON.stringify(store)}
    const path = ${JSON.stringify(path)}
    const say = line => process.stdout.write(line + '\\n')\n`
  const file = join(t.testdirName, 'child.mjs')
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(file, head + source)
  const child = spawn(process.execPath, [...process.execArgv, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

t.test('the database is opened so that a commit survives a power cut', async t => {
  const path = pathIn(t)
  const store = await open(t, path, { busyTimeoutMs: 5000 })
  const info = await store.database.info()
  t.match(info, {
    journalMode: 'wal',
    synchronous: 2,
    foreignKeys: true,
    busyTimeoutMs: 200,
    schemaVersion,
  })
  t.ok(info.sizeBytes > 0)
  t.equal(statSync(path).mode & 0o777, 0o600, 'nobody else may read it')
  t.equal(statSync(dirname(path)).mode & 0o777, 0o700)
})

t.test('calls complete in the order in which they were made, each seeing those before it', async t => {
  const store = await open(t, pathIn(t))
  const order: number[] = []
  const calls = Array.from({ length: 400 }, async (_, index) => {
    if (index % 2 === 0) await store.settings.set({ key: 'step', value: String(index) })
    else t.equal(await store.settings.get('step'), String(index - 1))
    order.push(index)
  })
  t.equal(store.pending.calls, 400)
  await Promise.all(calls)
  t.same(
    order,
    Array.from({ length: 400 }, (_, index) => index),
  )
  t.same(store.pending, { calls: 0, sizeBytes: 0 })
})

t.test('a call that fails leaves its neighbours in the same flush alone', async t => {
  const store = await open(t, pathIn(t))
  const bad = { key: 'bad', value: undefined } as never
  const results = await Promise.allSettled([
    store.settings.set({ key: 'a', value: '1' }),
    store.settings.set(bad),
    store.settings.set({ key: 'b', value: '2' }),
    store.blobs.get('f'.repeat(64)),
  ])
  t.same(
    results.map(result => result.status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected'],
  )
  t.same(await Promise.all([store.settings.get('a'), store.settings.get('b')]), ['1', '2'])
  await t.rejects(store.settings.set(bad), { name: 'Error' }, 'a bug is no AppError')
  await t.rejects(store.settings.set({ key: 'x', value: (() => 1) as never }), { name: 'DataCloneError' })
  t.equal(store.pending.calls, 0)
})

t.test('a disk that is slow does not hold up the main thread', async t => {
  const path = pathIn(t)
  const store = await open(t, path)
  const unlock = lock(t, path)
  const call = store.settings.set({ key: 'a', value: '1' })
  let settled = false
  void call.then(() => {
    settled = true
  })
  const began = systemClock.now()
  let turns = 0
  let longestMs = 0
  for (let before = began; before - began < 300; turns++) {
    await nextTurn()
    const now = systemClock.now()
    longestMs = Math.max(longestMs, now - before)
    before = now
  }
  t.equal(settled, false, 'the call waits for the lock')
  t.ok(turns > 100, `${turns} turns of the event loop meanwhile, the longest ${longestMs.toFixed(1)} ms`)
  t.equal(store.pending.calls, 1)
  unlock()
  await call
  t.equal(await store.settings.get('a'), '1')
})

t.test('a lock that another program does not give up ends in plain words, and reading goes on', async t => {
  const path = pathIn(t)
  const store = await open(t, path, { busyTimeoutMs: 10 })
  await store.settings.set({ key: 'a', value: '1' })
  const unlock = lock(t, path)
  t.equal(await store.settings.get('a'), '1')
  const waiting = await Promise.allSettled([
    store.settings.set({ key: 'a', value: '2' }),
    store.settings.set({ key: 'a', value: '3' }),
    store.settings.set({ key: 'a', value: '4' }),
  ])
  for (const result of waiting) {
    t.match(result, { reason: { code: 'storage_failed', message: /another program keeps .* locked/ } })
  }
  unlock()
  t.equal(await store.settings.get('a'), '1')
  await store.settings.set({ key: 'a', value: '5' })
})

t.test('the queue is bounded in calls and in bytes', async t => {
  const path = pathIn(t)
  const store = await open(t, path, { maxPendingCalls: 3, maxPendingBytes: 1000 })
  const set = (value: string) => store.settings.set({ key: 'k', value })
  const calls = [set('a'), set('b'), set('c')]
  await t.rejects(set('d'), { code: 'overloaded', detail: { calls: 3 } })
  await Promise.all(calls)
  t.equal(await store.settings.get('k'), 'c')
  const large = store.blobs.put({ bytes: new Uint8Array(900), nowMs: 1 })
  await t.rejects(store.blobs.put({ bytes: new Uint8Array(500), nowMs: 1 }), { code: 'overloaded' })
  await large
  await t.rejects(store.blobs.put({ bytes: new Uint8Array(1001), nowMs: 1 }), { code: 'file_too_large' })
  t.ok(await store.blobs.put({ bytes: new Uint8Array(500), nowMs: 1 }), 'room again')
})

t.test('a view crosses to the thread without the buffer beneath it', async t => {
  const file = new Uint8Array(100).fill(7)
  const own = withOwnBytes({
    bytes: file.subarray(10, 20),
    list: [file.subarray(0, 1), 'x', null],
    whole: file,
  })
  t.match(own, { bytes: { byteLength: 10, buffer: { byteLength: 10 } }, whole: file })
  t.same(own, { bytes: file.subarray(10, 20), list: [file.subarray(0, 1), 'x', null], whole: file })
  t.equal(argumentSizeBytes([file, 'abc', { n: 1, none: null }]), 16 + 100 + 6 + 16 + 32)
})

t.test('a disk that never answers is reported after the deadline', async t => {
  const path = pathIn(t)
  const clock = new VirtualClock()
  const store = await open(t, path, { clock, callTimeoutMs: 30_000 })
  const unlock = lock(t, path)
  const call = store.settings.set({ key: 'a', value: '1' })
  await nextTurn()
  clock.advance(30_000)
  await t.rejects(call, { code: 'storage_failed', message: /did not answer for 30000 ms/ })
  t.equal(store.pending.calls, 1, 'it keeps its place until the thread has answered')
  unlock()
  t.equal(await store.settings.get('a'), '1')
  t.equal(store.pending.calls, 0)
})

t.test('a store that cannot close in time says so, and what it was told is still done', async t => {
  const path = pathIn(t)
  const clock = new VirtualClock()
  const store = await openStore(path, { clock })
  const unlock = lock(t, path)
  const call = t.rejects(store.settings.set({ key: 'a', value: '1' }), { message: /did not answer/ })
  const closing = t.rejects(store.close(), { code: 'storage_failed', message: /did not answer/ })
  clock.advance(30_000)
  await Promise.all([call, closing])
  unlock()
  const again = await open(t, path)
  while ((await again.settings.get('a')) !== '1') await nextTurn()
})

t.test('a database that cannot be opened in time is left alone', async t => {
  const clock = new VirtualClock()
  const opening = t.rejects(openStore(pathIn(t), { clock }), {
    code: 'storage_failed',
    message: /did not answer/,
  })
  clock.advance(30_000)
  await opening
})

t.test('close answers what came before, may be repeated, and ends the store', async t => {
  const path = pathIn(t)
  const store = await openStore(path)
  const call = store.settings.set({ key: 'a', value: '1' })
  await Promise.all([store.close(), store.close()])
  await call
  await t.rejects(store.settings.get('a'), { code: 'storage_failed', message: /closed/ })
  await store.close()
  t.equal(statSync(path).size > 0, true)
  t.throws(() => statSync(`${path}-wal`), 'the log is folded into the database')
  t.equal(await (await open(t, path)).settings.get('a'), '1')
})

t.test(
  'the end of the thread refuses what waits and tells the program; a new store finds everything',
  async t => {
    const path = pathIn(t)
    const failures: AppError[] = []
    const limits = { clock: systemClock, maxPendingCalls: 10, maxPendingBytes: 1000, callTimeoutMs: 10_000 }
    const thread = new StorageThread(
      { path, busyTimeoutMs: 200, role: 'writer' },
      { ...limits, onFailure: e => failures.push(e) },
    )
    await thread.open()
    await thread.call('settings', 'set', [{ key: 'a', value: '1' }])
    const waiting = [thread.call('settings', 'nonsense', []), thread.call('settings', 'get', ['a'])]
    for (const call of waiting)
      await t.rejects(call, { code: 'storage_failed', message: /ended unexpectedly/ })
    await t.rejects(thread.call('settings', 'get', ['a']), { code: 'storage_failed' })
    t.equal(failures.length, 1)
    t.match(failures[0]?.cause, { message: /no operation settings.nonsense/ })
    t.same(thread.pending, { calls: 0, sizeBytes: 0 })
    await thread.close()
    t.equal(await (await open(t, path)).settings.get('a'), '1')
  },
)

t.test('what was acknowledged is there after kill -9', async t => {
  const path = pathIn(t)
  const child = run(
    t,
    path,
    `const store = await openStore(path)
     for (let n = 1; ; n++) { await store.settings.set({ key: 'n', value: String(n) }); say(n) }`,
  )
  let acknowledged = 0
  if (!child.stdout) throw new Error('stdout is a pipe')
  for await (const line of createInterface(child.stdout)) {
    acknowledged = Number(line)
    if (acknowledged === 50) child.kill('SIGKILL')
  }
  t.ok(acknowledged >= 50)
  const kept = Number(await (await open(t, path)).settings.get('n'))
  t.ok(kept >= acknowledged, `${acknowledged} acknowledged, ${kept} kept`)
})

t.test('two processes work on one database', async t => {
  const path = pathIn(t)
  const count = 150
  const board = `{ id: 'b', name: 'b', width: 0, height: 0, leds: 1, wiring: '', colorOrder: 'RGB', linkKind: 'serial',
    linkAddress: '/dev/x', baudRate: null, bootId: 1, firmware: '', capsJson: '{}', nowMs: 1 }`
  const source = `const store = await openStore(path)
    await store.boards.seen(${board})
    for (let n = 0; n < ${count}; n++) say(await store.boards.nextGeneration('b'))
    await store.close()`
  const lines = async (): Promise<number[]> => {
    const child = run(t, path, source)
    if (!child.stdout) throw new Error('stdout is a pipe')
    const ended = once(child, 'exit')
    const given: number[] = []
    for await (const line of createInterface(child.stdout)) given.push(Number(line))
    t.same(await ended, [0, null])
    return given
  }
  const given = (await Promise.all([lines(), lines()])).flat()
  t.equal(given.length, 2 * count)
  t.same(
    [...new Set(given)].sort((a, b) => a - b),
    Array.from({ length: 2 * count }, (_, index) => index + 1),
  )
})

t.test(
  'the thread starts from the sources under tsx too, where a worker has no TypeScript of its own',
  async t => {
    const store = JSON.stringify(new URL('../../src/store/store.ts', import.meta.url).href)
    const path = JSON.stringify(pathIn(t))
    const source = `import { openStore } from ${store}
    const store = await openStore(${path})
    process.stdout.write((await store.database.info()).journalMode)
    await store.close()`
    const { NODE_OPTIONS: _, NODE_V8_COVERAGE: __, ...env } = process.env
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    let said = ''
    for await (const chunk of child.stdout) said += chunk
    t.equal(said, 'wal')
  },
)

t.test('a full disk refuses the record, keeps what was there and goes on when there is room', async t => {
  const path = pathIn(t)
  const maxBytes = 1024 * 1024
  const store = await openStore(path, { maxBytes })
  await store.settings.set({ key: 'before', value: 'kept' })
  const huge = store.blobs.put({ bytes: new Uint8Array(maxBytes), nowMs: 1 })
  const beside = store.settings.set({ key: 'beside', value: 'kept too' })
  await t.rejects(huge, { code: 'storage_failed', message: /no room is left/ })
  await beside
  const stored: string[] = []
  const fill = async (): Promise<void> => {
    for (let n = 0; ; n++) stored.push(await store.blobs.put({ bytes: Buffer.alloc(8000, n + 1), nowMs: 1 }))
  }
  await t.rejects(fill(), { code: 'storage_failed', detail: { sqlite: 'SQLITE_FULL' } })
  t.ok(stored.length > 3, `${stored.length} blobs fitted`)
  for (const sha of stored) t.equal((await store.blobs.get(sha)).byteLength, 8000)
  t.same(await store.blobs.prune({ beforeMs: 2 }), { count: stored.length, sizeBytes: stored.length * 8000 })
  await store.blobs.put({ bytes: new Uint8Array(8000), nowMs: 1 })
  await store.close()
  const again = await open(t, path)
  t.same(await Promise.all(['before', 'beside'].map(key => again.settings.get(key))), ['kept', 'kept too'])
})

t.test('a folder that cannot be used is refused with what to do', async t => {
  const folder = t.testdir({ file: 'x', folder: {} })
  await t.rejects(openStore(join(folder, 'file', 'gateway.db')), {
    code: 'storage_failed',
    message: /is a file/,
  })
  await t.rejects(openStore(join(folder, 'folder')), { code: 'storage_failed', message: /is a folder/ })
  if (process.getuid?.() === 0) return
  chmodSync(join(folder, 'folder'), 0o500)
  await t.rejects(openStore(join(folder, 'folder', 'gateway.db')), { message: /cannot be written/ })
})
