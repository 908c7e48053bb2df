import { spawn } from 'node:child_process'
import { createCipheriv } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import Sqlite from 'better-sqlite3'
import t, { type Test } from 'tap'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { backupDatabase, checkDatabase } from '../../src/store/backup.ts'
import { backupName, parseSidecar } from '../../src/store/backup-file.ts'
import { Backups, backupFolderIn, databaseIn } from '../../src/store/backups.ts'
import { copyDatabase } from '../../src/store/copy-database.ts'
import { databaseHolders } from '../../src/store/database-lock.ts'
import { schemaVersion } from '../../src/store/migrations.ts'
import { openDatabase } from '../../src/store/open-database.ts'
import { restoreDatabase } from '../../src/store/restore.ts'
import { sha256 } from '../../src/store/sha256.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { verifyDatabase } from '../../src/store/verify-database.ts'
import { arriving } from '../support/arriving.ts'

const megabyte = 1000 * 1000

async function open(t: Test, stateDir: string): Promise<Store> {
  const store = await openStore(databaseIn(stateDir))
  t.teardown(() => store.close())
  return store
}

/** Always the same for a seed. */
function bytesOf(size: number, seed: number): Uint8Array {
  const key = Buffer.alloc(16, seed)
  return createCipheriv('aes-128-ctr', key, key).update(new Uint8Array(size))
}

/** Where the middle of a stored file of `fill` lies, far from where a page begins or ends. */
function within(database: Buffer, seed: number): number {
  const file = Buffer.from(bytesOf(20_000, seed))
  for (let from = 8_000; from < 16_000; from += 50) {
    const at = database.indexOf(file.subarray(from, from + 50))
    if (at !== -1) return at + 25
  }
  throw new Error('the file is not in the database')
}

/** A gateway's database with a pattern, its file and some settings. */
async function fill(store: Store, files = 3, fileBytes = 20_000): Promise<void> {
  for (let n = 0; n < files; n++) {
    const id = `0190a3c2-0000-7000-8000-${String(n).padStart(12, '0')}` as never
    const bytes = bytesOf(fileBytes, n + 1)
    await store.patterns.keep(arriving({ id, bytes, fileName: `pattern ${n}`, format: 'raw' }))
    await store.settings.set({ key: `k${n}`, value: `v${n}` })
  }
}

const order = (stateDir: string) => ({
  database: databaseIn(stateDir),
  folder: backupFolderIn(stateDir),
  kind: 'manual' as const,
  nowMs: Date.UTC(2026, 0, 1, 3, 17),
  busyTimeoutMs: 200,
  reserveBytes: 0,
})

t.test(
  'a backup of a database in use is one proved file for its owner alone, described beside it',
  async t => {
    const stateDir = t.testdir()
    const store = await open(t, stateDir)
    await fill(store)
    const info = await backupDatabase(order(stateDir))
    t.match(info, { name: 'pixelgate-20260101T031700Z.db', kind: 'manual', schemaVersion })
    t.match(info.rows, { patterns: 3, blobs: 3, settings: 3, users: 0 })
    const bytes = readFileSync(info.path)
    t.equal(info.sha256, sha256(bytes).toString('hex'))
    t.equal(info.sizeBytes, bytes.byteLength)
    t.equal(statSync(info.path).mode & 0o777, 0o600)
    t.equal(statSync(`${info.path}.json`).mode & 0o777, 0o600)
    t.equal(statSync(backupFolderIn(stateDir)).mode & 0o777, 0o700)
    t.same(readdirSync(backupFolderIn(stateDir)).sort(), [info.name, `${info.name}.json`], 'and nothing else')
    t.match(JSON.parse(readFileSync(`${info.path}.json`, 'utf8')), {
      file: info.name,
      createdAt: '2026-01-01T03:17:00.000Z',
      sha256: info.sha256,
      sizeBytes: info.sizeBytes,
      schemaVersion,
      rows: { patterns: 3 },
    })
    const copy = new Sqlite(info.path, { readonly: true })
    t.teardown(() => copy.close())
    t.equal(copy.pragma('journal_mode', { simple: true }), 'delete', 'one file, with no log beside it')
    t.equal(copy.prepare('SELECT value FROM settings WHERE key = ?').pluck().get('k1'), 'v1')
    const second = await backupDatabase(order(stateDir))
    t.equal(second.name, 'pixelgate-20260101T031700Z-2.db', 'two of one second have two names')
  },
)

t.test('a backup is one moment: what is written meanwhile is in it as a whole or not at all', async t => {
  const stateDir = t.testdir()
  const db = openDatabase(databaseIn(stateDir), { busyTimeoutMs: 200 })
  t.teardown(() => db.close())
  const put = db.prepare('INSERT INTO blobs VALUES (?, ?, 1, ?)')
  for (let n = 0; n < 40; n++) {
    const bytes = bytesOf(100_000, n + 1)
    put.run(sha256(bytes), bytes.byteLength, bytes)
  }
  const pair = db.transaction((n: number) => {
    db.prepare('INSERT INTO settings VALUES (?, ?)').run(`a${n}`, 'x')
    db.prepare('INSERT INTO settings VALUES (?, ?)').run(`b${n}`, 'x')
  })
  let writes = 0
  const info = await copyDatabase(order(stateDir), () => pair(writes++))
  t.ok(writes > 5, `${writes} writes while it was copied`)
  t.equal(info.rows['settings'], 0, 'the snapshot is that of the beginning')
  t.equal(info.rows['blobs'], 40)
})

t.test('a damaged source is reported with its owner, and leaves no file', async t => {
  const stateDir = t.testdir()
  const store = await openStore(databaseIn(stateDir))
  await fill(store)
  await store.close()
  const whole = readFileSync(databaseIn(stateDir))
  const flip = (at: number): void => {
    const bytes = Buffer.from(whole)
    bytes[at] = (bytes[at] ?? 0) ^ 0x10
    writeFileSync(databaseIn(stateDir), bytes)
  }
  const refused = async (message: RegExp): Promise<void> => {
    await t.rejects(backupDatabase(order(stateDir)), {
      code: 'storage_failed',
      message,
      detail: { reason: 'damaged' },
    })
    await t.rejects(checkDatabase(databaseIn(stateDir)), { code: 'storage_failed', message })
    t.same(readdirSync(backupFolderIn(stateDir)), [], 'nothing is left that looks like a backup')
  }
  flip(within(whole, 2))
  await refused(/gateway\.db is damaged: a stored file of pattern "pattern 1" changed on the disk; uploading/)
  writeFileSync(databaseIn(stateDir), whole)
  const db = new Sqlite(databaseIn(stateDir))
  db.pragma('foreign_keys = OFF')
  db.exec(`DELETE FROM blobs WHERE sha256 = (SELECT sourceSha FROM patterns LIMIT 1)`)
  db.close()
  await refused(/1 records refer to ones that are gone/)
  writeFileSync(databaseIn(stateDir), whole)
  const smashed = Buffer.from(whole)
  smashed.fill(0x5a, 4096 * 3, 4096 * 5)
  writeFileSync(databaseIn(stateDir), smashed)
  await t.rejects(backupDatabase(order(stateDir)), { code: 'storage_failed', message: /damaged/ })
  writeFileSync(databaseIn(stateDir), 'no database at all, but some text that is long enough. '.repeat(20))
  await t.rejects(backupDatabase(order(stateDir)), { code: 'storage_failed', message: /damaged|no database/ })
  await t.rejects(backupDatabase({ ...order(stateDir), database: join(stateDir, 'none.db') }), {
    code: 'storage_failed',
  })
  const foreign = new Sqlite(join(stateDir, 'foreign.db'))
  foreign.exec('CREATE TABLE a (x)')
  t.throws(() => verifyDatabase(foreign, 'foreign.db', () => undefined), /no database of pixelgate/)
  foreign.pragma(`application_id = ${0x50584754}`)
  foreign.pragma('user_version = 99')
  t.throws(() => verifyDatabase(foreign, 'foreign.db', () => undefined), /newer pixelgate \(version 99/)
  foreign.pragma('user_version = 1')
  t.match(
    verifyDatabase(foreign, 'foreign.db', () => undefined),
    { rows: { a: 0 } },
  )
  foreign.close()
})

t.test('too little room on the disk is said before anything is copied', async t => {
  const stateDir = t.testdir()
  await fill(await open(t, stateDir))
  await t.rejects(backupDatabase({ ...order(stateDir), reserveBytes: 1e18 }), {
    code: 'storage_failed',
    message: /has \d+ MB left; a backup needs \d+ MB and leaves 1000000000000 MB free: make room/,
    detail: { reason: 'disk_full' },
  })
  t.same(readdirSync(backupFolderIn(stateDir)), [])
  const backups = new Backups({ stateDir, clock: new VirtualClock(), reserveBytes: 1e18 })
  await t.rejects(backups.make('nightly'), { code: 'storage_failed' })
  t.equal(backups.running, false)
})

t.test('a backup can be stopped, and one that takes too long stops by itself', async t => {
  const stateDir = t.testdir()
  const store = await open(t, stateDir)
  for (let n = 0; n < 30; n++) await store.blobs.put({ bytes: bytesOf(500_000, n + 1), nowMs: 1 })
  const backups = new Backups({ stateDir, clock: new VirtualClock(), reserveBytes: 0 })
  const making = backups.make('manual')
  const refused = t.rejects(making, { code: 'cancelled' })
  await t.rejects(backups.make('manual'), { code: 'conflict', message: /being made already/ })
  const began = performance.now()
  await backups.stop()
  t.ok(performance.now() - began < 4000, `stopped after ${Math.round(performance.now() - began)} ms`)
  await refused
  t.same(readdirSync(stateDir).includes('backups') ? readdirSync(backupFolderIn(stateDir)) : [], [])
  await t.rejects(backupDatabase(order(stateDir), { signal: AbortSignal.abort() }), { code: 'cancelled' })
  // The grace of a thread that does not stop passes in virtual time before it could.
  const clock = new VirtualClock()
  const late = backupDatabase(order(stateDir), { clock, timeoutMs: 1000 })
  clock.advance(1000)
  clock.advance(4000)
  await t.rejects(late, { code: 'storage_failed', message: /did not end within/ })
})

t.test('the newest nightly backups are kept, whatever the clock did, and those of people always', async t => {
  const stateDir = t.testdir()
  await fill(await open(t, stateDir), 1, 100)
  const names = async (backups: Backups): Promise<string[]> => (await backups.list()).map(({ name }) => name)
  const at = (day: number) => new VirtualClock(Date.UTC(2026, 0, day, 3, 17))
  const on = (day: number) => new Backups({ stateDir, clock: at(day), keep: 2, reserveBytes: 0 })
  await on(1).make('manual')
  // Made while the clock was wrong by years: it must not push out those that come later.
  await new Backups({
    stateDir,
    clock: new VirtualClock(Date.UTC(2036, 0, 1)),
    keep: 2,
    reserveBytes: 0,
  }).make('nightly')
  for (const day of [2, 3, 4]) await on(day).make('nightly')
  t.same(await names(on(5)), [
    'pixelgate-20260104T031700Z.db',
    'pixelgate-20260103T031700Z.db',
    'pixelgate-20260101T031700Z.db',
  ])
  const folder = backupFolderIn(stateDir)
  writeFileSync(join(folder, 'pixelgate-20250101T000000Z.db'), 'a file without a sidecar')
  writeFileSync(join(folder, 'pixelgate-20250102T000000Z.db.json'), '{')
  writeFileSync(join(folder, 'pixelgate-20250102T000000Z.db'), '')
  writeFileSync(join(folder, 'pixelgate-20250103T000000Z.db.part'), 'of a process that was killed')
  utimesSync(join(folder, 'pixelgate-20250103T000000Z.db.part'), 1, 1)
  await on(6).make('manual')
  t.equal((await names(on(6))).length, 4, 'what nobody can vouch for is not listed')
  t.notOk(existsSync(join(folder, 'pixelgate-20250103T000000Z.db.part')), 'left-overs are removed')
  t.equal(parseSidecar('null', 'a', 'a'), undefined)
  t.equal(parseSidecar('{"kind":"weekly"}', 'a', 'a'), undefined)
  t.equal(
    parseSidecar(
      '{"kind":"manual","sizeBytes":1,"schemaVersion":1,"durationMs":1,"createdAt":"2026-01-01"}',
      'a',
      'a',
    ),
    undefined,
  )
  t.equal(backupName(0), 'pixelgate-19700101T000000Z.db')
  t.same(await new Backups({ stateDir: join(stateDir, 'none'), clock: at(1) }).list(), [])
})

t.test('a backup comes back, and the former database is kept beside it', async t => {
  const stateDir = t.testdir()
  const path = databaseIn(stateDir)
  const store = await openStore(path)
  await fill(store)
  const info = await backupDatabase(order(stateDir))
  await store.settings.set({ key: 'k0', value: 'changed later' })
  await t.rejects(async () => restoreDatabase(info.path, path, 0), {
    code: 'conflict',
    message: /in use: stop the daemon first/,
  })
  await store.close()
  const restored = restoreDatabase(info.path, path, Date.UTC(2026, 1, 2, 3, 4, 5))
  t.match(restored, { database: path, backup: info.path, sha256: info.sha256, rows: { patterns: 3 } })
  t.equal(restored.keptAs, `${path}.before-20260202T030405Z`)
  t.equal(statSync(path).mode & 0o777, 0o600)
  const again = await open(t, stateDir)
  t.equal(await again.settings.get('k0'), 'v0')
  t.same(
    readdirSync(stateDir).filter(name => name.includes('restore')),
    [],
  )
  await again.close()
  const former = new Sqlite(restored.keptAs ?? '', { readonly: true })
  t.equal(former.prepare(`SELECT value FROM settings WHERE key = 'k0'`).pluck().get(), 'changed later')
  former.close()
  t.match(
    restoreDatabase(info.path, path, Date.UTC(2026, 1, 2, 3, 4, 5)).keptAs,
    /Z-2$/,
    'the first one is not replaced',
  )
  const fresh = join(stateDir, 'elsewhere', 'gateway.db')
  copyFileSync(info.path, join(stateDir, 'alone.db'))
  t.equal(
    restoreDatabase(join(stateDir, 'alone.db'), fresh, 0).keptAs,
    null,
    'a file alone, onto a new machine',
  )
  t.ok(existsSync(fresh))
})

t.test('what cannot be trusted is refused, and the database stays as it is', async t => {
  const stateDir = t.testdir()
  const path = databaseIn(stateDir)
  const store = await openStore(path)
  await fill(store)
  const info = await backupDatabase(order(stateDir))
  await store.close()
  const before = readFileSync(path)
  const refuses = (file: string, error: { code: string; message?: RegExp }): void => {
    t.throws(() => restoreDatabase(file, path, 0), error)
    t.same(readFileSync(path), before)
    t.same(
      readdirSync(stateDir).sort(),
      ['backups', 'gateway.db', ...readdirSync(stateDir).filter(name => name.endsWith('.x'))].sort(),
    )
  }
  refuses(join(stateDir, 'none'), { code: 'file_missing' })
  const bytes = readFileSync(info.path)
  const at = within(bytes, 1)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(info.path, bytes)
  refuses(info.path, { code: 'storage_failed', message: /not as it was made/ })
  writeFileSync(join(stateDir, 'alone.x'), bytes)
  refuses(join(stateDir, 'alone.x'), {
    code: 'storage_failed',
    message: /alone\.x is damaged: a stored file of pattern "pattern 0"/,
  })
  writeFileSync(join(stateDir, 'text.x'), 'this is no database. '.repeat(100))
  refuses(join(stateDir, 'text.x'), { code: 'storage_failed', message: /text\.x is damaged or no database/ })
  writeFileSync(join(stateDir, 'empty.x'), '')
  refuses(join(stateDir, 'empty.x'), { code: 'storage_failed', message: /no database of pixelgate/ })
})

t.test('a database that is damaged, and has a log beside it, is set aside whole', async t => {
  const stateDir = t.testdir()
  const path = databaseIn(stateDir)
  const store = await openStore(path)
  await fill(store)
  const info = await backupDatabase(order(stateDir))
  await store.close()
  writeFileSync(path, 'smashed '.repeat(1000))
  writeFileSync(`${path}-wal`, 'a log of another time')
  const { keptAs } = restoreDatabase(info.path, path, 0)
  t.equal(readFileSync(`${keptAs}-wal`, 'utf8'), 'a log of another time')
  t.notOk(existsSync(`${path}-wal`), 'or SQLite would replay it into the restored file')
  t.match(readFileSync(keptAs ?? '', 'utf8'), /^smashed/)
  t.equal(await (await open(t, stateDir)).settings.get('k2'), 'v2')
})

t.test('another process that has the database open is found and named', async t => {
  const stateDir = t.testdir()
  const path = databaseIn(stateDir)
  openDatabase(path, { busyTimeoutMs: 200 }).close()
  const source = `import Sqlite from 'better-sqlite3'
    const db = new Sqlite(${JSON.stringify(path)}); db.pragma('user_version'); process.stdout.write('open\\n'); setTimeout(() => db.close(), 60000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })
  await once(lines, 'line')
  t.match(databaseHolders(path), [`node (${child.pid})`])
  const info = await backupDatabase(order(stateDir))
  const kept = readFileSync(path)
  t.throws(() => restoreDatabase(info.path, path, 0), {
    code: 'conflict',
    message: new RegExp(`in use by node \\(${child.pid}\\): stop`),
  })
  t.same(readFileSync(path), kept)
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.ok(restoreDatabase(info.path, path, 0).keptAs)
  t.same(databaseHolders(path, join(stateDir, 'no-proc')), [])
  const proc = join(stateDir, 'proc', '7', 'fd')
  mkdirSync(proc, { recursive: true })
  symlinkSync(path, join(proc, '3'))
  writeFileSync(join(proc, '4'), '')
  t.same(databaseHolders(path, join(stateDir, 'proc')), ['a process (7)'])
})

t.test('an upload’s writes are not held up by a backup of a large database', async t => {
  const stateDir = t.testdir()
  const store = await open(t, stateDir)
  for (let n = 0; n < 40; n++) await store.blobs.put({ bytes: bytesOf(1 * megabyte, n + 1), nowMs: 1 })
  const latencies = async (until: () => boolean): Promise<number[]> => {
    const all: number[] = []
    while (!until()) {
      const began = performance.now()
      await store.settings.set({ key: 'progress', value: String(all.length) })
      all.push(performance.now() - began)
    }
    return all.sort((a, b) => a - b)
  }
  const p99 = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length * 0.99)] ?? 0
  const endMs = performance.now() + 500
  const alone = await latencies(() => performance.now() > endMs)
  let done = false
  const backup = backupDatabase(order(stateDir)).finally(() => {
    done = true
  })
  const during = await latencies(() => done)
  const info = await backup
  t.ok(during.length > 3)
  t.comment(
    `${(info.sizeBytes / 1e6).toFixed(0)} MB in ${info.durationMs} ms; a write took p99 ${p99(alone).toFixed(1)} ms alone, ${p99(during).toFixed(1)} ms meanwhile, ${during.at(-1)?.toFixed(1)} ms at most`,
  )
  t.ok((during.at(-1) ?? 0) < 2000, 'no write waits for the backup')
  t.equal(store.pending.calls, 0)
})

t.test(
  'a folder that cannot be written is said in plain words',
  { skip: process.getuid?.() === 0 ? 'root may write anywhere' : false },
  async t => {
    const stateDir = t.testdir()
    await fill(await open(t, stateDir))
    chmodSync(stateDir, 0o500)
    t.teardown(() => chmodSync(stateDir, 0o700))
    await t.rejects(backupDatabase(order(stateDir)), { code: 'storage_failed', message: /cannot be written/ })
  },
)
