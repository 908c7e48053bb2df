import { createHash } from 'node:crypto'
import type { ErrorCode } from '../../src/kernel/errors.ts'
import { writeCapBytes } from '../../src/link/link.ts'
import type { JobRecord } from '../../src/store/tables/job-record.ts'
import type { FaultKind } from './faults.ts'
import type { SimHost } from './sim-host.ts'
import { events } from './trace.ts'
import { WireWatch } from './wire-watch.ts'
import type { World } from './world.ts'

/** A gateway with one board and one job needs few of these at a time. */
const mostTimers = 48
const mostCalls = 32
/** One fault is seen at many places; the first ones tell. */
const mostViolations = 8

/** The host has proved the hash wrong, or the board has refused to verify what it does not hold. */
const caughtLie: readonly ErrorCode[] = ['verification_failed', 'board_refused']

/** With these a board may forget what it has acknowledged, or there are two boards. */
const forgetful: readonly FaultKind[] = ['two-hosts', 'slot-corruption', 'twin-uuid', 'liar']

/** What must hold after every step, and at the end. */
export class Invariants {
  readonly violations: string[] = []
  readonly #world: World
  readonly #watches: WireWatch[] = []
  readonly #acknowledged = new Map<string, number>()
  checks = 0

  constructor(world: World) {
    this.#world = world
  }

  violate(what: string): void {
    if (this.violations.length >= mostViolations || this.violations.includes(what)) return
    this.violations.push(what)
    this.#world.note(events.violation, what.length, () => `VIOLATION ${what}`)
  }

  newWireWatch(): WireWatch {
    const mayForget = this.#world.plan.faults.some(({ kind }) => forgetful.includes(kind))
    const watch: WireWatch = new WireWatch({
      mayForget,
      acknowledged: this.#acknowledged,
      // Two hosts on one line that have drawn the same session number hear each other's answers as their own.
      violate: what => {
        if (this.#world.hosts.length === 1 || !this.#watches.some(other => other.isMixedUpWith(watch)))
          this.violate(what)
      },
    })
    this.#watches.push(watch)
    return watch
  }

  get mostForgotten(): number {
    return Math.max(0, ...this.#watches.map(watch => watch.mostForgotten))
  }

  get dataFrames(): number {
    return this.#watches.reduce((sum, watch) => sum + watch.dataFrames, 0)
  }

  afterStep(): void {
    this.checks++
    for (const host of this.#world.hosts) {
      if (!host.alive) continue
      if (host.timers > mostTimers) this.violate(`${host.name} has set ${host.timers} timers`)
      if (host.calls > mostCalls) this.violate(`${host.calls} calls of ${host.name} wait for the store`)
      if (host.queuedBytes > writeCapBytes) this.violate(`${host.name} has queued ${host.queuedBytes} bytes`)
    }
  }

  /** "Done" is said of what a board holds, whole and active, and of nothing else. */
  onJob(host: SimHost, job: JobRecord): void {
    if (job.state !== 'done') return
    const { plan, boards } = this.#world
    if (plan.faults.some(({ kind }) => kind === 'liar'))
      this.violate('done, though the board lied about its hash')
    const image = host.tables.blobs.get(job.imageSha ?? '')?.bytes
    if (image === undefined) return this.violate('done, but there is no image')
    if (job.digestAlg === 'sha256' && job.digestValue !== createHash('sha256').update(image).digest('hex'))
      this.violate('done with another hash than the image has')
    const holding = boards.some(({ watch }) => watch.activeId === job.transferId)
    // Another host may have put its own pattern there since the board gave its word.
    const replaced = this.#world.hosts.length > 1 && this.#world.strikes.has('two-hosts')
    if (!holding && !replaced) this.violate('done, but the board does not hold the image as active')
  }

  /** The upload is over, or its time is. */
  judge(): void {
    const { host, plan, board } = this.#world
    const job = host.job
    const lies = plan.faults.some(({ kind }) => kind === 'liar')
    if (lies) {
      // Another trouble may have ended the upload before the lie was told.
      const caught = plan.faults.length > 1 || caughtLie.some(code => code === job?.errorCode)
      if (job?.state !== 'failed' || !caught)
        this.violate(
          `the board lied and the job is ${job?.state ?? 'none'} (${job?.errorCode ?? 'no error'})`,
        )
      return
    }
    if (job?.state !== 'done')
      return this.violate(
        `no progress on a fair line: the job is ${job?.state ?? 'none'} (${job?.errorCode}: ${job?.errorMessage})`,
      )
    if (board.flash.unerasedBits > 0 && !plan.faults.some(({ kind }) => kind === 'slot-corruption'))
      this.violate('the board programmed what it had not erased')
  }
}
