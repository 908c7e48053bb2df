import type { JobView } from '../../src/wire/job.ts'
import type { KillRig } from './kill-rig.ts'
import type { Memory } from './kill-work.ts'

/** What interruptions in a row on one state folder have come to. */
export interface SeriesOutcome {
  readonly interruptions: number
  /** How far the upload was that was hit: counts by stage. */
  readonly stages: Readonly<Record<string, number>>
  /** Moments that did not come in time, so that the interruption came without them. */
  readonly forced: number
  /** Times that everything was compared. */
  readonly looks: number
  readonly confirmations: number
  readonly jobsDone: number
  /** Of them: went on from what an earlier run had brought to the board. */
  readonly jobsResumed: number
  /** By the reports or by the lines, whichever says more. */
  readonly blocksSentTwice: number
  readonly framesShown: number
  readonly longestPauseMs: number
  /** What came to pass, in order; for whoever reads a violation. */
  readonly trace: readonly string[]
  readonly violations: readonly string[]
}

/** Counts along. */
export class Tally {
  readonly violations: string[] = []
  readonly trace: string[] = []
  readonly done = new Set<string>()
  interruptions = 0
  forced = 0
  looks = 0
  readonly #stages: Record<string, number> = {}
  readonly #beganMs = performance.now()

  note(what: string): void {
    this.trace.push(`${((performance.now() - this.#beganMs) / 1000).toFixed(2)} s: ${what}`)
  }

  hit(stage: string): void {
    this.#stages[stage] = (this.#stages[stage] ?? 0) + 1
  }

  hearJob({ id, state, name, errorCode, errorMessage }: JobView): void {
    if (state === 'done') this.done.add(id)
    this.note(`${name} is ${state}${errorCode === null ? '' : `: ${errorMessage}`}`)
  }

  /** A fault of whatever ran. */
  fault(thrown: unknown): void {
    this.violations.push(thrown instanceof Error ? thrown.message : String(thrown))
  }

  outcome(rig: KillRig, memory: Memory): SeriesOutcome {
    const watches = rig.boards.map(({ watch }) => watch)
    const watched = rig.boards.flatMap(({ watch, transfers }) => [
      ...watch.violations,
      ...transfers.violations,
    ])
    const reports = [...memory.reports.values()]
    return {
      interruptions: this.interruptions,
      stages: this.#stages,
      forced: this.forced,
      looks: this.looks,
      confirmations: memory.ledger.confirmations,
      jobsDone: this.done.size,
      jobsResumed: reports.filter(({ resumed }) => resumed).length,
      blocksSentTwice: Math.max(
        reports.reduce((sum, { resentBlocks }) => sum + resentBlocks, 0),
        rig.boards.reduce((sum, { transfers }) => sum + transfers.blocksSentTwice, 0),
      ),
      framesShown: watches.reduce((sum, { count }) => sum + count, 0),
      longestPauseMs: Math.max(0, ...watches.map(({ longestPauseMs }) => longestPauseMs)),
      trace: this.trace,
      violations: [...new Set([...this.violations, ...watched])],
    }
  }
}
