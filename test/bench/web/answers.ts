import { fileURLToPath } from 'node:url'
import { type Gateway, GatewayFolder } from '../daemon/gateway-process.ts'
import { type StartedProcess, startProcess } from '../daemon/started-process.ts'
import { atLeast, median, type Row, row } from '../row.ts'
import { type Load, type LoadFigures, runLoad } from './load.ts'
import type { WebContext } from './web-context.ts'

const bare = fileURLToPath(new URL('bare-http.mjs', import.meta.url))
const path = '/api/v1/system'
const connections = 20

interface Measured extends LoadFigures {
  /** Processor time of the server for one answer. */
  readonly microseconds: number
}

/**
 * The status of the gateway with everything that it does for each answer (doors, token, role, headers, metrics, validator), against
 * node:http with the same status, by turns in one run; and the answer "you have it already".
 */
export async function* answers({ main, quick }: WebContext): AsyncGenerator<Row> {
  const folder = await GatewayFolder.make({ ports: [], baudRate: 0 })
  const gateway = await folder.start(main)
  const servers: StartedProcess[] = []
  try {
    const [token = ''] = await gateway.signIn(1)
    const headers = { authorization: `Bearer ${token}` }
    const first = await fetch(`${gateway.http}${path}`, { headers })
    const status = Buffer.from(await first.arrayBuffer())
    const start = async (how: 'fresh' | 'ready') => {
      const args = [bare, how, status.toString('base64')]
      const server = await startProcess(process.execPath, args, line => /listening/.test(line))
      servers.push(server)
      return { server, url: `http://127.0.0.1:${/\d+$/.exec(server.readyLine)?.[0]}` }
    }
    const [fresh, ready] = [await start('fresh'), await start('ready')]
    const rounds = {
      ...{ fresh: [] as Measured[], ready: [] as Measured[] },
      ...{ whole: [] as Measured[], known: [] as Measured[] },
    }
    const ask = (url: string, process: StartedProcess, more: Record<string, string> = {}) =>
      measure(process, {
        url,
        connections,
        seconds: quick ? 2 : 5,
        requests: [{ method: 'GET', path, headers: { ...headers, ...more } }],
      })
    await ask(gateway.http, gateway.process)
    for (let round = 0; round < (quick ? 2 : 5); round += 1) {
      rounds.fresh.push(await ask(fresh.url, fresh.server))
      rounds.ready.push(await ask(ready.url, ready.server))
      rounds.whole.push(await ask(gateway.http, gateway.process))
      rounds.known.push(await ask(gateway.http, gateway.process, { 'if-none-match': '*' }))
    }
    yield* rows(rounds, status.byteLength)
  } finally {
    await Promise.all(servers.map(server => server.end()))
    await end(gateway, folder)
  }
}

function rows(
  { fresh, ready, whole, known }: Record<'fresh' | 'ready' | 'whole' | 'known', readonly Measured[]>,
  bytes: number,
): readonly Row[] {
  const of = (list: readonly Measured[], key: keyof Measured) => median(list.map(each => each[key]))
  const ratio = (list: readonly Measured[], base: readonly Measured[]) =>
    median(list.map((each, at) => each.perSecond / (base[at]?.perSecond ?? Number.NaN)))
  const line = `GET /system, ${bytes} bytes, ${connections} connections`
  return [
    row({
      case: 'answers',
      line,
      what: 'requests a second against bare node:http',
      figure: ratio(whole, fresh),
      unit: '×',
      target: atLeast(0.65),
      seed: 0,
      detail: {
        'gateway/s': of(whole, 'perSecond'),
        'bare/s': of(fresh, 'perSecond'),
        'gateway µs': of(whole, 'microseconds'),
        'bare µs': of(fresh, 'microseconds'),
        'p99 ms': of(whole, 'p99Ms'),
        failed: whole.reduce((sum, { failed }) => sum + failed, 0),
      },
    }),
    row({
      case: 'answers',
      line,
      what: 'the same against ready bytes',
      figure: ratio(whole, ready),
      unit: '×',
      seed: 0,
      detail: { 'ready/s': of(ready, 'perSecond'), 'ready µs': of(ready, 'microseconds') },
    }),
    row({
      case: 'answers',
      line,
      what: '304 against 200',
      figure: ratio(known, whole),
      unit: '×',
      target: atLeast(1),
      seed: 0,
      detail: { '304/s': of(known, 'perSecond'), '304 µs': of(known, 'microseconds') },
    }),
  ]
}

async function measure(server: StartedProcess, load: Load): Promise<Measured> {
  const before = await server.cpuSeconds()
  const figures = await runLoad(load)
  const after = await server.cpuSeconds()
  return { ...figures, microseconds: ((after - before) / figures.requests) * 1e6 }
}

export async function end(gateway: Gateway, folder: GatewayFolder): Promise<void> {
  await gateway.process.end()
  await folder.remove()
}
