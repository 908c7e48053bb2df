import { systemClock } from '../../src/kernel/clock.ts'
import { type DiskOptions, runDiskTrouble } from './kill-disk.ts'
import { runSeries, type SeriesOptions } from './kill-series.ts'
import type { SeriesOutcome } from './kill-tally.ts'
import { transferStages } from './kill-transfer.ts'

export const kinds = ['kill', 'stop', 'power', 'pty', 'full', 'fsync'] as const
export type Kind = (typeof kinds)[number]

/** Interruptions on one state folder; the seed of the next series is one higher. */
const perSeries: Readonly<Record<Kind, number>> = {
  kill: 10,
  stop: 10,
  power: 10,
  pty: 10,
  full: 5,
  fsync: 5,
}
/** How many of the others go with so many kills: a disk trouble takes ten seconds. */
const share: Readonly<Record<Kind, number>> = {
  kill: 1,
  stop: 0.1,
  power: 0.1,
  pty: 0.2,
  full: 0.02,
  fsync: 0.02,
}

export interface CampaignOptions {
  /** The gateway's main file. */
  readonly main: string
  readonly kills: number
  readonly seed: number
  readonly kinds: readonly Kind[]
  /** State folders under way at once. */
  readonly lanes: number
  readonly onProgress?: (summary: CampaignSummary) => void
  readonly tamper?: SeriesOptions['tamper']
}

export interface Violation {
  readonly kind: Kind
  readonly what: readonly string[]
  readonly trace: readonly string[]
  /** Runs its series again. */
  readonly replay: string
}

export interface CampaignSummary {
  readonly interruptions: Readonly<Record<Kind, number>>
  /** Kills by how far the upload was that they hit. */
  readonly killsByStage: Readonly<Record<string, number>>
  /** Interruptions whose moment did not come in time. */
  readonly forced: number
  /** Times that everything was compared. */
  readonly looks: number
  /** Things that gateways have acknowledged. */
  readonly confirmations: number
  readonly jobsDone: number
  /** Of them: went on from what an earlier run had brought to the board. */
  readonly jobsResumed: number
  readonly blocksSentTwice: number
  readonly framesShown: number
  readonly longestPauseMs: number
  readonly durationMs: number
  /** What could not be done here, and why. */
  readonly skipped: readonly string[]
  readonly violations: readonly Violation[]
}

interface Task {
  readonly kind: Kind
  readonly count: number
  readonly seed: number
}

/** Kills, hang-ups and disk troubles, spread over series that each have a seed of their own. */
export async function runKillCampaign(options: CampaignOptions): Promise<CampaignSummary> {
  const campaign = new Campaign(options)
  await Promise.all(Array.from({ length: options.lanes }, () => campaign.work()))
  return campaign.summary()
}

class Campaign {
  readonly #options: CampaignOptions
  readonly #beganMs = systemClock.now()
  readonly #tasks: Task[]
  readonly #interruptions: Record<Kind, number> = { kill: 0, stop: 0, power: 0, pty: 0, full: 0, fsync: 0 }
  readonly #outcomes: SeriesOutcome[] = []
  readonly #killsByStage: Record<string, number> = Object.fromEntries(transferStages.map(stage => [stage, 0]))
  readonly #skipped = new Set<string>()
  readonly #violations: Violation[] = []

  constructor(options: CampaignOptions) {
    this.#options = options
    const alone = options.kinds.length === 1
    this.#tasks = options.kinds.flatMap(kind =>
      tasks(kind, options.kills * (alone ? 1 : share[kind]), options.seed),
    )
  }

  async work(): Promise<void> {
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) {
      const outcome = await this.#run(task)
      if ('skipped' in outcome) {
        this.#skipped.add(outcome.skipped)
        continue
      }
      this.#outcomes.push(outcome)
      if (task.kind === 'kill')
        for (const [stage, count] of Object.entries(outcome.stages))
          this.#killsByStage[stage] = (this.#killsByStage[stage] ?? 0) + count
      if (outcome.violations.length === 0) continue
      const { kind, count, seed } = task
      const replay = `npm run torture -- --only ${kind} --kills ${count} --seed ${seed}`
      this.#violations.push({ kind, what: outcome.violations, trace: outcome.trace, replay })
    }
  }

  summary(): CampaignSummary {
    const sum = (of: (outcome: SeriesOutcome) => number) =>
      this.#outcomes.reduce((total, outcome) => total + of(outcome), 0)
    return {
      interruptions: { ...this.#interruptions },
      killsByStage: { ...this.#killsByStage },
      forced: sum(({ forced }) => forced),
      looks: sum(({ looks }) => looks),
      confirmations: sum(({ confirmations }) => confirmations),
      jobsDone: sum(({ jobsDone }) => jobsDone),
      jobsResumed: sum(({ jobsResumed }) => jobsResumed),
      blocksSentTwice: sum(({ blocksSentTwice }) => blocksSentTwice),
      framesShown: sum(({ framesShown }) => framesShown),
      longestPauseMs: Math.max(0, ...this.#outcomes.map(({ longestPauseMs }) => longestPauseMs)),
      durationMs: systemClock.now() - this.#beganMs,
      skipped: [...this.#skipped],
      violations: this.#violations,
    }
  }

  #run({ kind, count, seed }: Task): Promise<SeriesOutcome | { readonly skipped: string }> {
    const { main, tamper } = this.#options
    const onProgress = () => {
      this.#interruptions[kind]++
      this.#options.onProgress?.(this.summary())
    }
    const common: Omit<DiskOptions, 'kind'> = { main, seed, count, onProgress }
    return kind === 'full' || kind === 'fsync'
      ? runDiskTrouble({ ...common, kind })
      : runSeries({ ...common, kind, ...(tamper && { tamper }) })
  }
}

function tasks(kind: Kind, interruptions: number, seed: number): readonly Task[] {
  const total = Math.max(1, Math.round(interruptions))
  const series = Math.ceil(total / perSeries[kind])
  return Array.from({ length: series }, (_, index) => ({
    kind,
    count: Math.min(perSeries[kind], total - index * perSeries[kind]),
    seed: seed + index,
  }))
}
