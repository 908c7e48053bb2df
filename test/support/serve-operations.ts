import { once } from 'node:events'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import type { Test } from 'tap'
import type { Principal } from '../../src/account/principal.ts'
import type { Operation } from '../../src/http/api/operation.ts'
import type { ApiParts } from '../../src/http/api/run-operation.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { httpServer } from '../../src/http/http-server.ts'
import { silentLog } from '../../src/kernel/log.ts'
import type { Role } from '../../src/kernel/role.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { apiOf } from './api-of.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: what is answered is looked at by the test
  readonly json: any
}

export interface Asked {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string | Uint8Array
  readonly json?: unknown
  /** `NAME/ROLE`; left out: a stranger. */
  readonly as?: string
}

/** `ada/viewer` in the Authorization header is ada, a viewer: what accounts do is tested elsewhere. */
const door = {
  checkOrigin: () => ({ authority: { host: '127.0.0.1', port: undefined }, corsOrigin: undefined }),
  async identify({ headers }: { headers: IncomingHttpHeaders }): Promise<Principal | undefined> {
    const [name, role] = (headers.authorization ?? '').split('/')
    return role === undefined || name === undefined
      ? undefined
      : { kind: 'user', id: name, name, role: role as Role, signInId: name }
  },
}

/** Serves these operations alone, on a port. */
export async function serve(t: Test, operations: readonly Operation[], more: Partial<ApiParts> = {}) {
  const clock = new VirtualClock()
  const api = { ...apiOf(operations), ...more }
  const server = httpServer(createHttp({ log: silentLog, clock, api, lan: door }))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // Connections stay, as those of browsers do.
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => {
    agent.destroy()
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const call = async (path: string, asked: Asked = {}): Promise<Answer> => {
    const { method = 'GET', headers, as } = asked
    const body = asked.json === undefined ? asked.body : JSON.stringify(asked.json)
    const outgoing = request({
      port,
      host: '127.0.0.1',
      path: `/api/v1${path}`,
      method,
      agent,
      headers: {
        ...(asked.json !== undefined && { 'content-type': 'application/json' }),
        ...(as !== undefined && { authorization: as }),
        ...headers,
      },
    })
    outgoing.end(body)
    const [incoming] = await once(outgoing, 'response')
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const bytes = Buffer.concat(chunks)
    const plain = incoming.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes
    const isJson = /json/.test(incoming.headers['content-type'] ?? '') && plain.length > 0
    const { statusCode: status, headers: got } = incoming
    return {
      status,
      headers: got,
      bytes,
      text: plain.toString(),
      json: isJson ? JSON.parse(plain.toString()) : {},
    }
  }
  return { call, clock, cache: api.cache }
}
