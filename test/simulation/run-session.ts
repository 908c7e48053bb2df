import type { FaultKind, SessionPlan } from './faults.ts'
import { planSession } from './faults.ts'
import type { KnownPattern } from './pattern-watch.ts'
import { Trace } from './trace.ts'
import { World } from './world.ts'

/** Time that an upload may take once nothing stands in its way, and per byte of a slow and noisy line. */
const patienceMs = 600_000
const mostSteps = 400_000
const settleMs = 250
const mostUploads = 4

export interface SessionResult {
  readonly seed: number
  /** Of the plan, in order. */
  readonly kinds: readonly FaultKind[]
  /** How often each of them came to pass. */
  readonly strikes: ReadonlyMap<FaultKind, number>
  readonly outcome: string
  readonly violations: readonly string[]
  readonly traceHash: string
  readonly fileBytes: number
  readonly steps: number
  readonly checks: number
  readonly virtualMs: number
  /** From the end of all hindrances to the end of the upload. */
  readonly fairMs: number
  readonly boots: number
  readonly dataFrames: number
  readonly mostForgotten: number
  readonly uploads: number
  /** At the end the two sides of the line have different rates. */
  readonly ratesDiffer: boolean
  /** What the board played at the start. */
  readonly oldPattern: KnownPattern | undefined
  /** Empty unless asked for. */
  readonly trace: readonly string[]
}

export interface SessionOptions {
  readonly readable?: boolean
  /** Sees the world before its first step. */
  readonly onWorld?: (world: World) => void
}

/** One session from its seed to its end. The same seed gives the same session, step by step. */
export const runSession = (seed: number, options: SessionOptions = {}): Promise<SessionResult> =>
  runWorld(planSession(seed), options)

export async function runWorld(
  plan: SessionPlan,
  { readable = false, onWorld }: SessionOptions = {},
): Promise<SessionResult> {
  const { seed } = plan
  const trace = new Trace(readable)
  const world = new World(plan, trace)
  onWorld?.(world)
  const { clock, invariants } = world
  let steps = 0
  let endsAtMs = Number.POSITIVE_INFINITY
  let uploads = 1
  let fairMs = 0
  try {
    while (clock.now() < endsAtMs) {
      await new Promise(setImmediate)
      // A host that dies after its upload, and comes back with an older database, has to finish it once more.
      if (!world.host.alive) endsAtMs = Number.POSITIVE_INFINITY
      const state = world.host.alive ? world.host.job?.state : undefined
      if (endsAtMs === Number.POSITIVE_INFINITY && (state === 'done' || state === 'failed')) {
        const lies = plan.faults.some(({ kind }) => kind === 'liar')
        if (
          state === 'done' ||
          lies ||
          !world.excuses(world.host.job?.errorCode ?? '') ||
          uploads >= mostUploads
        ) {
          fairMs = Math.max(0, clock.now() - world.unfairUntilMs)
          endsAtMs = clock.now() + settleMs
        } else if (clock.now() >= world.unfairUntilMs && !world.host.submitting) {
          uploads++
          world.submitAgain()
        }
      }
      steps++
      if (steps > mostSteps || !clock.step() || clock.now() > world.unfairUntilMs + patienceMs) break
      world.afterStep()
      if (invariants.violations.length > 0) break
    }
    if (invariants.violations.length === 0) invariants.judge()
  } finally {
    world.stop()
  }
  return {
    seed,
    kinds: plan.faults.map(({ kind }) => kind),
    strikes: world.strikes,
    outcome: world.host.job?.state ?? 'none',
    violations: invariants.violations,
    traceHash: trace.hash,
    fileBytes: plan.file.bytes.length,
    steps,
    checks: invariants.checks,
    virtualMs: clock.now(),
    fairMs,
    boots: world.board.boots,
    dataFrames: invariants.dataFrames,
    mostForgotten: invariants.mostForgotten,
    uploads,
    ratesDiffer: world.host.rate !== world.board.rate,
    oldPattern: world.oldPattern,
    trace: trace.lines(),
  }
}
