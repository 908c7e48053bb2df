import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { systemClock } from '../../src/kernel/clock.ts'
import { withDeadline } from '../../src/kernel/deadline.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { verifyDatabase } from '../../src/store/verify-database.ts'
import type { JobView } from '../../src/wire/job.ts'
import { seededRandom } from '../support/synthetic-patterns.ts'
import { Aim } from './kill-aim.ts'
import { describeMoment, drawMoment, type Moment } from './kill-moment.ts'
import { type Gateway, KillRig } from './kill-rig.ts'
import { type SeriesOutcome, Tally } from './kill-tally.ts'
import { type Memory, newMemory, Work } from './kill-work.ts'

const boardCount = 2
/** A moment that does not come within this time is made to come. */
const latestMs = 4000
/** The gateway may need it for what is left of a job, on a busy machine. */
const restMs = 60_000
const startGuessMs = 500
/** TimeoutStopSec of the unit; what systemd does not wait for is killed. */
const stopMs = 10_000

export interface SeriesOptions {
  readonly main: string
  readonly seed: number
  /** Interruptions in a row on one state folder. */
  readonly count: number
  /**
   * `kill`, `stop`: SIGKILL or SIGTERM to the gateway; `power`: SIGKILL to it and to the boards; `pty`: its end of a line
   * hangs up and comes again.
   */
  readonly kind: 'kill' | 'stop' | 'power' | 'pty'
  readonly onProgress?: () => void
  /** Between a kill and the next start, to see that the comparison sees what is missing. */
  readonly tamper?: (rig: KillRig) => void
}

/** Interrupts a gateway at work again and again, and compares after each time with everything that it has acknowledged. */
export async function runSeries(options: SeriesOptions): Promise<SeriesOutcome> {
  const { main, seed } = options
  const tally = new Tally()
  const aim = new Aim()
  const rig = await KillRig.open({
    main,
    seed,
    boards: boardCount,
    onFrame: (board, frame) => aim.onFrame(board, frame),
    onBytes: (board, direction, total) => aim.onBytes(board, direction, total),
  })
  const memory = newMemory(rig, seed)
  try {
    await new Series(options, rig, aim, memory, tally).run()
  } catch (thrown) {
    tally.fault(thrown)
  } finally {
    await rig.close()
  }
  return tally.outcome(rig, memory)
}

class Series {
  readonly #options: SeriesOptions
  readonly #rig: KillRig
  readonly #aim: Aim
  readonly #memory: Memory
  readonly #tally: Tally
  readonly #random: () => number
  #startMs = startGuessMs

  constructor(options: SeriesOptions, rig: KillRig, aim: Aim, memory: Memory, tally: Tally) {
    this.#options = options
    this.#rig = rig
    this.#aim = aim
    this.#memory = memory
    this.#tally = tally
    this.#random = seededRandom(options.seed)
  }

  async run(): Promise<void> {
    if (this.#options.kind !== 'pty') {
      // What may come before everything was compared is followed by what does not, so that the seed alone gives all moments.
      for (let isEarly = false; this.#goesOn; ) {
        const moment = drawMoment(this.#random, boardCount, isEarly)
        isEarly = moment.kind === 'start' || moment.kind === 'time'
        await this.#life(moment)
        this.#interrupted()
        this.#options.tamper?.(this.#rig)
      }
    }
    await this.#lastLife()
  }

  get #goesOn(): boolean {
    return this.#tally.interruptions < this.#options.count && this.#tally.violations.length === 0
  }

  #interrupted(): void {
    this.#tally.interruptions++
    this.#options.onProgress?.()
  }

  /** From a start to a kill. */
  async #life(moment: Moment): Promise<void> {
    const signal = this.#options.kind === 'stop' ? 'SIGTERM' : 'SIGKILL'
    this.#note(`${signal} ${this.#tally.interruptions + 1}: ${describeMoment(moment)}`)
    const gateway = this.#rig.start()
    let struck = false
    let struckMs = 0
    const strike = (board?: number) => {
      this.#aim.disarm()
      if (struck) return
      struck = true
      struckMs = performance.now()
      gateway.send(signal)
      if (this.#options.kind === 'power') for (const each of this.#rig.boards) each.cutPower()
      this.#tally.hit(this.#stageOf(board))
    }
    const force = () => {
      if (!struck) this.#tally.forced++
      strike()
    }
    const late: NodeJS.Timeout[] = []
    if (moment.kind === 'start') late.push(setTimeout(strike, moment.share * this.#startMs))
    let wasReady = false
    let looked = false
    try {
      const work = await this.#begin(gateway)
      wasReady = true
      if (moment.kind === 'time') late.push(setTimeout(strike, moment.ms))
      if (moment.kind === 'start') late.push(setTimeout(strike, latestMs / 10))
      looked = await this.#look(work)
      if (!struck) this.#aim.arm(moment, this.#rig.boards, strike)
      late.push(setTimeout(force, latestMs))
      await work.run()
      this.#tally.violations.push(...work.violations)
    } catch (thrown) {
      // What fails since the gateway was struck is no fault.
      if (!struck) throw thrown
    } finally {
      for (const each of late) clearTimeout(each)
    }
    // A second SIGTERM would be the wish to end at once.
    strike()
    const exit = await gateway.gone()
    if (this.#options.kind === 'power') await Promise.all(this.#rig.boards.map(each => each.powerUp()))
    this.#note(`ended${looked ? '' : ', before everything was compared'}`)
    // Early in its start nothing is open yet, and Node's own handler ends it.
    const endsAtOnce = signal === 'SIGKILL' || !wasReady
    if (!endsAtOnce || (signal === 'SIGTERM' && exit.status === 0))
      this.#checkStop(gateway, exit.status, struckMs)
    else if (exit.signal !== signal)
      this.#tally.violations.push(`the gateway ended by itself with status ${exit.status}: ${gateway.errors}`)
  }

  /** No kill: all that was begun comes to its end, and what is there then is looked at with more care. */
  async #lastLife(): Promise<void> {
    const { violations } = this.#tally
    const gateway = this.#rig.start()
    const work = await this.#begin(gateway)
    await this.#look(work)
    const ran = work.run()
    if (this.#options.kind === 'pty') {
      while (this.#goesOn && !gateway.hasEnded) {
        await this.#hangUp(drawMoment(this.#random, boardCount, true))
        this.#interrupted()
      }
    }
    work.finish()
    this.#note('the last jobs')
    await withDeadline(systemClock, restMs, ran, 'daemon_failed', 'the jobs did not come to their end')
    await this.#look(work)
    violations.push(...work.violations)
    if (gateway.hasEnded) violations.push(`the gateway has ended: ${gateway.errors}`)
    else await this.#boardsPlay(gateway)
    const beganMs = performance.now()
    const { status } = await gateway.end('SIGTERM')
    this.#checkStop(gateway, status, beganMs)
    this.#checkDatabase()
  }

  #checkStop(gateway: Gateway, status: number | null, beganMs: number): void {
    const { violations } = this.#tally
    if (status !== 0) violations.push(`SIGTERM ended it with status ${status}: ${gateway.errors}`)
    if (performance.now() - beganMs > stopMs) violations.push('SIGTERM took too long')
  }

  async #begin(gateway: Gateway): Promise<Work> {
    const beganMs = performance.now()
    const url = await gateway.ready()
    this.#startMs = performance.now() - beganMs
    this.#note('ready')
    const { boards } = this.#rig
    for (const { transfers } of boards) transfers.ready()
    const onJob = (job: JobView) => {
      this.#tally.hearJob(job)
      const board = boards.findIndex(({ uuid }) => uuid === job.boardId)
      if (job.state === 'transferring') boards[board]?.transfers.jobBegan()
      this.#aim.onJob(board, job)
    }
    return new Work({ client: gateway.client, url, memory: this.#memory, onJob })
  }

  /** False: the gateway went before everything was compared. */
  async #look(work: Work): Promise<boolean> {
    try {
      await work.look()
      this.#tally.looks++
      this.#tally.violations.push(...work.violations.splice(0))
      return true
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.code === 'daemon_unreachable') return false
      throw thrown
    }
  }

  #note(what: string): void {
    this.#tally.note(what)
  }

  /** Of the board that was aimed at; else of one that has an upload. */
  #stageOf(board: number | undefined): string {
    const idle = ['start-up', 'no upload', 'after done']
    const stages = this.#rig.boards.map(({ transfers }) => transfers.stage)
    return stages[board ?? -1] ?? stages.find(stage => !idle.includes(stage)) ?? stages[0] ?? 'no upload'
  }

  /** The gateway's end of one line hangs up at the moment, and is there again a little later. */
  async #hangUp(moment: Moment): Promise<void> {
    this.#note(`hang-up ${this.#tally.interruptions + 1}: ${describeMoment(moment)}`)
    const board = await new Promise<number>(resolve => {
      const late = setTimeout(() => {
        this.#tally.forced++
        resolve(0)
      }, latestMs)
      this.#aim.arm(moment, this.#rig.boards, at => {
        clearTimeout(late)
        resolve(at)
      })
    })
    this.#aim.disarm()
    this.#tally.hit(this.#stageOf(board))
    const line = this.#rig.boards[board]?.line
    await line?.unplug()
    line?.release()
    await sleep(this.#random() * 300)
    await line?.plug()
  }

  /** What each board shows is what was sent to it last, whole. */
  async #boardsPlay(gateway: Gateway): Promise<void> {
    const { jobs } = await gateway.client.get<{ jobs: readonly JobView[] }>('/jobs?limit=100')
    for (const { uuid, watch } of this.#rig.boards) {
      const last = jobs.find(({ boardId, state }) => boardId === uuid && state === 'done')
      if (last === undefined) continue
      const want = this.#rig.patterns.find(({ name }) => name === last.name)
      const endMs = performance.now() + restMs / 4
      for (;;) {
        watch.read()
        if (watch.showing === want?.number || performance.now() > endMs) break
        await sleep(50)
      }
      if (watch.showing !== want?.number)
        this.#tally.violations.push(`board ${uuid} shows file ${watch.showing} instead of ${last.name}`)
      // Else it goes back when its trial ends.
      else if (!watch.isConfirmed)
        this.#tally.violations.push(`board ${uuid} shows ${last.name}, which is done and was not confirmed`)
    }
  }

  #checkDatabase(): void {
    const path = join(this.#rig.stateDir, 'gateway.db')
    const db = new Sqlite(path, { readonly: true })
    try {
      verifyDatabase(db, path, () => undefined)
    } finally {
      db.close()
    }
  }
}
