import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { localPrincipal } from '../../src/account/principal.ts'
import type { Connections, PortView as KnownPort } from '../../src/board/connections.ts'
import type { PortApprovals } from '../../src/board/port-approvals.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { portOperations } from '../../src/http/routes/ports.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { portsView } from '../../src/wire/port.ts'
import { apiOf, doorFor } from '../support/api-of.ts'

const port = (path: string, more: Partial<KnownPort> = {}): KnownPort => ({
  port: { path, links: [], stableId: undefined, serialNumber: 'A1' } as unknown as KnownPort['port'],
  open: false,
  reason: 'not_approved',
  trouble: undefined,
  ...more,
})

/** There are no serial ports to be had here: the connections are a list, a loan a note. */
async function serve(t: Test, ports: readonly KnownPort[]) {
  const lent = new Set<string>()
  const told: string[] = []
  const connections = {
    ports: async () => ports,
    refresh: async () => void told.push('refresh'),
    lend: async (path: string) => {
      if (!ports.some(known => known.port.path === path)) return undefined
      if (lent.has(path)) throw new AppError('conflict', `${path} is lent already`)
      lent.add(path)
      return async () => void lent.delete(path)
    },
  } as unknown as Connections
  const approvals = {
    approve: async (path: string, baudRate: number) => void told.push(`approve ${path} ${baudRate}`),
    revoke: async (path: string) => {
      if (path !== '/dev/ttyUSB1') throw new AppError('not_found', `${path} was not approved`)
    },
  } as unknown as PortApprovals
  const api = apiOf(portOperations({ connections, approvals }))
  const lan = doorFor({ ...localPrincipal, role: 'admin' })
  const server = createServer(createHttp({ log: silentLog, clock: new VirtualClock(), api, lan }))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port: number } = server.address() as AddressInfo
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`http://127.0.0.1:${number}/api/v1${path}`, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    })
    const text = await answer.text()
    return { status: answer.status, json: text === '' ? {} : JSON.parse(text) }
  }
  const loan = async (path: string) => {
    const asked = request(`http://127.0.0.1:${number}/api/v1/ports/loan`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    })
    asked.end(JSON.stringify({ path }))
    const [answer] = await once(asked, 'response')
    return { asked, answer, line: String((await once(answer, 'data'))[0]) }
  }
  return { call, loan, lent, told }
}

t.test('ports are listed in pages, approved and given up', async t => {
  const paths = Array.from({ length: 45 }, (_, n) => `/dev/ttyS${String(n).padStart(2, '0')}`)
  const broken = port('/dev/ttyUSB0', {
    open: true,
    reason: 'approved',
    trouble: new AppError('port_busy', 'It is in use.'),
  })
  const { call, told } = await serve(t, [...paths.map(path => port(path)), broken])
  const read: string[] = []
  let cursor: string | null = null
  do {
    const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const { json } = await call('GET', `/ports?limit=20${query}`)
    t.same(portsView.parse(json), json)
    t.equal(json.total, 46)
    read.push(...json.ports.map(({ path }: { path: string }) => path))
    cursor = json.nextCursor
  } while (cursor !== null)
  t.same(read, [...paths, '/dev/ttyUSB0'])
  t.match((await call('GET', '/ports?skip=45')).json.ports, [
    { open: true, reason: 'approved', trouble: 'It is in use.', stableId: null, serialNumber: 'A1' },
  ])
  t.equal((await call('POST', '/ports', { path: '/dev/ttyUSB0' })).status, 204)
  t.same(told, ['approve /dev/ttyUSB0 115200', 'refresh'])
  t.equal((await call('DELETE', '/ports?path=/dev/ttyUSB1')).status, 204)
  t.equal((await call('DELETE', '/ports?path=/dev/ttyUSB2')).status, 404)
  t.equal((await call('DELETE', '/ports')).status, 422)
  t.equal((await call('POST', '/ports', { path: '', baudRate: 1 })).status, 422)
})

t.test('a port is lent for as long as the answer is read', async t => {
  const { loan, lent, call } = await serve(t, [port('/dev/ttyUSB0', { open: true })])
  const first = await loan('/dev/ttyUSB0')
  t.equal(first.line, '{"lent":true}\n')
  t.equal(first.answer.headers['content-type'], 'application/x-ndjson')
  t.match(await call('POST', '/ports/loan', { path: '/dev/ttyUSB0' }), { status: 409 })
  t.equal(lent.size, 1)
  first.asked.destroy()
  const latest = performance.now() + 5000
  while (lent.size > 0 && performance.now() < latest) await new Promise(setImmediate)
  t.equal(lent.size, 0, 'given back when the borrower is gone')
  t.match(await call('POST', '/ports/loan', { path: '/dev/ttyUSB9' }), { json: { lent: false } })
})
