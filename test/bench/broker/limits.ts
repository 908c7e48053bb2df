import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '../context.ts'
import { startGenerator } from '../daemon/generator.ts'
import { atLeast, atMost, median, type Row, row } from '../row.ts'
import { fanRun } from './cells.ts'
import type { ConnectConfig, ConnectFigures } from './connect-load.ts'
import type { CrowdConfig, CrowdFigures } from './crowd-load.ts'
import type { FrozenConfig, FrozenFigures } from './frozen-load.ts'
import type { LatencyConfig, LatencyFigures } from './latency-load.ts'
import { type Peer, type Source, startMosquitto, startPixelgate } from './peer.ts'

const megabyte = 1e6
const settleMs = 3000
const sampleMs = 50
/** CONNECT that declares 268,435,455 bytes, the most there is. */
const hugeConnect = '10ffffff7f'

/** Runs the measurement against both brokers, in turns of one. */
async function* both(main: string, measure: (peer: Peer) => AsyncGenerator<Row>): AsyncGenerator<Row> {
  for (const start of [() => startPixelgate(main), startMosquitto]) {
    const peer = await start()
    try {
      yield* measure(peer)
    } finally {
      await peer.stop()
    }
  }
}

const isOurs = (peer: Peer): boolean => peer.name === 'pixelgate'
const firstSource = ({ sources }: Peer): Source => {
  const [source] = sources
  if (source === undefined) throw new Error('a peer has sources')
  return source
}

/** Connections a second, one after the other in each of eight places. */
export async function* connects({ main, seed, quick }: Context): AsyncGenerator<Row> {
  yield* both(main, async function* (peer) {
    const config: ConnectConfig = { port: peer.port, atOnce: 8, ...peer.reader }
    const load = await startGenerator<ConnectFigures>('../broker/connect-load.ts', config)
    try {
      await sleep(4000)
      const before = await peer.process.cpuSeconds()
      load.begin()
      await sleep(quick ? 1500 : 4000)
      const { connected, seconds } = await load.end()
      const cpuSeconds = (await peer.process.cpuSeconds()) - before
      yield row({
        case: 'connect',
        line: 'let in, and left',
        what: peer.name,
        figure: connected / seconds,
        unit: '/s',
        seed,
        ...(isOurs(peer) && { target: atLeast(2500) }),
        detail: { 'CPU µs': (cpuSeconds / connected) * 1e6 },
      })
    } finally {
      await load.stop()
    }
  })
}

/** Memory of clients that are let in and say nothing. */
export async function* idle({ main, seed }: Context): AsyncGenerator<Row> {
  const clients = 1000
  yield* both(main, async function* (peer) {
    const connect = (count: number) => {
      const config: CrowdConfig = { port: peer.port, clients: count, ...peer.reader }
      return startGenerator<CrowdFigures>('../broker/crowd-load.ts', config)
    }
    const first = await connect(100)
    await first.stop()
    await sleep(settleMs)
    const before = (await peer.process.memoryBytes()).rss
    const crowd = await connect(clients)
    try {
      await sleep(settleMs)
      const { open } = await crowd.end()
      yield row({
        case: 'idle',
        line: `${clients} clients`,
        what: peer.name,
        figure: ((await peer.process.memoryBytes()).rss - before) / megabyte,
        unit: 'MB',
        seed,
        ...(isOurs(peer) && { target: atMost(20) }),
        detail: { 'without them MB': before / megabyte, open },
      })
    } finally {
      await crowd.stop()
    }
  })
}

/** How long a message is under way when there are few of them. */
export async function* latency({ main, seed, quick }: Context): AsyncGenerator<Row> {
  yield* both(main, async function* (peer) {
    for (const qos of [0, 1] as const) {
      const config: LatencyConfig = {
        port: peer.port,
        publisher: firstSource(peer),
        subscriber: peer.reader,
        filter: peer.filter,
        qos,
        payloadBytes: 256,
        messagesPerSecond: 200,
        warmMessagesPerSecond: 2000,
      }
      const load = await startGenerator<LatencyFigures>('../broker/latency-load.ts', config)
      try {
        await sleep(4000)
        load.begin()
        await sleep(quick ? 2000 : 10_000)
        const { messages, p50Ms, p99Ms } = await load.end()
        yield row({
          case: 'latency',
          line: `QoS ${qos}, 1→1, 200/s`,
          what: `${peer.name}, p50`,
          figure: p50Ms,
          unit: 'ms',
          seed,
          ...(isOurs(peer) && { target: atMost(0.3) }),
          detail: { 'p99 ms': p99Ms, messages },
        })
      } finally {
        await load.stop()
      }
    }
  })
}

/** A session that lasts: what is acknowledged has been written. */
export async function* durable({ main, seed, quick }: Context): AsyncGenerator<Row> {
  const peer = await startPixelgate(main)
  try {
    const times = { warmMs: 2000, runMs: quick ? 2000 : 5000 }
    const runs = []
    for (let i = 0; i < (quick ? 1 : 3); i++)
      runs.push(await fanRun(peer, { publishers: 1, subscribers: 1 }, 1, times, true))
    yield row({
      case: 'durable',
      line: 'QoS 1, 1→1',
      what: 'to a session that lasts',
      figure: median(runs.map(({ perSecond }) => perSecond)),
      unit: '/s',
      target: atLeast(5000),
      seed,
      detail: { 'CPU µs': median(runs.map(({ cpuMicroseconds }) => cpuMicroseconds)) },
    })
  } finally {
    await peer.stop()
  }
}

/** What those cost who are not let in. */
export async function* strangers({ main, seed }: Context): AsyncGenerator<Row> {
  const clients = 2000
  const peer = await startPixelgate(main)
  try {
    await sleep(settleMs)
    const before = (await peer.process.memoryBytes()).rss
    const highest = watchMemory(peer)
    for (const [what, declares] of [
      ['declaring 256 MB', hugeConnect],
      ['declaring 1 KiB, sending 8 bytes', '10fd0700044d5154'],
    ] as const) {
      const config: CrowdConfig = { port: peer.port, clients, declares }
      const crowd = await startGenerator<CrowdFigures>('../broker/crowd-load.ts', config, 60_000)
      try {
        await sleep(1000)
        const { open } = await crowd.end()
        yield row({
          case: 'strangers',
          line: `${clients} sockets`,
          what,
          figure: (highest.bytes() - before) / megabyte,
          unit: 'MB',
          target: atMost(50),
          seed,
          detail: { 'without them MB': before / megabyte, open },
        })
      } finally {
        await crowd.stop()
      }
    }
    highest.stop()
  } finally {
    await peer.stop()
  }
}

/** What those who read nothing cost the others. */
export async function* frozen({ main, seed, quick }: Context): AsyncGenerator<Row> {
  const peer = await startPixelgate(main)
  try {
    const config: FrozenConfig = {
      port: peer.port,
      publisher: firstSource(peer),
      subscriber: peer.reader,
      filter: peer.filter,
      frozen: 50,
      payloadBytes: 4096,
    }
    const load = await startGenerator<FrozenFigures>('../broker/frozen-load.ts', config)
    try {
      await sleep(2000)
      const before = (await peer.process.memoryBytes()).rss
      const highest = watchMemory(peer)
      load.begin()
      await sleep(quick ? 5000 : 15_000)
      highest.stop()
      const { longestGapMs, published, heard } = await load.end()
      yield row({
        case: 'frozen',
        line: `${config.frozen} of ${config.frozen + 1}`,
        what: 'longest gap of the other one',
        figure: longestGapMs,
        unit: 'ms',
        target: atMost(1000),
        seed,
        detail: { published, heard, 'RSS + MB': (highest.bytes() - before) / megabyte },
      })
    } finally {
      await load.stop()
    }
  } finally {
    await peer.stop()
  }
}

/** Samples the memory; the most there was so far. */
function watchMemory(peer: Peer): { bytes(): number; stop(): void } {
  let highest = 0
  const timer = setInterval(async () => {
    highest = Math.max(highest, (await peer.process.memoryBytes()).rss)
  }, sampleMs)
  return { bytes: () => highest, stop: () => clearInterval(timer) }
}
