import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { localPrincipal } from '../../src/account/principal.ts'
import { connectCache } from '../../src/app-cache.ts'
import { apiPrefix } from '../../src/http/api/route-table.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { boardOperations } from '../../src/http/routes/boards.ts'
import { pairingOperations } from '../../src/http/routes/pairing.ts'
import { Bus } from '../../src/kernel/bus.ts'
import { silentLog } from '../../src/kernel/log.ts'
import type { Role } from '../../src/kernel/role.ts'
import type { Store } from '../../src/store/store.ts'
import { BoardLog } from '../../src/upload/board-log.ts'
import { feedBoardLog } from '../../src/upload/board-log-feed.ts'
import { apiOf, doorFor } from '../support/api-of.ts'
import { type UploadRig, uploadRig } from '../upload/upload-rig.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: whatever the API says; the schemas check it.
  readonly json: any
}

export interface BoardApi {
  readonly rig: UploadRig
  readonly boardLog: BoardLog
  /** Names of the storage calls so far. */
  readonly calls: string[]
  /** Runs virtual time until the answer is there, and checks the answer against its schema. */
  call(method: string, path: string, body?: unknown, how?: How): Promise<Answer>
}

interface How {
  readonly role?: Role
  readonly headers?: Readonly<Record<string, string>>
}

/** The operations of boards over real HTTP, a real database and the real board library in virtual time. */
export async function boardApi(t: Test): Promise<BoardApi> {
  const calls: string[] = []
  const rig = await uploadRig(t, { wrap: store => counted(store, calls) })
  const boardLog = new BoardLog({ store: rig.store, clock: rig.clock, log: silentLog })
  const endLog = feedBoardLog(boardLog, rig.core)
  const { core } = rig
  const api = apiOf(
    boardOperations({ core, boardLog }),
    pairingOperations({ core, log: silentLog, boardLog }),
  )
  const endCache = connectCache(api.cache, {
    gateway: core.bus,
    accounts: new Bus(),
    chat: new Bus(),
    alerts: new Bus(),
  })
  const lan = {
    ...doorFor(undefined),
    identify: async ({ headers }: IncomingMessage) => {
      const role = (headers['x-test-role'] ?? 'admin') as Role
      return { ...localPrincipal, kind: 'user' as const, id: role, name: role, role }
    },
  }
  const server = createServer(createHttp({ log: silentLog, clock: rig.clock, api, lan }))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    endLog()
    endCache()
    await boardLog.close()
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const call: BoardApi['call'] = async (method, path, body, { role, headers = {} } = {}) => {
    const asked = fetch(`http://127.0.0.1:${port}${apiPrefix}${path}`, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(role !== undefined && { 'x-test-role': role }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).then(async answer => ({ answer, text: await answer.text() }))
    const { answer, text } = await settled(rig, asked)
    const json = text === '' ? undefined : JSON.parse(text)
    const operation = api.table.find(method, `${apiPrefix}${path.split('?', 1)[0]}`)?.operation
    const described = operation?.answers[answer.status]
    if (answer.status < 400 && answer.status !== 304) {
      t.ok(described, `${method} ${path} may answer ${answer.status}`)
      if (described?.schema !== undefined && !path.includes('fields='))
        t.same(described.schema.parse(json), json, `${method} ${path}`)
    } else if (answer.status !== 304)
      t.match(json, { status: answer.status, code: String, requestId: String })
    return { status: answer.status, headers: answer.headers, json }
  }
  return { rig, boardLog, calls, call }
}

/** Virtual time runs only while neither database nor pattern thread have work; the network takes real time. */
async function settled<T>({ clock, store, core }: UploadRig, work: Promise<T>): Promise<T> {
  let done = false
  const mark = () => {
    done = true
  }
  work.then(mark, mark)
  const latest = performance.now() + 20_000
  while (!done) {
    await new Promise(setImmediate)
    if (performance.now() > latest) throw new Error(`no answer until ${clock.now()} ms`)
    if (store.pending.calls === 0 && core.patterns.pending === 0) clock.step()
  }
  return work
}

/** The store with the names of its calls written down. */
function counted(store: Store, calls: string[]): Store {
  const table = (name: string, operations: object) =>
    new Proxy(operations, {
      get(target, operation) {
        const run: unknown = Reflect.get(target, operation)
        if (typeof run !== 'function') return run
        return (...args: unknown[]) => {
          calls.push(`${name}.${String(operation)}`)
          return run.apply(target, args)
        }
      },
    })
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'object' && value !== null && name !== 'pending'
        ? table(String(name), value)
        : value
    },
  })
}
