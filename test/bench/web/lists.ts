import { setTimeout as sleep } from 'node:timers/promises'
import { GatewayFolder } from '../daemon/gateway-process.ts'
import { atLeast, atMost, type Row, row } from '../row.ts'
import { end } from './answers.ts'
import { runLoad } from './load.ts'
import type { WebContext } from './web-context.ts'

const connections = 100
const patterns = 60
const writesPerSecond = 5
const paths = [
  '/api/v1/boards',
  '/api/v1/patterns',
  '/api/v1/jobs',
  '/api/v1/patterns?limit=50',
  '/api/v1/boards?fields=id,name',
]

/** The lists that people look at, by a hundred at once, while somebody changes things. */
export async function* lists({ main, quick, seed }: WebContext): AsyncGenerator<Row> {
  const folder = await GatewayFolder.make({ ports: [], baudRate: 0 })
  const gateway = await folder.start(main)
  const stop = new AbortController()
  try {
    const [token = ''] = await gateway.signIn(1)
    const headers = { authorization: `Bearer ${token}` }
    const call = async (method: string, path: string, body?: string) => {
      const type = body?.startsWith('{') === true ? 'application/json' : 'application/octet-stream'
      const response = await fetch(`${gateway.http}/api/v1${path}`, {
        method,
        headers: { ...headers, ...(body !== undefined && { 'content-type': type }) },
        ...(body !== undefined && { body }),
      })
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as { pattern: { id: string }; hits: number; misses: number }
    }
    const ids: string[] = []
    for (let at = 0; at < patterns; at += 1) {
      const { pattern } = await call(
        'POST',
        `/patterns?name=lights-${at}.bin&raw=true`,
        `seed ${seed} number ${at}`,
      )
      ids.push(pattern.id)
    }
    const before = await call('GET', '/cache')
    let writes = 0
    const writing = (async () => {
      while (!stop.signal.aborted) {
        await call(
          'PATCH',
          `/patterns/${ids[writes % ids.length]}`,
          JSON.stringify({ tags: [`turn-${writes}`] }),
        )
        writes += 1
        await sleep(1000 / writesPerSecond)
      }
    })()
    const load = await runLoad({
      url: gateway.http,
      connections,
      seconds: quick ? 5 : 20,
      requests: paths.map(path => ({ method: 'GET', path, headers })),
    })
    stop.abort()
    await writing
    const after = await call('GET', '/cache')
    const line = `${connections} at once, ${writesPerSecond} changes/s`
    const common = { case: 'lists', line, seed }
    const hits = after.hits - before.hits
    const misses = after.misses - before.misses
    yield row({
      ...common,
      what: 'slowest of 97.5 % of boards, patterns, jobs',
      figure: load.p97Ms,
      unit: 'ms',
      // Below 20, in whole milliseconds.
      target: atMost(19),
      detail: { 'p99 ms': load.p99Ms, 'a second': load.perSecond, writes },
    })
    yield row({
      ...common,
      what: 'answers from memory',
      figure: hits / (hits + misses),
      unit: '%',
      target: atLeast(0.85),
      detail: { hits, misses },
    })
    yield row({
      ...common,
      what: 'failed',
      figure: load.failed / load.requests,
      unit: '%',
      target: atMost(0.001),
      detail: { failed: load.failed, requests: load.requests },
    })
  } finally {
    stop.abort()
    await end(gateway, folder)
  }
}
