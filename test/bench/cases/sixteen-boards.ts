import type { DoneReport } from '../../../src/upload/report.ts'
import { startLineModel } from '../../support/line-model.ts'
import type { Context } from '../context.ts'
import { Daemon, until } from '../daemon.ts'
import { slowFsyncLibrary } from '../gateway.ts'
import { noiseBytes } from '../payload.ts'
import { atLeast, atMost, median, type Row, row } from '../row.ts'

const boards = 16
const baudRate = 1_000_000
const pollMs = 100
const fsyncDelayMs = 50
const connectTimeoutMs = 60_000
const patience = 5

/** Sixteen boards at once, while a panel asks for boards and jobs ten times a second. */
export async function* sixteenBoards(context: Context): AsyncGenerator<Row> {
  yield* together(context, 'boards', `${boards} boards at ${baudRate}`, {})
}

/** The same on a medium that takes 50 ms for each fsync. */
export async function* slowFsync(context: Context): AsyncGenerator<Row> {
  const env = { LD_PRELOAD: slowFsyncLibrary, SLOW_FSYNC_MS: String(fsyncDelayMs) }
  yield* together(context, 'fsync', `${boards} boards at ${baudRate}, fsync +${fsyncDelayMs} ms`, env)
}

async function* together(
  { main, seed, quick }: Context,
  name: string,
  line: string,
  env: Readonly<Record<string, string>>,
): AsyncGenerator<Row> {
  const lineSeconds = quick ? 3 : 12
  const model = await startLineModel({ baudRate, nativeBoard: true, lines: boards, seed })
  const daemon = await Daemon.start({ main, ports: model.lines.map(({ host }) => host), baudRate, env })
  const panel = new Panel(daemon)
  try {
    await daemon.boardsConnected(boards, connectTimeoutMs)
    const payload = noiseBytes(Math.round((lineSeconds * baudRate) / 10), seed)
    panel.start()
    const startMs = performance.now()
    const ids = (await daemon.upload('noise.bin', payload, true)).map(({ id }) => id)
    const acceptedMs = performance.now() - startMs
    // The CPU that counts is that of the transfers: from the first byte on the lines until a first board is done.
    await until(
      connectTimeoutMs,
      'the first transfer',
      async () => panel.jobs.some(({ state }) => state === 'transferring') || undefined,
    )
    const [cpuBefore, modelBefore, beganMs] = [
      await daemon.cpuSeconds(),
      await model.cpuSeconds(),
      performance.now(),
    ]
    const deadlineMs = patience * lineSeconds * 1000
    const final = ['verifying', 'trial', 'done', 'failed']
    await until(
      deadlineMs,
      'the end of a transfer',
      async () => panel.jobs.some(({ state }) => final.includes(state)) || undefined,
    )
    const seconds = (performance.now() - beganMs) / 1000
    const cores = ((await daemon.cpuSeconds()) - cpuBefore) / seconds
    const modelCores = ((await model.cpuSeconds()) - modelBefore) / seconds
    const reports = await Promise.all(ids.map(id => daemon.outcome(id, deadlineMs)))
    panel.stop()
    const shares = reports.map(report => shareOf(report, payload.length))
    const done = reports.filter(report => report !== undefined).length
    const lowest = done === boards ? Math.min(...shares) : null
    const detail = {
      'median %': 100 * median(shares),
      done,
      'retransmitted B': reports.reduce((sum, report) => sum + (report?.retransmittedBytes ?? 0), 0),
      'upload accepted s': acceptedMs / 1000,
    }
    yield row({
      case: name,
      line,
      what: 'lowest share',
      figure: lowest,
      unit: '%',
      target: atLeast(0.95),
      seed,
      detail,
    })
    const poll = {
      polls: panel.answersMs.length,
      'slowest answer ms': Math.max(...panel.answersMs),
      'median answer ms': median(panel.answersMs),
    }
    yield row({
      case: name,
      line,
      what: 'CPU of the gateway',
      figure: cores,
      unit: 'cores',
      target: atMost(1),
      seed,
      detail: { ...poll, 'line model cores': modelCores },
    })
  } finally {
    panel.stop()
    await daemon.stop()
    await model.stop()
  }
}

const shareOf = (report: DoneReport | undefined, payloadBytes: number): number =>
  report === undefined || report.payloadBytes !== payloadBytes
    ? 0
    : (payloadBytes * 10) / baudRate / (report.durationMs / 1000)

interface JobGlance {
  readonly state: string
}

/** Asks as a panel does, whether or not the former answer has come. */
class Panel {
  readonly #daemon: Daemon
  #timer: NodeJS.Timeout | undefined
  jobs: readonly JobGlance[] = []
  readonly answersMs: number[] = []

  constructor(daemon: Daemon) {
    this.#daemon = daemon
  }

  start(): void {
    this.#timer = setInterval(() => {
      // What a stopped daemon no longer answers is not measured.
      this.#ask().catch(() => undefined)
    }, pollMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async #ask(): Promise<void> {
    const startMs = performance.now()
    await this.#daemon.client.get('/boards')
    const { jobs } = await this.#daemon.client.get<{ jobs: readonly JobGlance[] }>('/jobs')
    this.jobs = jobs
    this.answersMs.push(performance.now() - startMs)
  }
}
