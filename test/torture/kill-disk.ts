import { execFile } from 'node:child_process'
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { systemClock } from '../../src/kernel/clock.ts'
import { withDeadline } from '../../src/kernel/deadline.ts'
import type { HealthView } from '../../src/wire/health.ts'
import type { JobView } from '../../src/wire/job.ts'
import { seededRandom } from '../support/synthetic-patterns.ts'
import { type Gateway, KillRig } from './kill-rig.ts'
import { type SeriesOutcome, Tally } from './kill-tally.ts'
import { newMemory, Work } from './kill-work.ts'

const run = promisify(execFile)
const diskBytes = 1024 * 1024
/** The disk when it is well again; memory is used only for what is written. */
const wellBytes = 1024 * diskBytes
/** The gateway writes while the disk is made smaller; what is left is taken afterwards. */
const slackBytes = diskBytes
const boardCount = 2
/** How long people try to work in spite of the trouble. */
const troubleMs = 2500
const restMs = 60_000
const clear = /no room is left|disk .*full|the disk failed|free space/i

export interface DiskOptions {
  readonly main: string
  readonly seed: number
  /** Troubles in a row on one state folder. */
  readonly count: number
  /** `full`: no byte is left of a disk of 1 MB; `fsync`: each fsync fails with EIO. */
  readonly kind: 'full' | 'fsync'
  readonly onProgress?: () => void
}

interface Trouble {
  /** Command that runs a gateway in it from its start. */
  readonly before: readonly string[]
  begin(gateway: Gateway): Promise<void>
  end(gateway: Gateway): Promise<void>
}

/**
 * Takes the disk away under a gateway at work, gives it back, and compares with everything that was acknowledged. About
 * every second time the gateway is killed in the trouble and started in it and after it.
 */
export async function runDiskTrouble(
  options: DiskOptions,
): Promise<SeriesOutcome | { readonly skipped: string }> {
  const { main, seed, kind } = options
  const reason = kind === 'full' ? await cannotMount() : await cannotInject()
  if (reason !== undefined) return { skipped: `${kind}: ${reason}` }
  const tally = new Tally()
  const rig = await KillRig.open({ main, seed, boards: boardCount })
  const memory = newMemory(rig, seed)
  const trouble = kind === 'full' ? fullDisk(rig.stateDir) : failingSync(rig.folder)
  const before = kind === 'full' ? [] : fiuRun(rig.folder)
  const { violations } = tally

  /** A gateway on the state folder as it is, with people at work on it. */
  const begin = async () => {
    const gateway = rig.start(before)
    const url = await gateway.ready()
    const work = new Work({
      client: gateway.client,
      url,
      memory,
      allowed: ['storage_failed', 'overloaded'],
      onJob: job => tally.hearJob(job),
    })
    await work.look()
    tally.looks++
    return { gateway, url, work, ran: work.run() }
  }
  /** Uploads go through, before a trouble and after it. */
  const oneMoreDone = async () => {
    const before = tally.done.size
    for (const endMs = performance.now() + restMs / 2; tally.done.size === before; await sleep(20))
      if (performance.now() > endMs) throw new Error('no upload came to its end, though the disk is well')
  }
  /** On a busy machine it may take until the trouble is noticed. */
  const refusedAtLeastOnce = async ({ gateway, work }: Awaited<ReturnType<typeof begin>>) => {
    const endMs = performance.now() + restMs / 2
    while (work.refusals.size === 0 && !gateway.hasEnded && performance.now() < endMs) await sleep(20)
  }
  const mustBeClear = (words: readonly string[], what: string) => {
    const unclear = words.filter(each => !clear.test(each))
    if (unclear.length > 0) violations.push(`${what} without clear words: ${unclear.join('; ')}`)
  }
  /** Started in the trouble it may run or not, but it has to say why. */
  const startInTrouble = async () => {
    const gateway = rig.start(trouble.before)
    await gateway.ready().catch(() => undefined)
    if (gateway.hasEnded) mustBeClear([gateway.errors], 'it did not start')
    await gateway.end('SIGKILL')
  }

  try {
    if (kind === 'full') await run('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', rig.stateDir])
    const random = seededRandom(seed)
    let life = await begin()
    while (tally.interruptions < options.count && violations.length === 0) {
      // A disk of 1 MB may be full before the first upload is through.
      if (kind !== 'full' || tally.interruptions > 0) await oneMoreDone()
      await sleep(random() * 800)
      tally.note(`trouble ${tally.interruptions + 1}`)
      await trouble.begin(life.gateway)
      await refusedAtLeastOnce(life)
      await Promise.race([sleep(troubleMs), life.gateway.exited])
      const refusals = [...life.work.refusals]
      tally.note(`refused: ${refusals.join('; ')}`)
      if (refusals.length === 0) violations.push('nothing was refused in the trouble')
      mustBeClear(refusals, 'it refused')
      if (life.gateway.hasEnded) mustBeClear([life.gateway.errors], 'it ended')
      else if (kind === 'full') violations.push(...(await healthTells(life.url, memory.token)))
      const kills = random() < 0.5 || life.gateway.hasEnded
      if (kills) {
        tally.note('kill')
        await life.gateway.end('SIGKILL')
        await life.ran
        violations.push(...life.work.violations)
        await startInTrouble()
      }
      await trouble.end(life.gateway)
      if (kills) life = await begin()
      life.work.refusals.clear()
      tally.interruptions++
      options.onProgress?.()
    }
    await oneMoreDone()
    life.work.finish()
    await withDeadline(systemClock, restMs, life.ran, 'daemon_failed', 'the jobs did not come to their end')
    await life.work.look()
    violations.push(...life.work.violations)
    if (life.gateway.hasEnded) violations.push(`the gateway has ended: ${life.gateway.errors}`)
    const { jobs } = await life.gateway.client.get<{ jobs: readonly JobView[] }>('/jobs?limit=100')
    for (const { id, state, errorMessage } of jobs)
      if (state !== 'done' && state !== 'cancelled') violations.push(`job ${id} is ${state}: ${errorMessage}`)
    const { status } = await life.gateway.end('SIGTERM')
    if (status !== 0) violations.push(`SIGTERM ended it with status ${status}: ${life.gateway.errors}`)
  } catch (thrown) {
    tally.fault(thrown)
  } finally {
    if (kind === 'full') await run('umount', ['-l', rig.stateDir]).catch(() => undefined)
    await rig.close()
  }
  return tally.outcome(rig, memory)
}

/** What does not hold of the health on a full disk. */
async function healthTells(url: string, token: string | undefined): Promise<readonly string[]> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const answer = await fetch(`${url}/health`, { headers, signal: AbortSignal.timeout(10_000) })
  const { checks } = (await answer.json()) as HealthView
  const { status, message } = checks.find(({ name }) => name === 'disk') ?? {}
  // Strangers hear no words.
  const isClear = token === undefined || /are free on the disk .*: delete files/.test(message ?? '')
  return answer.status === 503 && status === 'failed' && isClear
    ? []
    : [`on a full disk the health is ${answer.status}, its disk ${status}: ${message}`]
}

async function cannotMount(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root can mount a disk of 1 MB'
  const folder = (await run('mktemp', ['-d'])).stdout.trim()
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', folder])
    await run('umount', [folder])
    return undefined
  } catch {
    return 'mounting is not allowed here'
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const cannotInject = (): Promise<string | undefined> =>
  run('fiu-run', ['-h']).then(
    () => undefined,
    (thrown: NodeJS.ErrnoException) =>
      thrown.code === 'ENOENT' ? 'fiu-run is missing: sudo apt-get install fiu-utils' : undefined,
  )

/** Takes every byte that is left, and again what becomes free. */
function fullDisk(folder: string): Trouble {
  const ballast = join(folder, 'ballast')
  let filling: NodeJS.Timeout | undefined
  const fill = () => {
    const { bavail, bsize } = statfsSync(folder)
    if (bavail === 0) return
    const file = openSync(ballast, 'a')
    try {
      for (let left = bavail; left > 0; left--) writeSync(file, Buffer.alloc(bsize))
    } catch {
      // Full: that is what is wanted.
    } finally {
      closeSync(file)
    }
  }
  return {
    before: [],
    begin: async () => {
      const { blocks, bfree, bsize } = statfsSync(folder)
      const usedBytes = (blocks - bfree) * bsize
      // Room for no more than is used already, but for the 1 MB of the first time.
      await run('mount', ['-o', `remount,size=${Math.max(diskBytes, usedBytes + slackBytes)}`, folder])
      fill()
      filling = setInterval(fill, 20)
    },
    end: async () => {
      clearInterval(filling)
      rmSync(ballast, { force: true })
      await run('mount', ['-o', `remount,size=${wellBytes}`, folder])
    },
  }
}

const fiuRun = (folder: string) => ['fiu-run', '-x', '-f', join(folder, 'fiu')]

/** Turns the failure points of libfiu on and off in the running process. */
function failingSync(folder: string): Trouble {
  const points = ['posix/io/sync/fsync', 'posix/io/sync/fdatasync']
  const eio = 5
  const control = async ({ pid }: Gateway, words: (point: string) => string) => {
    const commands = points.flatMap(point => ['-c', words(point)])
    await run('fiu-ctrl', ['-f', join(folder, 'fiu'), ...commands, String(pid)], { timeout: 5000 })
  }
  const enable = (point: string) => `enable name=${point},failinfo=${eio}`
  return {
    before: [...fiuRun(folder), ...points.flatMap(point => ['-c', enable(point)])],
    begin: gateway => control(gateway, enable),
    end: async gateway => {
      if (!gateway.hasEnded) await control(gateway, point => `disable name=${point}`).catch(() => undefined)
    },
  }
}
