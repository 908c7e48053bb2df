import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { Clock } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { assess, type CheckResult, Health, type HealthCheck } from '../../src/ops/health.ts'
import {
  backupCheck,
  brokerCheck,
  clockCheck,
  clockSynchronized,
  databaseCheck,
  diskCheck,
  eventLoopCheck,
  linksCheck,
  memoryCheck,
  readDisk,
} from '../../src/ops/health-checks.ts'
import { NightlyBackup } from '../../src/ops/nightly-backup.ts'
import { readMemory } from '../../src/ops/process-meter.ts'
import { clockIsSet, lastLocalTime } from '../../src/ops/wall-clock.ts'
import type { BackupInfo } from '../../src/store/backup-file.ts'
import { openStore } from '../../src/store/store.ts'
import type { HealthView } from '../../src/wire/health.ts'

const megabyte = 1e6
const hourMs = 3_600_000

t.test('the score follows the formula, and no finding is rounded away', async t => {
  const check = fc.record({
    weight: fc.integer({ min: 1, max: 50 }),
    vital: fc.boolean(),
    status: fc.constantFrom<CheckResult['status']>('ok', 'warning', 'failed'),
  })
  fc.assert(
    fc.property(fc.array(check), checks => {
      const { score, status } = assess(checks)
      const bad = checks.some(each => each.status !== 'ok')
      const failing = checks.some(each => each.vital && each.status === 'failed')
      return (
        Number.isInteger(score) &&
        score >= 0 &&
        score <= 100 &&
        (score === 100) === !bad &&
        status === (failing ? 'failing' : bad ? 'degraded' : 'ok')
      )
    }),
  )
  const of = (weight: number, status: CheckResult['status'], vital = false) => ({ weight, status, vital })
  t.same(assess([]), { status: 'ok', score: 100 })
  t.same(assess([of(90, 'ok'), of(10, 'warning')]), { status: 'degraded', score: 95 })
  t.same(assess([of(90, 'ok'), of(10, 'failed')]), { status: 'degraded', score: 90 })
  t.same(assess([of(70, 'ok'), of(30, 'failed', true)]), { status: 'failing', score: 35 })
  t.same(assess([of(999, 'ok'), of(1, 'warning')]), { status: 'degraded', score: 99 })
})

t.test('every check has its turn, its deadline and its words, and broken ones are seen', async t => {
  const clock = new VirtualClock()
  let runs = 0
  let answer: CheckResult['status'] = 'ok'
  const check = (name: string, run: HealthCheck['run'], vital = false): HealthCheck => ({
    name,
    weight: 10,
    vital,
    run,
  })
  const health = new Health({
    clock,
    version: '1.0.0',
    checks: [
      check('good', () => ({ status: 'ok', message: 'fine' })),
      check(
        'changing',
        () => {
          runs++
          return { status: answer, message: 'at mqtt://user:hunter2@host' }
        },
        true,
      ),
    ],
  })
  t.equal(health.last, undefined)
  const changes: string[] = []
  const end = health.onChange(report => changes.push(report.status))
  const first: HealthView = await health.check()
  t.match(first, { status: 'ok', score: 100, version: '1.0.0', uptimeSeconds: 0 })
  t.notMatch(JSON.stringify(first), /hunter2/, 'no secret of a message gets out')
  t.notOk('weight' in (first.checks[0] ?? {}))
  await Promise.all(Array.from({ length: 100 }, () => health.check()))
  t.equal(runs, 1, 'a hundred callers in one second cost one look')
  clock.advance(1000)
  answer = 'failed'
  const [a, b] = await Promise.all([health.check(), health.check()])
  t.equal(a, b)
  t.equal(runs, 2)
  t.match(a, { status: 'failing', score: 25 })
  health.start()
  answer = 'ok'
  clock.advance(10_000)
  await health.check()
  t.same(changes, ['ok', 'failing', 'ok'])
  end()
  health.stop()
  answer = 'failed'
  clock.advance(60_000)
  t.equal(health.last?.status, 'ok', 'nobody looks any more')
  await health.check()
  t.equal(changes.length, 3)

  const broken = new Health({
    clock,
    version: '1',
    deadlineMs: 500,
    checks: [
      check('hangs', () => new Promise(() => undefined)),
      check('throws', () => {
        throw new Error('token=abc123 is wrong')
      }),
    ],
  })
  const looking = broken.check()
  await Promise.resolve()
  await Promise.resolve()
  clock.advance(500)
  t.match((await looking).checks, [
    { name: 'hangs', status: 'failed', message: 'no answer within 0.5 s' },
    { name: 'throws', status: 'failed', message: 'token=[redacted] is wrong' },
  ])
})

t.test('database: a record goes to the disk and comes back; a store that is gone is seen', async t => {
  const clock = new VirtualClock()
  const store = await openStore(join(t.testdir(), 'gateway.db'))
  const check = databaseCheck(store, clock)
  t.match(await check.run(), { status: 'ok' })
  t.equal(await store.settings.get('healthProbe'), '1')
  clock.advance(1000)
  await check.run()
  t.equal(await store.settings.get('healthProbe'), '1', 'a card is not worn out by questions')
  clock.advance(30_000)
  await check.run()
  t.equal(await store.settings.get('healthProbe'), '2')
  await store.settings.set({ key: 'healthProbe', value: 'something else' })
  t.match(await check.run(), { status: 'failed', message: /does not give back/ })
  await store.close()
  clock.advance(30_000)
  await t.rejects(async () => check.run(), { code: 'storage_failed' })
  let held = ''
  const slow = {
    settings: {
      set: async ({ value }: { value: string }) => {
        held = value
        clock.advance(1500)
      },
      get: async () => held,
      remove: async () => true,
    },
  }
  t.match(await databaseCheck(slow, clock).run(), { status: 'warning', message: /takes 1500 ms/ })
})

t.test('broker, links, event loop: each state has its finding', async t => {
  t.match(await brokerCheck(async () => undefined).run(), { status: 'ok' })
  t.match(await brokerCheck(async () => 'port 1883 is taken').run(), {
    status: 'warning',
    message: 'port 1883 is taken',
  })
  const board = (connected: boolean, quarantined = false) => ({
    boardId: 'b',
    connected,
    quarantined,
    bytesIn: 0,
    bytesOut: 0,
    jobs: {},
    finished: {},
    lineShare: null,
    retransmittedBytes: 0,
  })
  const links = (boards: readonly ReturnType<typeof board>[], configured = 0) =>
    linksCheck(() => boards, configured).run()
  t.match(await links([]), { status: 'ok', message: /no board is known/ })
  t.match(await links([board(true), board(true)], 1), {
    status: 'ok',
    message: '2 of 2 boards are connected',
  })
  t.match(await links([board(true)], 3), { status: 'warning', message: /1 of 3/ })
  t.match(await links([board(false)]), { status: 'failed', message: /0 of 1/ })
  t.match(await links([], 2), { status: 'failed' })
  t.match(await links([board(true), board(false, true)]), { status: 'warning', message: /share one UUID/ })
  for (const [ms, status] of [
    [5, 'ok'],
    [101, 'warning'],
    [1001, 'failed'],
  ] as const)
    t.match(await eventLoopCheck(() => ms).run(), { status }, `${ms} ms`)
})

t.test('disk and memory: the thresholds, and the machine’s own figures', async t => {
  const disk = (freeMb: number, totalMb: number) =>
    diskCheck('/var', async () => ({ freeBytes: freeMb * megabyte, totalBytes: totalMb * megabyte })).run()
  t.match(await disk(5000, 10_000), { status: 'ok', message: /5000 MB of 10000 MB/ })
  t.match(await disk(900, 10_000), { status: 'warning' }, 'less than a tenth')
  t.match(await disk(199, 1000), { status: 'warning' }, 'less than 200 MB')
  t.match(await disk(19, 1000), { status: 'failed', message: /delete files/ })
  t.ok((await readDisk(t.testdir())).totalBytes > 0)
  await t.rejects(async () => diskCheck('/does/not/exist').run())
  const memory = (rssMb: number, limitMb: number | null, availableMb: number | null) =>
    memoryCheck(async () => ({
      rssBytes: rssMb * megabyte,
      limitBytes: limitMb === null ? null : limitMb * megabyte,
      availableBytes: availableMb === null ? null : availableMb * megabyte,
    })).run()
  t.match(await memory(80, 200, 300), {
    status: 'ok',
    message: '80 MB of 200 MB are used, 300 MB are available',
  })
  t.match(await memory(170, 200, 300), { status: 'warning' })
  t.match(await memory(195, 200, 300), { status: 'failed' })
  t.match(await memory(80, null, 60), { status: 'warning' })
  t.match(await memory(80, null, 15), { status: 'failed' })
  t.match(await memory(80, null, null), { status: 'ok', message: '80 MB are used' })
  const root = `${t.testdir()}/root/`
  const file = (path: string, text: string): void => {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  t.match(await readMemory(root), { limitBytes: null, availableBytes: null })
  file('proc/meminfo', 'MemTotal:  512000 kB\nMemAvailable:  100000 kB\n')
  t.match(await readMemory(root), { limitBytes: 512_000 * 1024, availableBytes: 100_000 * 1024 })
  file('proc/self/cgroup', '0::/system.slice/pixelgate.service\n')
  file('sys/fs/cgroup/system.slice/pixelgate.service/memory.high', '160000000\n')
  file('sys/fs/cgroup/system.slice/pixelgate.service/memory.max', 'max\n')
  t.equal((await readMemory(root)).limitBytes, 160_000_000)
  t.ok((await readMemory()).rssBytes > megabyte)
})

t.test('clock: a machine without one is noticed', async t => {
  t.match(await clockCheck(new VirtualClock(0)).run(), { status: 'warning', message: /1970.*not set/ })
  const clock = new VirtualClock()
  t.match(await clockCheck(clock, async () => true).run(), { status: 'ok' })
  t.match(await clockCheck(clock, async () => undefined).run(), { status: 'ok' })
  t.match(await clockCheck(clock, async () => false).run(), { status: 'warning', message: /time server/ })
  const root = `${t.testdir()}/`
  t.equal(await clockSynchronized(root), undefined)
  mkdirSync(join(root, 'run/systemd/timesync'), { recursive: true })
  t.equal(await clockSynchronized(root), false)
  writeFileSync(join(root, 'run/systemd/timesync/synchronized'), '')
  t.equal(await clockSynchronized(root), true)
  t.equal(clockIsSet(Date.UTC(2023, 11, 31)), false)
  t.equal(clockIsSet(Date.UTC(2024, 0, 1)), true)
})

const info = (createdMs: number, kind: BackupInfo['kind'] = 'nightly'): BackupInfo => ({
  name: 'pixelgate.db',
  path: '/b',
  kind,
  sizeBytes: 1,
  sha256: 'x',
  schemaVersion: 2,
  rows: {},
  createdMs,
  durationMs: 1,
})

t.test('backup: an old, a failed and a missing one', async t => {
  const clock = new VirtualClock()
  const read = (list: BackupInfo[], nightly = true, trouble?: string) =>
    backupCheck(clock, async () => ({ nightly, list, trouble })).run()
  const now = clock.wallTime()
  t.match(await read([]), { status: 'ok', message: /still to come/ })
  t.match(await read([], false), { status: 'ok', message: /are off/ })
  t.match(await read([info(now - 5 * hourMs)]), { status: 'ok', message: /5 h old/ })
  t.match(await read([info(now - 51 * hourMs)]), { status: 'warning', message: /pixelgate backup/ })
  t.match(await read([info(now - 51 * hourMs)], false), { status: 'ok' })
  t.match(await read([info(now)], true, 'the disk is full'), {
    status: 'failed',
    message: /the disk is full/,
  })
})

/** Runs the given time zone for one test: the process reads it anew at each date. */
function inZone(t: Test, zone: string): void {
  const before = process.env['TZ']
  process.env['TZ'] = zone
  t.teardown(() => {
    if (before === undefined) delete process.env['TZ']
    else process.env['TZ'] = before
  })
}

/** A gateway's nights, in virtual time. `wall` may jump. */
function nights(
  wall: { offsetMs: number },
  base: Clock & VirtualClock,
  options: { at?: string; nightly?: boolean } = {},
) {
  const made: number[] = []
  const list: BackupInfo[] = []
  const clock: Clock = {
    now: () => base.now(),
    wallTime: () => base.wallTime() + wall.offsetMs,
    setTimer: (delayMs, fire) => base.setTimer(delayMs, fire),
  }
  let fails = 0
  const nightly = new NightlyBackup({
    clock,
    log: silentLog,
    nightly: options.nightly ?? true,
    at: options.at ?? '03:17',
    backups: {
      list: async () => [...list].sort((a, b) => b.createdMs - a.createdMs),
      make: async kind => {
        if (fails === Number.POSITIVE_INFINITY) throw new AppError('cancelled', 'stopped')
        if (fails > 0) {
          fails--
          throw new Error('the disk is full')
        }
        made.push(clock.wallTime())
        list.push(info(clock.wallTime(), kind))
        return info(clock.wallTime(), kind)
      },
    },
  })
  const pass = async (ms: number): Promise<void> => {
    for (let gone = 0; gone < ms; gone += 60_000) {
      base.advance(Math.min(60_000, ms - gone))
      for (let turn = 0; turn < 8; turn++) await Promise.resolve()
    }
  }
  return {
    nightly,
    made,
    list,
    pass,
    failNext: (times: number) => {
      fails = times
    },
  }
}

t.test(
  'one backup each night at the local time, in every zone and over the change of the clocks',
  async t => {
    const zones: [zone: string, startUtc: number, days: number][] = [
      ['UTC', Date.UTC(2026, 0, 1), 5],
      ['Europe/Berlin', Date.UTC(2026, 2, 27), 5],
      ['Europe/Berlin', Date.UTC(2026, 9, 23), 5],
      ['America/New_York', Date.UTC(2026, 2, 6), 5],
      ['America/New_York', Date.UTC(2026, 9, 30), 5],
      ['Australia/Lord_Howe', Date.UTC(2026, 3, 3), 5],
      ['Asia/Kathmandu', Date.UTC(2026, 5, 1), 3],
    ]
    for (const [zone, start, days] of zones) {
      inZone(t, zone)
      for (const at of ['02:30', '03:17']) {
        const { nightly, made, pass } = nights({ offsetMs: 0 }, new VirtualClock(start), { at })
        nightly.start()
        await pass(days * 24 * hourMs)
        nightly.stop()
        t.equal(
          made.length,
          days,
          `${zone} from ${new Date(start).toISOString()} at ${at}: ${made.map(ms => new Date(ms).toString()).join()}`,
        )
        const days2 = new Set(made.map(ms => new Date(ms).toDateString()))
        t.equal(days2.size, made.length, 'each on a day of its own')
      }
    }
  },
)

t.test('nights that were slept through, unset clocks and failures', async t => {
  inZone(t, 'UTC')
  const wall = { offsetMs: 0 }
  const asleep = nights(wall, new VirtualClock(Date.UTC(2026, 0, 1, 12)))
  asleep.nightly.start()
  await asleep.pass(hourMs)
  wall.offsetMs = 40 * hourMs // suspended: timers stood still, the wall went on
  await asleep.pass(10 * 60_000)
  t.equal(asleep.made.length, 1, 'one, not one for each missed night')
  await asleep.pass(24 * hourMs)
  t.equal(asleep.made.length, 2)

  const back = nights({ offsetMs: 0 }, new VirtualClock(Date.UTC(2026, 0, 3, 9)))
  back.list.push(info(Date.UTC(2026, 0, 1, 3, 17)), info(Date.UTC(2036, 0, 1)))
  back.nightly.start()
  await back.pass(4 * 60_000)
  t.equal(back.made.length, 0, 'not while it is just starting')
  await back.pass(3 * 60_000)
  t.equal(back.made.length, 1, 'what was missed while it was off; one from the future does not count')

  const unset = { offsetMs: 0 }
  const dark = nights(unset, new VirtualClock(0))
  dark.nightly.start()
  await dark.pass(72 * hourMs)
  t.equal(dark.made.length, 0, 'skipped while the clock is not set')
  unset.offsetMs = Date.UTC(2026, 0, 1, 12) - 72 * hourMs
  await dark.pass(2 * hourMs)
  t.equal(dark.made.length, 0, 'the first one comes with the next night')
  await dark.pass(16 * hourMs)
  t.equal(dark.made.length, 1)

  const poor = nights({ offsetMs: 0 }, new VirtualClock(Date.UTC(2026, 0, 1, 3)))
  poor.failNext(2)
  poor.nightly.start()
  await poor.pass(30 * 60_000)
  t.match(await poor.nightly.read(), { trouble: 'the disk is full', nightly: true, list: [] })
  t.equal(poor.nightly.trouble, 'the disk is full')
  await poor.pass(90 * 60_000)
  t.equal(poor.made.length, 0)
  await poor.pass(60 * 60_000)
  t.equal(poor.made.length, 1, 'tried again each hour')
  t.equal(poor.nightly.trouble, undefined)

  const stopped = nights({ offsetMs: 0 }, new VirtualClock(Date.UTC(2026, 0, 1, 3)))
  stopped.failNext(Number.POSITIVE_INFINITY)
  stopped.nightly.start()
  await stopped.pass(30 * 60_000)
  t.equal(stopped.nightly.trouble, undefined, 'one that was stopped with the gateway is no failure')

  const off = nights({ offsetMs: 0 }, new VirtualClock(), { nightly: false })
  off.nightly.start()
  await off.pass(48 * hourMs)
  t.equal(off.made.length, 0)
  t.equal(lastLocalTime('03:17', Date.UTC(2026, 0, 2, 3, 16)), Date.UTC(2026, 0, 1, 3, 17))
  t.equal(lastLocalTime('03:17', Date.UTC(2026, 0, 2, 3, 17)), Date.UTC(2026, 0, 2, 3, 17))
})
