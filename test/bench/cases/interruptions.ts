import { Prng } from '../../../src/link/prng.ts'
import type { DoneReport } from '../../../src/upload/report.ts'
import { type LineModel, type LineStatistics, startLineModel } from '../../support/line-model.ts'
import type { Context } from '../context.ts'
import { Daemon, until } from '../daemon.ts'
import { noiseBytes } from '../payload.ts'
import { atMost, type Row, row } from '../row.ts'

const baudRate = 500_000
/** Stored block of the native board for a file that is sent raw. */
const blockBytes = 32_768
const endTimeoutMs = 60_000
const momentTimeoutMs = 30_000

/** Host or board die in the middle, at seeded moments; the board tells what came to it twice. */
export async function* interruptions(context: Context): AsyncGenerator<Row> {
  yield* killedHost(context)
  yield* resetBoard(context)
}

async function* killedHost({ main, seed, quick }: Context): AsyncGenerator<Row> {
  const times = quick ? 2 : 6
  const run = await interrupted(main, seed, times, async daemon => {
    await daemon.kill()
    await daemon.run()
  })
  yield* rows('host killed (SIGKILL)', run, seed, times, 0)
}

async function* resetBoard({ main, seed, quick }: Context): AsyncGenerator<Row> {
  const times = quick ? 2 : 6
  const run = await interrupted(main, seed + 1, times, async (_daemon, model) => model.resetBoard(0))
  yield* rows('board reset', run, seed + 1, times, 1)
}

interface Run {
  readonly report: DoneReport | undefined
  readonly statistics: LineStatistics
  readonly moments: readonly number[]
  readonly payloadBytes: number
}

/** One upload through the daemon, with `strike` at so many random places of the stream. */
async function interrupted(
  main: string,
  seed: number,
  times: number,
  strike: (daemon: Daemon, model: LineModel) => Promise<void>,
): Promise<Run> {
  const payload = noiseBytes(times * 3 * blockBytes, seed)
  const prng = new Prng(seed)
  const moments = Array.from({ length: times }, () => prng.below(payload.length)).sort((a, b) => a - b)
  const model = await startLineModel({ baudRate, nativeBoard: true, seed })
  const daemon = await Daemon.start({ main, ports: model.lines.map(({ host }) => host), baudRate })
  try {
    await daemon.boardsConnected(1, momentTimeoutMs)
    const [job] = await daemon.upload('noise.bin', payload, true)
    for (const moment of moments) {
      await until(momentTimeoutMs, `byte ${moment} on the line`, async () => {
        const [{ bytesOut } = { bytesOut: 0 }] = await model.statistics()
        return bytesOut >= moment || undefined
      })
      await strike(daemon, model)
    }
    const report = await daemon.outcome(job?.id ?? '', endTimeoutMs)
    const [statistics] = await model.stop()
    if (statistics === undefined) throw new Error('the line model has no statistics')
    return { report, statistics, moments, payloadBytes: payload.length }
  } finally {
    await daemon.stop()
    await model.stop()
  }
}

function* rows(what: string, run: Run, seed: number, times: number, blocksEach: number): Generator<Row> {
  const { report, statistics, payloadBytes, moments } = run
  const line = `${baudRate}, ${times} times`
  const wire = statistics.bytesOut - payloadBytes
  const detail = {
    'at bytes': moments,
    resumed: String(report?.resumed ?? false),
    'sent to the board beyond the payload B': wire,
  }
  const target = atMost(blocksEach * times)
  const resent = report?.resentBlocks ?? null
  yield row({
    case: 'kill',
    line,
    what: `${what}: blocks resent, by the host`,
    figure: resent,
    unit: 'blocks',
    target,
    seed,
    detail,
  })
  // A block that was durable is not written again; what was under way at a reset is.
  const twice = report === undefined ? null : statistics.rewrittenBytes / blockBytes
  yield row({
    case: 'kill',
    line,
    what: `${what}: written twice, by the board`,
    figure: twice,
    unit: 'blocks',
    target: blocksEach === 0 ? atMost(0.01) : target,
    seed,
    detail: { 'rewritten B': statistics.rewrittenBytes, resets: statistics.resets },
  })
}
