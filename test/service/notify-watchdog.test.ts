import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { serviceEnvironment } from '../../src/config/service-environment.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { type Log, silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { createNotify, type ServiceMessage } from '../../src/ops/notify.ts'
import {
  feedPeriodMs,
  loopCheck,
  startWatchdog,
  type WatchdogCheck,
  WatchdogRound,
} from '../../src/ops/watchdog.ts'
import { stop } from '../support/pty.ts'
import { missing, until } from './until.ts'

const noTools = missing('systemd-notify', 'python3')

/** Keeps what is said, each level with its message. */
function remembering(): { readonly log: Log; readonly said: string[] } {
  const said: string[] = []
  const at = (level: string) => (_: object, message: string) => void said.push(`${level}: ${message}`)
  return { log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, said }
}

function folderOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'notify-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Stands in for the service manager: prints each datagram as a line of JSON. */
const listener = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace('@', chr(0)))
print('"bound"', flush=True)
while True: print(json.dumps(s.recv(4096).decode()), flush=True)
`

async function listen(t: Test, address: string): Promise<string[]> {
  const child = spawn('python3', ['-c', listener, address], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => stop(child))
  const heard: string[] = []
  createInterface({ input: child.stdout }).on('line', line => heard.push(JSON.parse(line) as string))
  await until('the listener', () => heard.shift() === 'bound')
  return heard
}

/** Assignments of the messages; the barrier is systemd-notify's own. */
const told = (heard: readonly string[]): string[] =>
  heard.filter(text => !text.startsWith('BARRIER=')).map(text => text.trim())

t.test(
  'systemd hears READY, STATUS, WATCHDOG and STOPPING as sd_notify(3) has them',
  {
    skip: noTools,
  },
  async t => {
    const places = [join(folderOf(t), 'notify'), `@pixelgate-test-${process.pid}`]
    for (const notifySocket of places) {
      const heard = await listen(t, notifySocket)
      const notify = createNotify({ notifySocket, clock: systemClock, log: silentLog })
      await notify({ ready: true, status: '2 boards\nWATCHDOG=trigger' })
      await notify({ watchdog: true })
      await notify({ stopping: true, status: 'x'.repeat(500) })
      t.same(
        told(heard),
        ['READY=1\nSTATUS=2 boards WATCHDOG=trigger', 'WATCHDOG=1', `STOPPING=1\nSTATUS=${'x'.repeat(200)}`],
        notifySocket,
      )
    }
  },
)

t.test(
  'messages in a burst are merged, the last status wins, and nothing is lost',
  {
    skip: noTools,
  },
  async t => {
    const notifySocket = join(folderOf(t), 'notify')
    const heard = await listen(t, notifySocket)
    const notify = createNotify({ notifySocket, clock: systemClock, log: silentLog })
    const sent = [notify({ ready: true })]
    for (let i = 0; i < 100; i++) sent.push(notify({ status: `board ${i}` }))
    sent.push(notify({ watchdog: true }))
    await Promise.all(sent)
    t.same(told(heard), ['READY=1', 'WATCHDOG=1\nSTATUS=board 99'])
  },
)

t.test('without a manager nothing is started, and a manager that cannot be told is logged once', async t => {
  const { log, said } = remembering()
  await createNotify({ notifySocket: undefined, clock: systemClock, log, tool: '/nonexistent' })({
    ready: true,
  })
  t.same(said, [])
  const notify = createNotify({ notifySocket: '/nonexistent', clock: systemClock, log, tool: '/nonexistent' })
  await notify({ ready: true })
  await notify({ watchdog: true })
  t.same(said, ['warn: systemd cannot be told how the service is'])
})

t.test('a tool that fails is told once, and one that hangs is killed after 5 s', async t => {
  const folder = folderOf(t)
  const script = (name: string, body: string): string => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`)
    chmodSync(join(folder, name), 0o755)
    return join(folder, name)
  }
  const { log, said } = remembering()
  await createNotify({
    notifySocket: folder,
    clock: systemClock,
    log,
    tool: script('fails', 'exit 3'),
  })({ ready: true })
  t.equal(said.length, 1)

  const clock = new VirtualClock()
  const pidFile = join(folder, 'pid')
  const tool = script('hangs', `echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; exec sleep 600`)
  const sent = createNotify({ notifySocket: folder, clock, log, tool })({ ready: true })
  const pid = await until('the tool', () => existsSync(pidFile) && Number(readFileSync(pidFile)))
  clock.advance(5000)
  await sent
  t.equal(said.length, 2)
  await until('the tool to be gone', () => {
    try {
      process.kill(pid, 0)
      return false
    } catch {
      return true
    }
  })
})

t.test('the environment of the service is read once and for this process only', async t => {
  const NOTIFY_SOCKET = '/run/systemd/notify'
  t.same(serviceEnvironment({}), { notifySocket: undefined, watchdogMs: undefined })
  t.same(serviceEnvironment({ NOTIFY_SOCKET: '' }), { notifySocket: undefined, watchdogMs: undefined })
  t.same(serviceEnvironment({ NOTIFY_SOCKET, WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 7), {
    notifySocket: NOTIFY_SOCKET,
    watchdogMs: 30_000,
  })
  const watchdogOf = (WATCHDOG_USEC: string, WATCHDOG_PID?: string) =>
    serviceEnvironment({ NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID }, 7).watchdogMs
  t.equal(watchdogOf('1500000'), 1500, 'without a process id it is meant for whoever reads it')
  t.equal(watchdogOf('30000000', '8'), undefined, 'meant for another process')
  for (const micros of ['0', '-1', '1e9', 'soon', '']) t.equal(watchdogOf(micros), undefined, micros)
  t.equal(serviceEnvironment({ WATCHDOG_USEC: '30000000' }).watchdogMs, undefined, 'nobody would hear it')
  t.type(serviceEnvironment(), 'object')
})

const periodMs = 10_000
const names = ['the event loop', 'the store', 'the broker'] as const

/** A watchdog in virtual time whose checks do as `behave` says. */
function rig(behave: (name: string, nowMs: number) => Promise<unknown>) {
  const clock = new VirtualClock()
  const { log, said } = remembering()
  const sent: (ServiceMessage & { readonly atMs: number })[] = []
  const checks: WatchdogCheck[] = names.map(name => ({ name, run: () => behave(name, clock.now()) }))
  const notify = async (message: ServiceMessage) => void sent.push({ ...message, atMs: clock.now() })
  const watchdog = startWatchdog({ clock, log, checks, notify, periodMs })
  /** Lets promises settle between the steps of time. */
  const advance = async (byMs: number) => {
    for (let ms = 0; ms <= byMs; ms += 500) {
      await new Promise(resolve => setImmediate(resolve))
      if (ms < byMs) clock.advance(500)
    }
  }
  return { clock, said, sent, watchdog, advance, feeds: () => sent.filter(({ watchdog }) => watchdog) }
}

t.test('a healthy gateway is fed once in each period', async t => {
  const { advance, feeds, said, watchdog, clock } = rig(() => Promise.resolve())
  await advance(60_000)
  t.same(
    feeds().map(({ atMs }) => atMs),
    [0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000],
  )
  t.same(said, [])
  watchdog.stop()
  await advance(60_000)
  t.equal(feeds().length, 7, 'a stopped one feeds no more')
  t.notOk(clock.step(), 'and leaves no timer')
  t.equal(feedPeriodMs(30_000), periodMs)
})

const hangs = () => new Promise<never>(() => undefined)
const faults: Readonly<Record<string, () => Promise<never>>> = {
  hangs,
  fails: () => Promise.reject(new Error('the disk is full')),
  throws: () => {
    throw new Error('closed')
  },
}
for (const sick of names) {
  for (const [how, fault] of Object.entries(faults)) {
    t.test(
      `${sick} alone starves the watchdog when it ${how}, and the log names it before the end`,
      async t => {
        const { advance, feeds, sent, said } = rig((name, nowMs) =>
          name === sick && nowMs >= 20_000 ? fault() : Promise.resolve(),
        )
        await advance(39_500)
        t.same(
          feeds().map(({ atMs }) => atMs),
          [0, 10_000],
        )
        t.ok(said.length >= 2, 'twice before systemd ends it at 40 s')
        t.ok(
          said.every(line => line.startsWith(`error: ${sick} does not answer: systemd ends the service in `)),
        )
        t.ok(sent.some(({ status }) => status === `no answer from ${sick}`))
      },
    )
  }
}

t.test('one missed round is survived, and the recovery is told', async t => {
  const { advance, feeds, sent, said } = rig((name, nowMs) =>
    name === 'the store' && nowMs === 20_000 ? hangs() : Promise.resolve(),
  )
  await advance(40_000)
  t.same(
    feeds().map(({ atMs }) => atMs),
    [0, 10_000, 30_000, 40_000],
  )
  t.match(said, [
    /the store does not answer: systemd ends the service in 13 s/,
    /^info: all that the watchdog waits for answers again$/,
  ])
  t.match(sent.at(-2), { watchdog: true, status: 'running' })
})

t.test('an answer that comes too late does not count for the round after', async t => {
  let clock: VirtualClock | undefined
  const { advance, feeds, ...rest } = rig(name =>
    name === 'the broker'
      ? new Promise(resolve => clock?.setTimer(9000, () => resolve(undefined)))
      : Promise.resolve(),
  )
  clock = rest.clock
  await advance(60_000)
  t.same(feeds(), [], 'a broker that always needs 9 s of 10 is not well')
})

t.test('whatever the order of answers, a round is fed exactly once and never before the last', async t => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('begin', 'a fails', 'a', 'b', 'c', 'stranger'), { maxLength: 60 }),
      steps => {
        const round = new WatchdogRound(['a', 'b', 'c'])
        let owed = new Set<string>()
        for (const step of steps) {
          if (step === 'begin') {
            round.begin()
            owed = new Set(['a', 'b', 'c'])
          } else if (step === 'a fails') {
            round.missed('a')
            if (!round.silent.includes('a')) return false
          } else {
            const due = owed.delete(step) && owed.size === 0
            if (round.answered(step) !== due || round.silent.includes(step)) return false
          }
        }
        return true
      },
    ),
  )
  t.pass()
})

t.test('the loop check answers in time and fails when the loop is held up', async t => {
  await loopCheck(systemClock).run()
  const clock = new VirtualClock()
  const inTime = loopCheck(clock).run()
  clock.advance(100)
  await inTime
  const heldUp = { ...clock, now: () => clock.now(), wallTime: () => 0 }
  let fire: () => void = () => undefined
  const late = loopCheck({
    ...heldUp,
    setTimer: (_, then) => {
      fire = then
      return { cancel: () => undefined }
    },
  }).run()
  clock.advance(2500)
  fire()
  await t.rejects(late, /2400 ms late/)
})
