import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type App, startApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import type { Log } from '../../src/kernel/log.ts'
import { workplace } from '../support/pixelgate.ts'

export const password = 'marble otter canyon'

// biome-ignore lint/suspicious/noExplicitAny: what the gateway answers is looked at by the test
type Json = any

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  readonly json: Json
}

interface Asked {
  readonly token?: string | undefined
  readonly json?: unknown
  readonly body?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

export interface GatewayRig {
  readonly app: App
  readonly url: string
  readonly stateDir: string
  /** Everything that was logged. */
  readonly lines: () => string
  /** Every byte of the database. */
  readonly database: () => Promise<string>
  /** Over the network. */
  call(method: string, path: string, asked?: Asked): Promise<Answer>
  /** Over the control socket. */
  local(method: string, path: string, asked?: Asked): Promise<Answer>
  /** Token of somebody in this role, who is called so; made at the first call. */
  signIn(name: string, role: 'viewer' | 'operator' | 'admin'): Promise<string>
  /** Stops it and starts it anew over the same state. */
  restart(): Promise<void>
}

/** A whole gateway with its two faces and no boards. */
export async function gatewayRig(t: Test, config: object = {}): Promise<GatewayRig> {
  const place = await workplace(t)
  const logged: string[] = []
  const at = (level: string) => (fields: object, message: string) =>
    void logged.push(
      JSON.stringify({ level, ...fields, message }, (_, v) => (v instanceof Error ? v.stack : v)),
    )
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  const file = await place.file(
    'config.json',
    JSON.stringify({ discovery: 'off', mqtt: { listeners: [] }, ...config }),
  )
  const { PIXELGATE_MQTT_LISTENERS: _mqtt, ...env } = place.env
  const start = async () => startApp(await loadConfig({ file, env, flags: {} }), { log })
  let app = await start()
  t.teardown(() => app.stop())
  const tokens = new Map<string, string>()

  const send = async (
    where: object,
    method: string,
    path: string,
    { token, json, body, headers = {} }: Asked = {},
  ): Promise<Answer> => {
    const bytes = json === undefined ? body : JSON.stringify(json)
    const outgoing = request({
      ...where,
      method,
      path: path.startsWith('/api') ? path : `/api/v1${path}`,
      agent: false,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...(bytes !== undefined && { 'content-length': String(Buffer.byteLength(bytes)) }),
        ...headers,
      },
    })
    outgoing.end(bytes)
    const [incoming] = await once(outgoing, 'response')
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    const isJson = /json\b/.test(incoming.headers['content-type'] ?? '') && text !== ''
    return {
      status: incoming.statusCode,
      headers: incoming.headers,
      text,
      json: isJson ? JSON.parse(text) : {},
    }
  }

  const rig: GatewayRig = {
    get app() {
      return app
    },
    get url() {
      return app.http?.url ?? ''
    },
    stateDir: join(place.folder, 'state'),
    lines: () => logged.join('\n'),
    database: async () => {
      const names = ['gateway.db', 'gateway.db-wal']
      const files = names.map(name =>
        readFile(join(place.folder, 'state', name)).catch(() => Buffer.alloc(0)),
      )
      return Buffer.concat(await Promise.all(files)).toString('latin1')
    },
    call(method, path, asked) {
      const { hostname, port } = new URL(rig.url)
      return send({ hostname, port }, method, path, asked)
    },
    local: (method, path, asked) => send({ socketPath: place.path('control.sock') }, method, path, asked),
    async signIn(name, role) {
      const known = tokens.get(name)
      if (known !== undefined) return known
      await rig.local('POST', '/users', { json: { name, password, role } })
      const { json } = await rig.call('POST', '/auth/sign-in', { json: { name, password } })
      tokens.set(name, json.token)
      return json.token
    },
    async restart() {
      await app.stop()
      app = await start()
    },
  }
  return rig
}
