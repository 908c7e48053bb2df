/** Measures the WebSockets of a real gateway: 1,000 clients, and readers beside clients that never read; see `--help`. */
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Gateway, GatewayFolder } from '../test/bench/daemon/gateway-process.ts'
import { startGenerator } from '../test/bench/daemon/generator.ts'
import { serviceSettings } from '../test/bench/daemon/idle-memory.ts'
import type { CrowdConfig, CrowdFigures } from '../test/bench/daemon/live-crowd.ts'
import { buildGateway } from '../test/bench/gateway.ts'
import { atLeast, atMost, formatRows, type Row, row } from '../test/bench/row.ts'

export interface LiveBenchOptions {
  /** The gateway's main file. */
  readonly main: string
  readonly clients?: number
  readonly paused?: number
  readonly seconds?: number
}

const messagesPerSecond = 5
/** A person posts two messages a second at most. */
const people = 4
const settleMs = 2000
/** Of the last messages. */
const graceMs = 2000
const connectTimeoutMs = 120_000
/** With what stands around it a message has about 250 bytes. */
const text = 'x'.repeat(16)

interface Measured {
  readonly figures: CrowdFigures
  readonly posted: number
  readonly idleRssBytes: number
  readonly rssBytes: number
  readonly cores: number
}

/** What each reader of a crowd gets, how late, and what the gateway needs for it. */
export async function benchLive(options: LiveBenchOptions): Promise<Row[]> {
  const { main, clients = 1000, paused = 200, seconds = 20 } = options
  const line = `${clients} clients, ${messagesPerSecond}/s`
  const rows: Row[] = []
  const add = (fields: Omit<Parameters<typeof row>[0], 'case' | 'seed'>) =>
    rows.push(row({ case: 'live', seed: 0, ...fields }))
  const beside = ({ p50Ms, slowestMs, messageBytes }: CrowdFigures) => ({
    'p50 ms': p50Ms,
    'slowest ms': slowestMs,
    'bytes a message': messageBytes,
  })

  const all = await measure(main, { clients, paused: 0, seconds })
  add({
    line,
    what: 'delivery p99',
    figure: all.figures.p99Ms,
    unit: 'ms',
    target: atMost(50),
    detail: beside(all.figures),
  })
  add({
    line,
    what: 'delivered',
    figure: all.figures.messages / (all.posted * clients),
    unit: '%',
    target: atLeast(1),
    detail: { posted: all.posted, connected: all.figures.connected, disordered: all.figures.disordered },
  })
  add({
    line,
    what: 'RSS of the gateway',
    figure: all.rssBytes / 1e6,
    unit: 'MB',
    target: atMost(150),
    detail: {
      'without clients MB': all.idleRssBytes / 1e6,
      'KB a client': (all.rssBytes - all.idleRssBytes) / 1000 / clients,
      'gateway cores': all.cores,
    },
  })

  const some = await measure(main, { clients, paused, seconds })
  add({
    line: `${line}, ${paused} paused`,
    what: 'delivery p99 of the others',
    figure: some.figures.p99Ms,
    unit: 'ms',
    target: atMost(100),
    detail: { ...beside(some.figures), 'RSS MB': some.rssBytes / 1e6 },
  })
  add({
    line: `${line}, ${paused} paused`,
    what: 'delivered to the others',
    figure: some.figures.messages / (some.posted * (clients - paused)),
    unit: '%',
    target: atLeast(1),
    detail: { posted: some.posted, connected: some.figures.connected },
  })
  return rows
}

async function measure(
  main: string,
  { clients, paused, seconds }: { clients: number; paused: number; seconds: number },
): Promise<Measured> {
  const folder = await GatewayFolder.make({
    ports: [],
    baudRate: 0,
    http: { maxLivePerPerson: clients },
  })
  try {
    const gateway = await folder.start(main, await serviceSettings())
    try {
      const tokens = await gateway.signIn(people)
      await sleep(settleMs)
      const idleRssBytes = (await gateway.process.memoryBytes()).rss
      const config: CrowdConfig = { http: gateway.http, tokens, clients, paused }
      const crowd = await startGenerator<CrowdFigures>('live-crowd.ts', config, connectTimeoutMs)
      try {
        await sleep(settleMs)
        const [cpuBefore, beganMs] = [await gateway.process.cpuSeconds(), performance.now()]
        crowd.begin()
        const posted = await post(gateway, tokens, seconds)
        const cores =
          ((await gateway.process.cpuSeconds()) - cpuBefore) / ((performance.now() - beganMs) / 1000)
        await sleep(graceMs)
        const figures = await crowd.end()
        return { figures, posted, idleRssBytes, rssBytes: (await gateway.process.memoryBytes()).rss, cores }
      } finally {
        await crowd.stop()
      }
    } finally {
      await gateway.process.end()
    }
  } finally {
    await folder.remove()
  }
}

/** Posts into the room of all, by turns; how many. */
async function post({ http }: Gateway, tokens: readonly string[], seconds: number): Promise<number> {
  const call = async (token: string, path: string, body?: object) => {
    const response = await fetch(`${http}/api/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }
  const { rooms } = (await call(tokens[0] ?? '', '/rooms')) as { rooms: { id: string; name: string }[] }
  const [room] = rooms
  if (room === undefined) throw new Error('there is no room')
  const beganMs = performance.now()
  const total = seconds * messagesPerSecond
  for (let n = 0; n < total; n++) {
    await sleep(Math.max(0, beganMs + (n * 1000) / messagesPerSecond - performance.now()))
    await call(tokens[n % tokens.length] ?? '', `/rooms/${room.id}/messages`, { text })
  }
  return total
}

const usage = `node --import tsx scripts/bench-web-live.ts [options]
  --clients N   1000
  --paused N    200 of them in the second part
  --seconds S   of each part: 20
  --quick       5 s a part
  --json        one JSON object instead of the table
  --main FILE   the gateway to measure; default: dist/main.js, built when it is stale
`

async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      clients: { type: 'string', default: '1000' },
      paused: { type: 'string', default: '200' },
      seconds: { type: 'string', default: '20' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      main: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const [clients, paused, seconds] = [values.clients, values.paused, values.seconds].map(Number)
  if (values.help || ![clients, paused, seconds].every(Number.isSafeInteger)) {
    process.stderr.write(usage)
    return values.help ? 0 : 2
  }
  const rows = await benchLive({
    main: values.main ?? (await buildGateway()),
    clients: clients ?? 0,
    paused: paused ?? 0,
    seconds: values.quick ? 5 : (seconds ?? 0),
  })
  const missed = rows.filter(({ met }) => met === false).length
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ missed, node: process.version, rows }, null, 2)}\n`
      : `${formatRows(rows)}${missed} missed\n`,
  )
  return missed === 0 ? 0 : 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await run(process.argv.slice(2))
