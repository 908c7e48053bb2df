import { mkdir } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { type App, startApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { fillLarge, idOf, kinds, type LargeOptions } from '../support/large-database.ts'
import { workplace } from '../support/pixelgate.ts'

type Test = Parameters<typeof workplace>[0]

interface Count {
  readonly calls: number
  readonly statements: number
  /** `jobs.list, boards.list` */
  readonly names: string
  readonly status: number
}

/** What stands for the parameters of a path; anything else is asked for with a name that nothing has. */
const named: readonly (readonly [RegExp, string])[] = [
  [/^\/boards\//, idOf(kinds.board, 1)],
  [/^\/patterns\//, idOf(kinds.pattern, 1)],
  [/^\/jobs\//, idOf(kinds.job, 1)],
  [/^\/rooms\//, idOf(kinds.room, 1)],
  [/^\/users\//, 'user 1'],
  [/^\/alerts\//, idOf(kinds.alert, 1)],
]
/** What the gateway asks of its own accord, every few seconds or minutes. */
const ofItself = /^(settings|alerts)\.|^metricsMinutes\.add$|^approvedPorts\.list$/
/** They answer for as long as somebody listens, or ask the machine and not the database. */
const left = new Set(['followEvents', 'makeCpuProfile', 'downloadBackup', 'getHealth', 'isAlive'])

async function countsOf(t: Test, size: LargeOptions): Promise<Map<string, Count>> {
  const place = await workplace(t)
  const file = await place.file(
    'config.json',
    JSON.stringify({ log: { level: 'silent' }, development: true }),
  )
  const config = await loadConfig({ file, env: place.env, flags: {} })
  await mkdir(config.stateDir, { recursive: true })
  fillLarge(join(config.stateDir, 'gateway.db'), size)
  const app: App = await startApp(config, { log: silentLog })
  t.teardown(() => app.stop())
  /** At the control socket, where every room is seen. */
  const ask = (path: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const options = {
        socketPath: config.controlSocket,
        path: `/api/v1${path}`,
        timeout: 10_000,
        agent: false,
      }
      const sent = request(options, answer => {
        answer.resume()
        answer.once('end', () => resolve(answer.statusCode ?? 0))
      })
      sent.once('timeout', () => sent.destroy(new Error(`${path} did not answer`)))
      sent.once('error', reject)
      sent.end()
    })
  let heard: { operation: string; statements: number }[] = []
  app.insight.onCall(({ operation, statements }) =>
    heard.push({ operation, statements: statements.ms.length }),
  )
  const counts = new Map<string, Count>()
  for (const { id, method, path, stream, tag } of app.operations) {
    if (method !== 'get' || left.has(id) || (stream !== undefined && tag === 'events')) continue
    const fixture = named.find(([pattern]) => pattern.test(path))?.[1] ?? 'nothing'
    const asked = path.replaceAll(/:\w+/g, encodeURIComponent(fixture))
    heard = []
    const status = await ask(asked)
    const own = heard.filter(({ operation }) => !ofItself.test(operation))
    counts.set(id, {
      calls: own.length,
      statements: own.reduce((sum, { statements }) => sum + statements, 0),
      names: own.map(({ operation }) => operation).join(', '),
      status,
    })
  }
  return counts
}

t.test('no answer costs more statements because there is more in the database', async t => {
  const few = await countsOf(t, { rows: 40, boards: 2, users: 4, rooms: 2 })
  const many = await countsOf(t, { rows: 2000, boards: 60, users: 80, rooms: 60 })
  t.ok(few.size > 20, `${few.size} operations were asked`)
  let answered = 0
  for (const [id, small] of few) {
    const large = many.get(id)
    if (large?.status === 200) answered++
    t.ok((large?.calls ?? 99) <= small.calls, `${id}: ${small.calls} calls, then ${large?.names}`)
    t.ok(
      (large?.statements ?? 99) <= small.statements,
      `${id}: ${small.statements} statements, then ${large?.statements} of ${large?.names}`,
    )
    t.ok((large?.statements ?? 99) <= 12, `${id}: ${large?.statements} statements`)
  }
  t.ok(answered > 15, `${answered} of them found what they were asked for`)
})
