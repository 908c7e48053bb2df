import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { Test } from 'tap'
import { WebSocket } from 'ws'
import { type App, startApp } from '../../../src/app.ts'
import { loadConfig } from '../../../src/config/load-config.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { eventually, ledmFile, startBoard, workplace } from '../../support/pixelgate.ts'

export const password = 'a violet lamp at noon'

// biome-ignore lint/suspicious/noExplicitAny: what is answered is looked at by the test
type Json = any

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly bytes: Buffer
  readonly text: string
  /** undefined: it is none. */
  readonly json: Json
}

export interface Asked {
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly bytes?: Uint8Array | string
  /** Token; left out: a stranger. */
  readonly token?: string | undefined
  /** A stream that goes on is left after so many milliseconds. */
  readonly leaveMs?: number
}

/** A real gateway with a board, people in all roles, and whatever the calls before have made. */
export class World {
  readonly app: App
  readonly url: string
  readonly folder: string
  /** Connections stay, as those of browsers do. */
  readonly agent = new Agent({ keepAlive: true })
  readonly tokens: Record<string, string> = {}
  /** Ids of what was made, by what it is. */
  readonly ids: Record<string, string> = {}

  constructor(app: App, folder: string) {
    this.app = app
    this.url = app.http?.url ?? ''
    this.folder = folder
  }

  /** Resolves when the gateway has let the WebSocket in; the gateway's end ends it at the latest. */
  async connect(path: string): Promise<void> {
    const socket = new WebSocket(`${this.url.replace('http', 'ws')}${path}`)
    socket.on('error', () => undefined)
    await once(socket, 'message')
  }

  id(name: string): string {
    return this.ids[name] ?? `no-${name}`
  }

  /** Waits until a board is in this state. */
  meets(name: string, state: string): Promise<Json> {
    return eventually(async () => {
      const { json } = await this.call('GET', `/boards/${name}`, { token: this.tokens['admin'] })
      return json?.board?.state === state && json.board
    }, `${name} to be ${state}`)
  }

  /** Below /api/v1. */
  call(method: string, path: string, asked: Asked = {}): Promise<Answer> {
    const query = new URLSearchParams(asked.query).toString()
    return this.send(method, `/api/v1${path}${query === '' ? '' : `?${query}`}`, asked)
  }

  async send(method: string, path: string, asked: Asked = {}): Promise<Answer> {
    const { headers, json, bytes, token, leaveMs } = asked
    const { hostname, port, host } = new URL(this.url)
    const body = json === undefined ? bytes : JSON.stringify(json)
    const outgoing = request({
      hostname,
      port,
      path,
      method,
      agent: this.agent,
      headers: {
        host,
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...(bytes !== undefined && { 'content-type': 'application/octet-stream' }),
        // Node leaves it out for methods that mostly have no body.
        ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...headers,
      },
    })
    outgoing.end(body)
    const [incoming] = await once(outgoing, 'response')
    const late = leaveMs === undefined ? undefined : setTimeout(() => incoming.destroy(), leaveMs)
    const chunks: Buffer[] = []
    try {
      for await (const chunk of incoming) chunks.push(chunk)
    } catch (thrown) {
      if (leaveMs === undefined) throw thrown
    } finally {
      clearTimeout(late)
    }
    const all = Buffer.concat(chunks)
    const text = all.toString()
    const isJson = /^application\/(problem\+)?json\b/.test(incoming.headers['content-type'] ?? '')
    return {
      status: incoming.statusCode,
      headers: incoming.headers,
      bytes: all,
      text,
      json: isJson && text !== '' ? JSON.parse(text) : undefined,
    }
  }
}

/**
 * Starts it: `ada` is admin, `olga` operator, `vera` viewer; `window` is a board of 8 × 8 that plays nothing yet, `away` one that was
 * met and has lost its power.
 */
export async function world(t: Test, more: object = {}): Promise<World> {
  const place = await workplace(t)
  const board = await startBoard(t, place, { tcp: '0', name: 'window' })
  const away = await startBoard(t, place, { tcp: '0', name: 'away' })
  const config = {
    log: { level: 'silent' },
    discovery: 'off',
    links: [board, away].map(({ path }) => ({
      kind: 'tcp',
      host: '127.0.0.1',
      port: Number(path.split(':')[1]),
    })),
    gpio: {
      enabled: true,
      backend: 'memory',
      buttons: [{ name: 'stop', line: 5, action: 'stop' }],
      resetLines: [{ board: 'window', line: 7 }],
      lines: [
        { kind: 'output', name: 'pump', line: 8 },
        { kind: 'output', name: 'door', line: 9 },
      ],
    },
    ...more,
  }
  const file = await place.file('config.json', JSON.stringify(config))
  const app = await startApp(await loadConfig({ file, env: place.env, flags: {} }), { log: silentLog })
  const made = new World(app, place.folder)
  t.teardown(async () => {
    made.agent.destroy()
    await app.stop()
  })
  await settle(made)
  await made.meets('away', 'connected')
  await away.stop()
  await made.meets('away', 'away')
  return made
}

async function settle(made: World): Promise<void> {
  const claimCode = await made.app.claimCode()
  const claimed = await made.call('POST', '/setup', { json: { claimCode, name: 'ada', password } })
  const admin: string = claimed.json.token
  made.tokens['admin'] = admin
  for (const [name, role] of [
    ['olga', 'operator'],
    ['vera', 'viewer'],
  ] as const) {
    await made.call('POST', '/users', { token: admin, json: { name, password, role } })
    const signedIn = await made.call('POST', '/auth/sign-in', { json: { name, password } })
    made.tokens[role] = signedIn.json.token
  }
  made.ids['board'] = (await made.meets('window', 'connected')).id
  const { json } = await made.call('POST', '/patterns', {
    token: admin,
    query: { name: 'noise.bin' },
    bytes: ledmFile([1, 2, 3]),
  })
  made.ids['pattern'] = json.pattern.id
}
