import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '../context.ts'
import { startGenerator } from '../daemon/generator.ts'
import { atMost, median, type Row, row } from '../row.ts'
import type { FanConfig, FanFigures } from './fan-load.ts'
import { type Peer, startMosquitto, startPixelgate } from './peer.ts'

const payloadBytes = 256

interface Fan {
  readonly publishers: number
  readonly subscribers: number
}

const fans: readonly Fan[] = [
  { publishers: 1, subscribers: 1 },
  { publishers: 10, subscribers: 10 },
  { publishers: 1, subscribers: 100 },
]
/** Messages of a publisher under way; with QoS 2 mosquitto takes 20 at once and drops who sends more. */
const windows = { 0: 200, 1: 50, 2: 20 } as const
const levels = [0, 1, 2] as const
const targets = { 0: 1.5, 1: 2, 2: 2 } as const
const allTogether = 1.5

export interface FanRun {
  readonly perSecond: number
  readonly cpuMicroseconds: number
}

/** What one delivery costs a broker under full load. */
export async function fanRun(
  peer: Peer,
  { publishers, subscribers }: Fan,
  qos: 0 | 1 | 2,
  { warmMs, runMs }: { readonly warmMs: number; readonly runMs: number },
  durable = false,
): Promise<FanRun> {
  const config: FanConfig = {
    port: peer.port,
    publishers: peer.sources.slice(0, publishers),
    subscriber: peer.reader,
    subscribers,
    filter: peer.filter,
    qos,
    window: windows[qos],
    payloadBytes,
    durable,
  }
  const load = await startGenerator<FanFigures>('../broker/fan-load.ts', config)
  try {
    await sleep(warmMs)
    const before = await peer.process.cpuSeconds()
    load.begin()
    await sleep(runMs)
    const { delivered, seconds } = await load.end()
    const cpuSeconds = (await peer.process.cpuSeconds()) - before
    return { perSecond: delivered / seconds, cpuMicroseconds: (cpuSeconds / delivered) * 1e6 }
  } finally {
    await load.stop()
  }
}

/** CPU of a delivery beside that of mosquitto, which runs by turns on the same machine. */
export async function* cells({ main, seed, quick }: Context): AsyncGenerator<Row> {
  const times = quick ? { warmMs: 1500, runMs: 1500 } : { warmMs: 2000, runMs: 3000 }
  const repetitions = quick ? 1 : 3
  const ours = await startPixelgate(main)
  const theirs = await startMosquitto().catch(async (error: unknown) => {
    await ours.stop()
    throw error
  })
  const ratios: number[] = []
  try {
    for (const qos of levels) {
      for (const fan of fans) {
        const runs: [FanRun, FanRun][] = []
        for (let i = 0; i < repetitions; i++)
          runs.push([await fanRun(ours, fan, qos, times), await fanRun(theirs, fan, qos, times)])
        const ratio = median(runs.map(([a, b]) => a.cpuMicroseconds / b.cpuMicroseconds))
        ratios.push(ratio)
        const of = (which: 0 | 1, what: keyof FanRun) => median(runs.map(pair => pair[which][what]))
        yield row({
          case: 'cells',
          line: `QoS ${qos}, ${fan.publishers}→${fan.subscribers}`,
          what: 'CPU a delivery beside mosquitto',
          figure: ratio,
          unit: '×',
          target: atMost(targets[qos]),
          seed,
          detail: {
            µs: of(0, 'cpuMicroseconds'),
            'mosquitto µs': of(1, 'cpuMicroseconds'),
            'deliveries/s': Math.round(of(0, 'perSecond')),
            'mosquitto/s': Math.round(of(1, 'perSecond')),
          },
        })
      }
    }
    yield row({
      case: 'cells',
      line: 'all nine',
      what: 'geometric mean',
      figure: Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length),
      unit: '×',
      target: atMost(allTogether),
      seed,
      detail: {},
    })
  } finally {
    await ours.stop()
    await theirs.stop()
  }
}
