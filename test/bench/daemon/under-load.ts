import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { startLineModel } from '../../support/line-model.ts'
import type { Context } from '../context.ts'
import { noiseBytes } from '../payload.ts'
import { atLeast, type Row, row } from '../row.ts'
import { type Gateway, GatewayFolder } from './gateway-process.ts'
import { type Generator, startGenerator } from './generator.ts'
import type { ListenerConfig, ListenerFigures } from './live-listeners.ts'
import type { TrafficConfig, TrafficFigures } from './mqtt-traffic.ts'
import type { PollConfig, PollFigures } from './status-polls.ts'

const baudRate = 500_000
const clients = 50
/** A person may have sixteen connections at most. */
const people = 5
const messagesPerSecond = 100
const pollsPerSecond = 20
const settleMs = 2000
const patience = 3

interface Upload {
  /** null: it did not come to its end. */
  readonly shareOfLine: number | null
  readonly seconds: number
  readonly cores: number
  /** Of the gateway when the upload had ended. */
  readonly rssBytes: number
  readonly retransmittedBytes: number
}

/** An upload while everything else of the gateway is in use, beside the same upload in peace. */
export async function* underLoad({ main, seed, quick }: Context): AsyncGenerator<Row> {
  const lineSeconds = quick ? 4 : 15
  const line = `${baudRate}, ${lineSeconds} s`
  const payload = noiseBytes((lineSeconds * baudRate) / 10, seed)
  const share = (what: string, upload: Upload, detail: Row['detail'] = {}) =>
    row({
      case: 'load',
      line,
      what,
      figure: upload.shareOfLine,
      unit: '%',
      target: atLeast(0.95),
      seed,
      detail: {
        s: upload.seconds,
        'gateway cores': upload.cores,
        'RSS MB': upload.rssBytes / 1e6,
        'retransmitted B': upload.retransmittedBytes,
        ...detail,
      },
    })

  const quiet = await withGateway(main, seed, async gateway => {
    await sleep(settleMs)
    return measuredUpload(gateway, payload, lineSeconds)
  })
  yield share('upload in peace', quiet)

  const { upload, listeners, traffic, polls } = await withGateway(main, seed, gateway =>
    withLoad(gateway, () => measuredUpload(gateway, payload, lineSeconds)),
  )
  const load = `${clients} WebSockets, ${messagesPerSecond} MQTT/s, ${pollsPerSecond} polls/s`
  const ratio = (upload.shareOfLine ?? 0) / (quiet.shareOfLine ?? Number.NaN)
  yield share(`upload with ${load}`, upload, { 'of the quiet one %': 100 * ratio })
  yield row({
    case: 'load',
    line,
    what: 'WebSocket delivery p99',
    figure: listeners.p99Ms / 1000,
    unit: 's',
    seed,
    detail: {
      'slowest ms': listeners.slowestMs,
      messages: listeners.messages,
      'of progress': listeners.progressMessages,
      connected: listeners.connected,
      disordered: listeners.disordered,
    },
  })
  yield row({
    case: 'load',
    line,
    what: 'poll p99',
    figure: polls.p99Ms / 1000,
    unit: 's',
    seed,
    detail: { 'slowest ms': polls.slowestMs, polls: polls.polls, failed: polls.failed },
  })
  yield row({
    case: 'load',
    line,
    what: 'MQTT delivered',
    figure: traffic.delivered / traffic.published,
    unit: '%',
    target: atLeast(0.99),
    seed,
    detail: { published: traffic.published, delivered: traffic.delivered, 'p99 ms': traffic.p99Ms },
  })
}

/** A gateway with one board at a modelled line. */
async function withGateway<T>(main: string, seed: number, use: (gateway: Gateway) => Promise<T>): Promise<T> {
  const model = await startLineModel({ baudRate, nativeBoard: true, seed })
  const folder = await GatewayFolder.make({ ports: model.lines.map(({ host }) => host), baudRate })
  try {
    const gateway = await folder.start(main)
    try {
      await gateway.boardsConnected(1)
      return await use(gateway)
    } finally {
      await gateway.process.end()
    }
  } finally {
    await folder.remove()
    await model.stop()
  }
}

async function measuredUpload(gateway: Gateway, payload: Uint8Array, lineSeconds: number): Promise<Upload> {
  const [cpuBefore, beganMs] = [await gateway.process.cpuSeconds(), performance.now()]
  const report = await gateway.upload(payload, patience * lineSeconds * 1000 + 10_000)
  const seconds = (report?.durationMs ?? performance.now() - beganMs) / 1000
  const cores = ((await gateway.process.cpuSeconds()) - cpuBefore) / ((performance.now() - beganMs) / 1000)
  const complete = report?.payloadBytes === payload.length
  return {
    shareOfLine: complete ? (payload.length * 10) / baudRate / seconds : null,
    seconds,
    cores,
    rssBytes: (await gateway.process.memoryBytes()).rss,
    retransmittedBytes: report?.retransmittedBytes ?? 0,
  }
}

interface UnderLoad {
  readonly upload: Upload
  readonly listeners: ListenerFigures
  readonly traffic: TrafficFigures
  readonly polls: PollFigures
}

async function withLoad(gateway: Gateway, measure: () => Promise<Upload>): Promise<UnderLoad> {
  const tokens = await gateway.signIn(people)
  const { user, password, settings } = await gateway.mqttBoard('load', randomUUID())
  const running: Generator<unknown>[] = []
  const start = async <Figures>(script: string, config: object): Promise<Generator<Figures>> => {
    const generator = await startGenerator<Figures>(script, config)
    running.push(generator)
    return generator
  }
  try {
    const { http, mqtt: url } = gateway
    const listeners = await start<ListenerFigures>('live-listeners.ts', {
      http,
      tokens,
      clients,
    } satisfies ListenerConfig)
    const traffic = await start<TrafficFigures>('mqtt-traffic.ts', {
      url,
      clientId: settings.clientId ?? '',
      username: user.name,
      password,
      topic: settings.topic,
      messagesPerSecond,
    } satisfies TrafficConfig)
    const polls = await start<PollFigures>('status-polls.ts', {
      http,
      token: tokens[0] ?? '',
      pollsPerSecond,
    } satisfies PollConfig)
    await sleep(settleMs)
    for (const generator of running) generator.begin()
    const upload = await measure()
    return {
      upload,
      listeners: await listeners.end(),
      traffic: await traffic.end(),
      polls: await polls.end(),
    }
  } finally {
    await Promise.all(running.map(generator => generator.stop()))
  }
}
