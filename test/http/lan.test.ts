import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import t from 'tap'
import { AllowedHosts } from '../../src/http/access/allowed-hosts.ts'
import { isSameOrigin, parseAuthority } from '../../src/http/access/authority.ts'
import { upgradeListener } from '../../src/http/access/check-upgrade.ts'
import { LanAccess } from '../../src/http/access/lan-access.ts'
import { sessionOf } from '../../src/http/access/session-cookie.ts'
import { httpServer } from '../../src/http/http-server.ts'
import { listenRefusal, startLanServer } from '../../src/http/start-lan-server.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { eventually } from '../support/pixelgate.ts'
import { type Call, lanRig, password } from './lan-rig.ts'

const anyId = '00000000-0000-7000-8000-000000000000'

/** Every route with the least role that it takes. */
const routes: readonly (readonly [
  method: string,
  path: string,
  role: 'open' | 'viewer' | 'operator' | 'admin',
])[] = [
  ['GET', '/api/v1/setup', 'open'],
  ['POST', '/api/v1/setup', 'open'],
  ['POST', '/api/v1/auth/sign-in', 'open'],
  ['GET', '/health/live', 'open'],
  ['GET', '/api/v1/health/live', 'open'],
  ['GET', '/health', 'open'],
  ['POST', '/api/v1/auth/sign-out', 'viewer'],
  ['GET', '/api/v1/auth/me', 'viewer'],
  ['GET', '/metrics', 'viewer'],
  ['GET', '/api/v1/boards', 'viewer'],
  ['GET', `/api/v1/boards/${anyId}`, 'viewer'],
  ['GET', `/api/v1/boards/${anyId}/preview`, 'viewer'],
  ['PATCH', `/api/v1/boards/${anyId}`, 'operator'],
  ['POST', `/api/v1/boards/${anyId}/commands`, 'operator'],
  ['GET', '/api/v1/ports', 'viewer'],
  ['POST', '/api/v1/ports', 'admin'],
  ['DELETE', '/api/v1/ports?path=/dev/x', 'admin'],
  ['GET', '/api/v1/patterns', 'viewer'],
  ['POST', '/api/v1/patterns?name=x.bin', 'operator'],
  ['GET', `/api/v1/patterns/${anyId}`, 'viewer'],
  ['GET', `/api/v1/patterns/${anyId}/candidates`, 'viewer'],
  ['GET', `/api/v1/patterns/${anyId}/preview`, 'viewer'],
  ['GET', '/api/v1/jobs', 'viewer'],
  ['POST', '/api/v1/jobs', 'operator'],
  ['GET', `/api/v1/jobs/${anyId}`, 'viewer'],
  ['GET', `/api/v1/jobs/${anyId}/report`, 'viewer'],
  ['POST', `/api/v1/jobs/${anyId}/pause`, 'operator'],
  ['POST', `/api/v1/jobs/${anyId}/resume`, 'operator'],
  ['POST', `/api/v1/jobs/${anyId}/cancel`, 'operator'],
  ['GET', `/api/v1/events?batch=${anyId}`, 'viewer'],
  ['GET', '/api/v1/users', 'admin'],
  ['GET', '/API/V1/Users/', 'viewer'],
  ['POST', '/api/v1/PORTS', 'viewer'],
  ['GET', '/api/v1/boards/%E0%A4%A', 'viewer'],
  ['POST', '/api/v1/users', 'admin'],
  ['DELETE', '/api/v1/users/nobody', 'admin'],
  ['GET', '/api/v1/nowhere', 'viewer'],
  ['POST', '/api/v1/nowhere', 'viewer'],
]

const eight = {
  'content-security-policy': /^default-src 'self'; script-src 'self'; .*frame-ancestors 'none'$/,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'permissions-policy': /camera=\(\)/,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
}

t.test('Host, Origin, token and role are asked in this order, at every route', async t => {
  const { call, signIn, url } = await lanRig(t)
  const tokens = {
    viewer: await signIn('viewer'),
    operator: await signIn('operator'),
    admin: await signIn('admin'),
  }
  for (const [method, path, role] of routes) {
    const status = async (more: Call) => (await call(path, { method, ...more })).status
    const name = `${method} ${path}`
    t.equal(await status({ headers: { host: 'evil.example' }, token: tokens.admin }), 421, `${name} 421`)
    const foreign = { host: 'evil.example', origin: 'http://evil.example' }
    t.equal(await status({ headers: foreign }), 421, `${name}: Host comes first`)
    for (const origin of [
      'http://evil.example',
      'null',
      'https://127.0.0.1',
      'http://127.0.0.1:1',
      url.replace('127.0.0.1', 'localhost'),
    ])
      t.equal(await status({ headers: { origin }, token: tokens.admin }), 403, `${name} from ${origin}`)
    t.equal(await status({ headers: { 'sec-fetch-site': 'cross-site' }, token: tokens.admin }), 403)
    if (role === 'open') continue
    const none = await call(path, { method })
    t.match(none, { status: 401, json: { code: 'unauthenticated' } }, `${name} without a token`)
    t.match(none.headers, {
      'www-authenticate': /^Bearer/,
      'content-type': 'application/problem+json',
      ...eight,
    })
    t.equal(await status({ token: 'A'.repeat(43) }), 401)
    for (const who of ['viewer', 'operator'] as const) {
      const allowed = role === 'viewer' || role === who
      if (path.includes('sign-out')) continue
      const got = await status({ token: tokens[who], headers: { origin: url } })
      t.equal(got === 403, !allowed, `${name} as ${who}: ${got}`)
      t.notOk([401, 421].includes(got))
    }
    if (path.includes('sign-out')) continue
    const got = await status({
      token: tokens.admin,
      headers: { cookie: `pixelgate_session=${tokens.viewer}` },
    })
    t.notOk([401, 403, 421, 500].includes(got), `${name} as admin: ${got}; the header goes before the cookie`)
  }
})

t.test(
  'a name is ours when it is of this machine or of the configuration, whatever its spelling',
  async t => {
    const { call, url } = await lanRig(t, { hosts: ['lamps.example'] })
    const { port } = new URL(url)
    const status = async (host: string) => (await call('/health/live', { headers: { host } })).status
    for (const host of [
      'localhost',
      'LOCALHOST:1',
      `127.0.0.1:${port}`,
      '127.1.2.3',
      '[::1]',
      '[0:0:0:0:0:0:0:1]:80',
    ])
      t.equal(await status(host), 200, host)
    for (const host of ['pixelgate.local', 'pixelgate.local.', 'lamps.example:8443'])
      t.equal(await status(host), 200, host)
    for (const { address, family } of Object.values(networkInterfaces()).flatMap(list => list ?? []))
      t.equal(await status(family === 'IPv6' ? `[${address}]` : address), 200, address)
    const strange = [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '8.8.8.8',
      '[2001:db8::1]',
    ]
    strange.push(
      'localhost:0',
      'localhost:65536',
      'localhost:x',
      'user@localhost',
      'localhost/',
      'local%68ost',
      'a b',
    )
    for (const host of strange) t.equal(await status(host), 421, host)
  },
)

t.test('a request that names two hosts, or a whole address, is not for us', async t => {
  const { url } = await lanRig(t)
  const raw = async (text: string) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.end(text)
    let answer = ''
    for await (const chunk of socket) answer += chunk
    return answer.split(' ')[1]
  }
  const rest = 'Connection: close\r\n\r\n'
  t.equal(await raw(`GET /health/live HTTP/1.1\r\nHost: localhost\r\n${rest}`), '200')
  t.equal(await raw(`GET /health/live HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n${rest}`), '421')
  t.equal(await raw(`GET http://evil.example/health/live HTTP/1.1\r\nHost: localhost\r\n${rest}`), '421')
  t.equal(await raw(`GET /health/live HTTP/1.0\r\n${rest}`), '421')
})

t.test('addresses of the machine are looked up anew, but not for each request', t => {
  const clock = new VirtualClock()
  let lookups = 0
  const addresses = ['192.168.1.7', 'fe80::1%eth0']
  const machine = {
    hostname: () => 'Lamps.lan',
    addresses: () => {
      lookups += 1
      return addresses
    },
  }
  const hosts = new AllowedHosts(['2001:DB8::9'], clock, machine)
  for (const host of ['lamps.lan', 'lamps.local', '192.168.1.7', '[fe80::1]', '[2001:db8::9]'])
    t.ok(hosts.has(host), host)
  t.equal(lookups, 1)
  addresses[0] = '192.168.1.8'
  t.notOk(hosts.has('192.168.1.8'))
  clock.advance(2000)
  t.ok(hosts.has('192.168.1.8'))
  t.notOk(hosts.has('192.168.1.7'))
  t.end()
})

t.test('an origin is scheme, host and port', t => {
  const same = (origin: string, scheme: 'http' | 'https', host: string) => {
    const authority = parseAuthority(host)
    return authority !== undefined && isSameOrigin(origin, scheme, authority)
  }
  t.ok(same('https://gate.local:8443', 'https', 'gate.local:8443'))
  t.ok(same('https://gate.local', 'https', 'gate.local:443'))
  t.ok(same('http://gate.local:80', 'http', 'Gate.local'))
  t.ok(same('http://[::1]:5', 'http', '[0::1]:5'))
  const foreign = [
    'http://gate.local:8443',
    'https://gate.local',
    'null',
    '',
    'file://',
    'https://gate.local:8443/x',
  ]
  for (const origin of foreign) t.notOk(same(origin, 'https', 'gate.local:8443'), origin)
  t.end()
})

t.test('following a link opens the panel; what another site loads by itself is refused', async t => {
  const { call, signIn } = await lanRig(t, { panelDir: null })
  const token = await signIn('viewer')
  const get = async (site: string, mode: string, dest: string, path = '/') => {
    const headers = { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest }
    return (await call(path, { headers, token })).status
  }
  t.equal(await get('cross-site', 'navigate', 'document'), 200)
  t.equal(await get('none', 'navigate', 'document'), 200)
  t.equal(await get('same-origin', 'cors', 'empty', '/api/v1/boards'), 200)
  t.equal(await get('cross-site', 'navigate', 'iframe'), 403)
  t.equal(await get('cross-site', 'no-cors', 'image', '/api/v1/boards'), 403)
  t.equal(await get('same-site', 'no-cors', 'script', '/api/v1/boards'), 403, 'another port of this machine')
})

t.test(
  'claim, sign in, look, sign out: as a browser with its cookie and as a program with its token',
  async t => {
    const { call, local, url, lines, accounts } = await lanRig(t)
    t.same((await call('/api/v1/setup')).json, { claimed: false }, 'the network is not told the code')
    const { claimCode } = (await local('/api/v1/setup')).json
    const claim = { claimCode, name: 'ada', password }
    const wrong = await call('/api/v1/setup', { method: 'POST', json: { ...claim, claimCode: 'x' } })
    t.match(wrong, { status: 403, json: { code: 'forbidden' } })
    const made = await call('/api/v1/setup', { method: 'POST', json: claim, headers: { origin: url } })
    t.match(made, { status: 201, json: { user: { name: 'ada', role: 'admin' }, token: String } })
    t.match(made.headers['set-cookie'], [
      /^pixelgate_session=[\w-]{43}; Max-Age=1800; Path=\/; HttpOnly; SameSite=Strict$/,
      /^pixelgate_refresh=[\w-]{43}; Max-Age=2592000; Path=\/api\/v1\/auth; HttpOnly; SameSite=Strict$/,
    ])
    t.equal((await call('/api/v1/setup', { method: 'POST', json: claim })).status, 409)
    t.same((await local('/api/v1/setup')).json, { claimed: true })

    const signedIn = await call('/api/v1/auth/sign-in', { method: 'POST', json: { name: 'ada', password } })
    t.equal(signedIn.status, 200)
    const cookie = String(signedIn.headers['set-cookie']).split(';')[0] ?? ''
    const me = await call('/api/v1/auth/me', { headers: { cookie: `theme=dark; ${cookie}` } })
    t.match(me, { status: 200, json: { user: { name: 'ada', role: 'admin', createdAt: String } } })
    t.match((await local('/api/v1/auth/me')).json, { user: { id: 'local', role: 'admin', createdAt: null } })
    const out = await call('/api/v1/auth/sign-out', { method: 'POST', headers: { cookie } })
    t.match(out, {
      status: 204,
      headers: {
        'set-cookie': [
          /^pixelgate_session=; Max-Age=0; Path=\/; HttpOnly/,
          /^pixelgate_refresh=; Max-Age=0; Path=\/api\/v1\/auth; HttpOnly/,
        ],
      },
    })
    t.equal((await call('/api/v1/auth/me', { headers: { cookie } })).status, 401)
    t.equal(
      (await call('/api/v1/auth/me', { token: String(made.json['token']) })).status,
      200,
      'the other one holds',
    )
    t.equal((await local('/api/v1/auth/sign-out', { method: 'POST' })).status, 204)

    const again = {
      method: 'POST',
      json: { name: 'ada', password },
      headers: { cookie, authorization: 'Bearer old' },
    }
    t.equal((await call('/api/v1/auth/sign-in', again)).status, 200, 'an old token does not stand in the way')
    const people = await call('/api/v1/users', { token: String(made.json['token']) })
    t.match(people.json, { users: [{ name: 'ada' }] })
    t.notMatch(people.bytes.toString(), /scrypt|passwordHash/)
    const bob = { method: 'POST', json: { name: 'bob', password }, token: String(made.json['token']) }
    t.match(await call('/api/v1/users', bob), {
      status: 201,
      json: { user: { name: 'bob', role: 'operator' } },
    })
    t.equal((await local('/api/v1/users/bob', { method: 'DELETE' })).status, 204)
    t.equal((await accounts.users()).length, 1)
    const said = JSON.stringify(lines)
    for (const secret of [password, String(claimCode), String(made.json['token']), cookie.slice(18)])
      t.notOk(said.includes(secret), 'nothing of it is logged')
  },
)

t.test('too many wrong passwords are answered with the time to wait', async t => {
  const { call, signIn } = await lanRig(t)
  await signIn('admin')
  const guess = (name: string) =>
    call('/api/v1/auth/sign-in', { method: 'POST', json: { name, password: 'guess' } })
  const statuses = []
  for (let at = 0; at < 12; at++) statuses.push((await guess(`user${at}`)).status)
  t.same(statuses, [...Array(10).fill(401), 429, 429])
  const refused = await guess('admin')
  t.match(refused, {
    status: 429,
    json: { code: 'rate_limited', retryAfterMs: Number },
    headers: { 'retry-after': /^\d+$/ },
  })
})

t.test('a body that is no JSON, not said to be, or has strange keys is refused', async t => {
  const { call } = await lanRig(t)
  const post = async (body: string, type = 'application/json') =>
    (await call('/api/v1/auth/sign-in', { method: 'POST', body, headers: { 'content-type': type } })).status
  t.equal(await post('{}', 'text/plain'), 415)
  t.equal(await post('name=ada', 'application/x-www-form-urlencoded'), 415)
  t.equal(await post('{'), 400)
  t.equal(await post('{"name":"a","password":"b","more":1}'), 422)
  t.equal(await post('{"name":"a","password":"b","__proto__":{"role":"admin"}}'), 400)
  t.equal(await post('[[{"__proto__":1}]]'), 400)
  t.equal(await post('['.repeat(100_000)), 400)
  t.equal(await post(`{"name":"${'x'.repeat(300_000)}"}`), 413)
})

t.test('each request is logged with its template and counted with it', async t => {
  const { call, lines, outcomes, signIn, local } = await lanRig(t)
  const token = await signIn('viewer')
  await call(`/api/v1/boards/${anyId}`, { token })
  await call('/api/v1/nowhere/at/all', { token })
  await call('/health')
  await call(`/${'x'.repeat(500)}`, { token })
  await local('/api/v1/jobs')
  t.match(outcomes, [
    { route: '/api/v1/boards/:id', method: 'GET', status: 404, durationMs: 0 },
    { route: 'unmatched', status: 404 },
    { route: '/api/v1/health', status: 200 },
    { route: 'unmatched', status: 404 },
    { route: '/api/v1/jobs', status: 200 },
  ])
  const requests = lines.filter(line => line.message === 'request')
  t.match(requests[0], {
    level: 'debug',
    fields: { user: 'viewer', route: '/api/v1/boards/:id', requestId: String },
  })
  t.match(requests[2], { fields: { user: null } })
  t.equal(String(requests[3]?.fields['path']).length, 200)
  t.match(requests[4], { fields: { user: 'local' } })
})

t.test('a WebSocket meets the same doors, and is handed on with the one who asks', async t => {
  const { access, signIn } = await lanRig(t)
  const token = await signIn('operator')
  const seen: (string | undefined)[] = []
  const upgrade = upgradeListener(access, (_request, socket, _head, principal) => {
    seen.push(principal?.name)
    socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  })
  const lan = await startLanServer({
    config: { host: '127.0.0.1', port: 0 },
    listener: () => undefined,
    upgrade,
    tls: undefined,
  })
  t.teardown(() => lan.close())
  const { port, host } = new URL(lan.url)
  const knock = async (headers: Record<string, string>, path = '/ws') => {
    const socket = connect(Number(port), '127.0.0.1')
    const lines = Object.entries({ host, connection: 'Upgrade', upgrade: 'websocket', ...headers })
    socket.write(
      `GET ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    )
    let answer = ''
    for await (const chunk of socket) answer += chunk
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    return { status: Number(head.split(' ')[1]), head, body }
  }
  const wrong = await knock({ host: 'evil.example' })
  t.match(wrong, { status: 421, head: /application\/problem\+json/, body: /wrong_host/ })
  t.match(JSON.parse(wrong.body), { requestId: String, status: 421 })
  t.match(await knock({ origin: 'http://evil.example' }), { status: 403 })
  t.match(await knock({ origin: 'null' }), { status: 403 })
  t.match(await knock({ authorization: 'Bearer nonsense' }), {
    status: 401,
    head: /WWW-Authenticate: Bearer/i,
  })
  t.match(await knock({}, '/elsewhere'), { status: 404 })
  t.same(seen, [])
  t.match(await knock({ origin: lan.url, authorization: `bearer ${token}` }), { status: 101 })
  t.match(await knock({ origin: lan.url, cookie: `pixelgate_session=${token}` }), { status: 101 })
  t.match(await knock({ cookie: 'pixelgate_session=old' }, '/ws?x=1'), { status: 101 })
  t.same(seen, ['operator', 'operator', undefined])
  const local = upgradeListener(
    undefined,
    (_request, _socket, _head, principal) => void seen.push(principal?.name),
  )
  local({ url: '/ws' } as never, { on: () => undefined } as never, Buffer.alloc(0))
  await new Promise(resolve => setImmediate(resolve))
  t.equal(seen.at(-1), 'local')
})

t.test('a WebSocket that is refused has its connection ended, whatever the other side does', async t => {
  const { access } = await lanRig(t)
  const server = httpServer((_request, response) => void response.end(), {
    upgrade: upgradeListener(access, () => undefined),
    connections: { connections: 8, perAddress: 8 },
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  const { port } = server.address() as AddressInfo
  let [answered, gone] = [0, 0]
  for (let i = 0; i < 8; i++) {
    // It sends no FIN when it gets ours.
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    t.teardown(() => socket.destroy())
    socket.on('error', () => undefined).on('close', () => void gone++)
    socket.write(
      'GET /ws HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
    socket.resume().on('end', () => {
      answered++
      // One that is destroyed sends no FIN either, but a reset for what is still written.
      const writing = setInterval(() => socket.write('x'), 50)
      socket.once('close', () => clearInterval(writing))
    })
  }
  await eventually(() => answered === 8, 'eight answers')
  const { status } = await fetch(`http://127.0.0.1:${port}/`)
  t.equal(status, 200, 'they keep nobody out meanwhile')
  await eventually(() => gone === 8, 'their ends')
})

t.test('a fault of the accounts at the door of a WebSocket is a problem, not a crash', async t => {
  const broken = new LanAccess(
    { authenticate: () => Promise.reject(new TypeError('secret words')) },
    new AllowedHosts([], new VirtualClock()),
  )
  const outcome: { ok: boolean; problem?: unknown } = await new Promise(resolve => {
    const socket = {
      ...{ on: () => undefined, once: () => undefined, resume: () => undefined },
      end: (text: string) => resolve({ ok: false, problem: JSON.parse(text.split('\r\n\r\n')[1] ?? '') }),
    }
    const headers = { host: 'localhost', authorization: `Bearer ${'A'.repeat(43)}` }
    upgradeListener(broken, () => undefined)(
      { url: '/ws', headers, rawHeaders: ['Host', 'localhost'], socket: {} } as never,
      socket as never,
      Buffer.alloc(0),
    )
  })
  t.match(outcome, { ok: false, problem: { status: 500, code: 'internal' } })
  t.notMatch(JSON.stringify(outcome), /secret/)
})

t.test('an address that is taken or is not ours is refused with what to do', async t => {
  const { url } = await lanRig(t)
  const port = Number(new URL(url).port)
  const start = (host: string, to = port) =>
    startLanServer({ config: { host, port: to }, listener: () => undefined, tls: undefined })
  await t.rejects(start('127.0.0.1'), {
    code: 'address_in_use',
    message: new RegExp(`127.0.0.1:${port} is taken`),
  })
  await t.rejects(start('192.0.2.1'), { code: 'daemon_failed', message: /no address/ })
  await t.rejects(start('no.such.host.invalid'), { code: 'daemon_failed' })
  const all = await start('0.0.0.0', 0)
  t.match(all.url, /^http:\/\/127\.0\.0\.1:\d+$/)
  await Promise.all([all.close(), all.close()])
  const six = await start('::1', 0).catch(() => undefined)
  if (six !== undefined) t.match(six.url, /^http:\/\/\[::1\]:\d+$/)
  await six?.close()
})

t.test('who may not listen on a low port is told so', t => {
  const refused = (code: string) =>
    listenRefusal({ host: '::', port: 443 }, Object.assign(new Error('x'), { code }))
  t.match(refused('EACCES'), { code: 'address_in_use', message: /\[::\]:443.*1024.*CAP_NET_BIND_SERVICE/ })
  t.match(refused('ENOTFOUND'), { code: 'daemon_failed', message: /http\.host/ })
  t.match(refused('EMFILE'), { code: 'daemon_failed', message: 'cannot listen on [::]:443: x' })
  t.end()
})

t.test('the session is found among other cookies', t => {
  t.equal(sessionOf(undefined), undefined)
  t.equal(sessionOf('a=b; pixelgate_session=x=y ;c'), 'x=y')
  t.equal(sessionOf('my_pixelgate_session=x'), undefined)
  t.end()
})
