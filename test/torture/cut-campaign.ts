import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { createCore } from '../../src/upload/gateway-core.ts'
import type { PatternRecord } from '../../src/upload/uploads.ts'
import type { BoardFaults } from '../../src/virtual/board-faults.ts'
import type { Direction } from '../support/cut-line.ts'
import { type CutFile, cutFiles } from './cut-files.ts'
import { type OldState, type Resume, runCut } from './cut-run.ts'

/** ACKs are sent by time too, so one upload is some bytes longer than another: a series ends when several were shorter than the cut. */
const uncutToEnd = 6

export const payloads = ['raw', 'pattern'] as const
export type Payload = (typeof payloads)[number]
export const resumes = ['reopen', 'restart'] as const

export interface CampaignOptions {
  /** Cuts are made after from, from + step, … bytes. */
  readonly step: number
  readonly directions: readonly Direction[]
  readonly from: number
  /** Without it: until a whole upload passes uncut. */
  readonly to?: number | undefined
  readonly seed: number
  readonly payloads: readonly Payload[]
  /** Without it they alternate. */
  readonly resume?: Resume | undefined
  /** Cuts under way at once. */
  readonly lanes: number
  readonly faults?: Partial<BoardFaults>
  readonly onProgress?: (summary: CampaignSummary) => void
}

export interface Violation {
  readonly payload: Payload
  readonly direction: Direction
  readonly afterBytes: number
  readonly resume: Resume
  readonly what: readonly string[]
  /** Runs this one cut again. */
  readonly replay: string
}

export interface CampaignSummary {
  readonly cuts: number
  /** Of the longest uncut upload. */
  readonly bytesOut: number
  readonly bytesIn: number
  readonly mostResentBytes: number
  readonly durationMs: number
  readonly violations: readonly Violation[]
}

interface Position {
  readonly payload: Payload
  readonly direction: Direction
  readonly afterBytes: number
  readonly resume: Resume
}

/** A database with the files in it, for one cut after the other. */
interface Lane {
  readonly store: Store
  readonly patterns: Readonly<Record<'old' | Payload, PatternRecord>>
}

/** Cuts uploads at every position and gathers what did not hold. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignSummary> {
  const beganMs = systemClock.now()
  const files = cutFiles(options.seed)
  const folder = await mkdtemp(join(await scratch(), 'torture-cut-'))
  const lanes: Lane[] = []
  try {
    for (let lane = 0; lane < options.lanes; lane++)
      lanes.push(await openLane(join(folder, `${lane}.db`), files))
    const [first] = lanes
    if (first === undefined) throw new Error('a campaign needs a lane')
    const old = await makeOld(first, files.old)
    const campaign = new Campaign(options, files, old, beganMs)
    await Promise.all(lanes.map(lane => campaign.work(lane)))
    return campaign.summary()
  } finally {
    await Promise.all(lanes.map(({ store }) => store.close()))
    await rm(folder, { recursive: true, force: true })
  }
}

class Campaign {
  readonly #options: CampaignOptions
  readonly #files: ReturnType<typeof cutFiles>
  readonly #old: OldState
  readonly #beganMs: number
  readonly #positions: Generator<Position>
  /** Uploads of each series that went through uncut. */
  readonly #uncut = new Map<string, number>()
  readonly #violations: Violation[] = []
  #cuts = 0
  #bytesOut = 0
  #bytesIn = 0
  #mostResentBytes = 0

  constructor(options: CampaignOptions, files: ReturnType<typeof cutFiles>, old: OldState, beganMs: number) {
    this.#options = options
    this.#files = files
    this.#old = old
    this.#beganMs = beganMs
    this.#positions = this.#all()
  }

  async work(lane: Lane): Promise<void> {
    for (let next = this.#positions.next(); next.done !== true; next = this.#positions.next()) {
      await this.#one(lane, next.value)
      this.#options.onProgress?.(this.summary())
    }
  }

  summary(): CampaignSummary {
    return {
      cuts: this.#cuts,
      bytesOut: this.#bytesOut,
      bytesIn: this.#bytesIn,
      mostResentBytes: this.#mostResentBytes,
      durationMs: systemClock.now() - this.#beganMs,
      violations: this.#violations,
    }
  }

  *#all(): Generator<Position> {
    const { step, directions, from, to = Number.POSITIVE_INFINITY, seed, resume } = this.#options
    for (const payload of this.#options.payloads) {
      for (const direction of directions) {
        const isOver = () => (this.#uncut.get(`${payload} ${direction}`) ?? 0) >= uncutToEnd
        for (let index = 0; from + index * step <= to && !isOver(); index++) {
          const alternate = resumes[(index + seed) % resumes.length] ?? 'reopen'
          yield { payload, direction, afterBytes: from + index * step, resume: resume ?? alternate }
        }
      }
    }
  }

  async #one({ store, patterns }: Lane, position: Position): Promise<void> {
    const { payload, direction, afterBytes, resume } = position
    const outcome = await runCut(store, patterns[payload], {
      file: this.#files[payload],
      old: this.#old,
      cut: { direction, afterBytes },
      resume,
      faults: this.#options.faults,
    })
    this.#mostResentBytes = Math.max(this.#mostResentBytes, outcome.resentBytes)
    if (outcome.wasCut) this.#cuts++
    else {
      const series = `${payload} ${direction}`
      this.#uncut.set(series, (this.#uncut.get(series) ?? 0) + 1)
      this.#bytesOut = Math.max(this.#bytesOut, outcome.bytesOut)
      this.#bytesIn = Math.max(this.#bytesIn, outcome.bytesIn)
    }
    if (outcome.violations.length === 0) return
    const at = `--direction ${direction} --step 1 --from ${afterBytes} --to ${afterBytes}`
    const replay = `npm run torture:cut -- --payload ${payload} ${at} --resume ${resume} --seed ${this.#options.seed}`
    this.#violations.push({ ...position, what: outcome.violations, replay })
  }
}

async function openLane(path: string, files: ReturnType<typeof cutFiles>): Promise<Lane> {
  const store = await openStore(path)
  const { uploads } = createCore({ store, clock: systemClock, log: silentLog })
  const add = async ({ bytes, how }: CutFile) => (await uploads.addFile(bytes, how.fileName, how.raw)).pattern
  const [old, raw, pattern] = [await add(files.old), await add(files.raw), await add(files.pattern)]
  return { store, patterns: { old, raw, pattern } }
}

/** The board as it is before each cut: the old pattern was uploaded, verified and confirmed. */
async function makeOld({ store, patterns }: Lane, file: CutFile): Promise<OldState> {
  const outcome = await runCut(store, patterns.old, {
    file,
    old: undefined,
    cut: undefined,
    resume: 'reopen',
  })
  if (outcome.violations.length > 0) throw new Error(`the old pattern: ${outcome.violations.join('; ')}`)
  return { flash: outcome.flash, id: outcome.id, frames: file.frames }
}

/** Memory where there is some: thousands of runs would only wear the disk out. */
async function scratch(): Promise<string> {
  const memory = '/dev/shm'
  return (await stat(memory).catch(() => undefined))?.isDirectory() === true ? memory : tmpdir()
}
