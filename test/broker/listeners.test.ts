import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect as connectSocket, type Socket } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { connectAsync, type IClientOptions } from 'mqtt'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import type { MqttPrincipal } from '../../src/account/mqtt-users.ts'
import { type App, startApp } from '../../src/app.ts'
import { admit } from '../../src/broker/admission.ts'
import { doorAt } from '../../src/broker/connection/door.ts'
import { listenTcp } from '../../src/broker/door/listen-tcp.ts'
import { ControlClient } from '../../src/cli/control-client.ts'
import { mqttListeners } from '../../src/config/mqtt-listeners.ts'
import { resolveConfig } from '../../src/config/resolve-config.ts'
import { deviceCertificate } from '../../src/http/tls/device-certificate.ts'
import type { Log } from '../../src/kernel/log.ts'
import type { AuditEntryView } from '../../src/wire/audit.ts'
import type { NewMqttUserView } from '../../src/wire/mqtt-user.ts'
import { connectPacket, gw, packet, principal, RawClient, until } from './broker-rig.ts'

const boardA = 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa'
const waitMs = 60_000

const configOf = (file: object, stateDir = '/nowhere') =>
  resolveConfig({
    env: {},
    flags: {},
    user: { uid: 1000, homeDir: stateDir },
    file: {
      path: 'x.json',
      text: JSON.stringify({ stateDir, discovery: 'off', mdns: { enabled: false }, ...file }),
    },
  })

interface Gateway {
  readonly app: App
  readonly api: ControlClient
  readonly lines: string[]
  /** Certificate of its authority. */
  readonly ca: string
  readonly gatewayId: string
  url(protocol: string, nth?: number): URL
  user(name: string, rest?: object): Promise<{ username: string; password: string }>
}

async function gateway(t: Test, listeners: readonly object[], http: object = {}): Promise<Gateway> {
  const stateDir = await mkdtemp(join(tmpdir(), 'listeners-'))
  t.teardown(() => rm(stateDir, { recursive: true, force: true }))
  const lines: string[] = []
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push(`${level} ${JSON.stringify(fields)} ${message}`)
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  const config = configOf(
    { mqtt: { listeners }, http: { host: '0.0.0.0', port: 0, landingPort: null, ...http } },
    stateDir,
  )
  const app = await startApp(config, { log })
  t.teardown(() => app.stop())
  const api = new ControlClient(config.controlSocket)
  const { gatewayId } = await api.get<{ gatewayId: string }>('/system')
  const { authority } = await deviceCertificate(
    join(stateDir, 'tls'),
    { names: [], spareNames: [] },
    Date.now(),
  ).then(
    made => made,
    () => ({ authority: '' }),
  )
  return {
    ...{ app, api, lines, gatewayId, ca: authority },
    url: (protocol, nth = 0) =>
      new URL(app.broker.urls.filter(url => url.startsWith(`${protocol}:`))[nth] ?? 'none:'),
    async user(name, rest = {}) {
      const { password } = await api.post<NewMqttUserView>('/mqtt-users', { name, ...rest })
      return { username: name, password }
    },
  }
}

async function enter(t: Test, url: string, options: IClientOptions) {
  const client = await connectAsync(url, { reconnectPeriod: 0, connectTimeout: waitMs, ...options })
  client.on('error', () => undefined)
  t.teardown(() => client.endAsync(true))
  return client
}

const answerOf = (entering: Promise<unknown>): Promise<unknown> =>
  entering.then(
    () => 'let in',
    (error: { code?: unknown }) => error.code,
  )

const ownAddress = Object.values(networkInterfaces())
  .flatMap(each => each ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address

t.test(
  'TLS, WebSocket and plain doors lead to one broker, and a revoked credential ends all of them',
  async t => {
    const here = await gateway(t, [
      { host: '127.0.0.1', port: 0 },
      { host: '0.0.0.0', port: 0, tls: true },
    ])
    const { port: tlsPort } = here.url('mqtts')
    const panel = new URL(here.app.http?.url ?? '')
    t.equal(panel.protocol, 'https:')
    const desk = await here.user('desk', { access: 'control' })
    const options = { ...desk, ca: here.ca }
    const clients = [
      await enter(t, here.url('mqtt').href, desk),
      await enter(t, `mqtts://127.0.0.1:${tlsPort}`, options),
      await enter(t, `mqtts://localhost:${tlsPort}`, options),
      await enter(t, `wss://127.0.0.1:${panel.port}/mqtt`, options),
    ]
    await t.rejects(
      enter(t, `mqtts://127.0.0.1:${tlsPort}`, desk),
      /self.signed|unable to (get|verify)/,
      'unknown authority',
    )
    const [first, , , webSocket] = clients
    const heard: string[] = []
    const large = JSON.stringify({ correlationId: 'large', x: 'y'.repeat(12_000) })
    webSocket?.on('message', (topic, payload) => heard.push(`${topic} ${payload.length}`))
    await webSocket?.subscribeAsync(`pixelgate/${here.gatewayId}/#`, { qos: 1 })
    const topic = `pixelgate/${here.gatewayId}/cmd/none`
    await first?.publishAsync(topic, large, { qos: 1 })
    await until(() => heard.includes(`${topic} ${large.length}`), 'the message over the WebSocket')
    await webSocket?.publishAsync(topic, large, { qos: 2 })
    await until(
      () => heard.filter(line => line === `${topic} ${large.length}`).length === 2,
      'its own message',
    )
    t.match(await here.api.get('/system'), {
      network: { mqtt: [here.url('mqtt').href, `mqtts://0.0.0.0:${tlsPort}`], plainMqtt: [] },
    })
    const beganMs = Date.now()
    const ended = clients.map(client => new Promise<void>(resolve => client.once('close', () => resolve())))
    const { password } = await here.api.post<NewMqttUserView>('/mqtt-users/desk/rotate')
    await Promise.all(ended)
    t.ok(Date.now() - beganMs < 1000, 'within a second')
    t.equal(await answerOf(enter(t, `wss://127.0.0.1:${panel.port}/mqtt`, options)), 4)
    const again = await enter(t, `wss://127.0.0.1:${panel.port}/mqtt`, { ...options, password })
    const farewell: string[] = []
    again.on('message', (_topic, payload) => farewell.push(payload.toString()))
    await again.subscribeAsync(`pixelgate/${here.gatewayId}/status`)
    await here.app.stop()
    await until(() => farewell.includes('offline'), 'the last word, over a WebSocket too')
  },
)

t.test(
  'a WebSocket needs the sub-protocol, a Host of ours, an Origin of ours or none, and binary frames',
  async t => {
    const here = await gateway(t, [{ host: '127.0.0.1', port: 0 }], { host: '127.0.0.1' })
    const panel = new URL(here.app.http?.url ?? '')
    t.equal(panel.protocol, 'http:', 'plain on loopback')
    const at = `ws://127.0.0.1:${panel.port}/mqtt`
    const statusOf = (protocols: string[], options: object = {}, url = at) =>
      new Promise<number>(resolve => {
        const socket = new WebSocket(url, protocols, options)
        t.teardown(() => socket.terminate())
        socket.on('unexpected-response', (_request, { statusCode = 0 }) => resolve(statusCode))
        socket.on('open', () => resolve(101))
        socket.on('error', () => undefined)
      })
    t.equal(await statusOf(['mqtt']), 101)
    t.equal(await statusOf(['chat', 'mqttv3.1']), 101, 'MQTT 3.1')
    t.equal(await statusOf([]), 400)
    t.equal(await statusOf(['chat']), 400)
    t.equal(await statusOf(['mqtt'], { origin: `http://127.0.0.1:${panel.port}` }), 101)
    for (const origin of ['http://evil.example', 'https://127.0.0.1', 'null'])
      t.equal(await statusOf(['mqtt'], { origin }), 403, origin)
    t.equal(await statusOf(['mqtt'], { headers: { host: 'evil.example' } }), 421)
    t.equal(await statusOf(['mqtt'], {}, `${at}/`), 404)
    t.equal(await statusOf(['mqtt'], { protocolVersion: 8 }), 426)

    const open = async () => {
      const socket = new WebSocket(at, ['mqtt'])
      t.teardown(() => socket.terminate())
      await once(socket, 'open')
      return socket
    }
    const texting = await open()
    texting.send('text')
    t.equal((await once(texting, 'close'))[0], 1003, 'text [MQTT-6.0.0-1]')
    const pinging = await open()
    pinging.ping('there?')
    t.equal(String((await once(pinging, 'pong'))[0]), 'there?')
    pinging.close()
    await once(pinging, 'close')

    const { username, password } = await here.user('desk')
    const connect = connectPacket('w', { flags: 0xc2, payload: [username, password] })
    const bytewise = await open()
    const got: Buffer[] = []
    bytewise.on('message', (chunk: Buffer) => got.push(chunk))
    for (const byte of connect) bytewise.send(Uint8Array.of(byte))
    await until(
      () => Buffer.concat(got).toString('hex').startsWith('20020000'),
      'CONNACK, of a packet in many frames',
    )
    bytewise.send(Buffer.concat([packet(0xc0), packet(0xc0)]))
    await until(() => Buffer.concat(got).toString('hex').endsWith('d000d000'), 'two packets in one frame')
    const greedy = await open()
    greedy.send(Buffer.concat([Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]), Buffer.alloc(2000)]))
    await once(greedy, 'close')
    t.ok(
      here.lines.some(line => /was cut off/.test(line)),
      'the same guard as everywhere',
    )
    bytewise.terminate()
    await until(() => here.app.broker.stats().connections <= 3, 'the closed ones to be forgotten')
  },
)

t.test('without TLS on the network only boards and devices are let in', async t => {
  const users = new Map<string, MqttPrincipal>(
    (['watch', 'control', 'home-assistant', 'bridge', 'bridge-control', 'device'] as const).map(access => [
      access,
      principal(access, access),
    ]),
  )
  users.set('board', principal('board', 'board', boardA))
  const world = { gatewayId: gw, serves: () => false }
  const admitted = (name: string, door: { anonymous: boolean; devicesOnly: boolean }) => {
    const asked = { clientId: name, username: name, password: Buffer.from('x') }
    const found = admit({ authenticate: user => users.get(user) }, world, asked, door)
    return found.ok ? 'in' : found.fault.returnCode
  }
  for (const name of users.keys()) {
    const plain = doorAt({ anonymous: false, secure: false }, '192.0.2.2')
    t.equal(admitted(name, plain), name === 'board' || name === 'device' ? 'in' : 5, name)
    for (const door of [
      doorAt({ anonymous: false, secure: true }, '192.0.2.2'),
      ...['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'].map(local =>
        doorAt({ anonymous: false, secure: false }, local),
      ),
    ])
      t.equal(admitted(name, door), 'in', name)
  }
  for (const local of [undefined, '::ffff:192.0.2.2', 'fe80::1', '128.0.0.1'])
    t.ok(doorAt({ anonymous: false, secure: false }, local).devicesOnly, String(local))
})

t.test(
  'a plain listener on the network is told about, and from this machine everybody may use it',
  { skip: ownAddress === undefined ? 'no network' : false },
  async t => {
    const here = await gateway(t, [{ host: '0.0.0.0', port: 0, plain: true }], { tls: 'insecure' })
    const { port } = here.url('mqtt')
    const desk = await here.user('desk', { access: 'control' })
    const shelf = await here.user('shelf', { boardId: boardA })
    const plug = await here.user('plug', { publish: ['tele/plug/#'] })
    const far = `mqtt://${ownAddress}:${port}`
    t.equal(await answerOf(enter(t, far, desk)), 5)
    t.ok(await enter(t, far, { ...shelf, clientId: boardA }))
    t.ok(await enter(t, far, plug))
    t.ok(await enter(t, `mqtt://127.0.0.1:${port}`, desk))
    const panel = new URL(here.app.http?.url ?? '')
    t.equal(panel.protocol, 'http:')
    t.equal(
      await answerOf(enter(t, `ws://${ownAddress}:${panel.port}/mqtt`, desk)),
      5,
      'the panel without TLS too',
    )
    t.ok(await enter(t, `ws://${ownAddress}:${panel.port}/mqtt`, plug))
    t.ok(await enter(t, `ws://127.0.0.1:${panel.port}/mqtt`, desk))
    t.match(await here.api.get('/system'), { network: { plainMqtt: [`mqtt://0.0.0.0:${port}`] } })
    t.ok(here.lines.some(line => line.startsWith('warn') && /MQTT listener is plain/.test(line)))
  },
)

t.test(
  'who is refused or cut off stands in the audit log, and so does each change of a credential',
  async t => {
    const here = await gateway(t, [{ host: '127.0.0.1', port: 0 }], { host: '127.0.0.1' })
    const at = here.url('mqtt').href
    const desk = await here.user('desk')
    t.equal(await answerOf(enter(t, at, { ...desk, password: 'wrong' })), 4)
    const bridge = await enter(t, at, await here.user('attic', { access: 'bridge' }))
    for (let i = 0; i < 100; i++) await bridge.publishAsync('what/others/say', 'x', { qos: 1 })
    t.ok(bridge.connected, 'a bridge passes on what others say, and is not cut off for it')
    const noisy = await enter(t, at, desk)
    const cut = new Promise<void>(resolve => noisy.once('close', () => resolve()))
    for (let i = 0; i < 100; i++) noisy.publish('not/mine', 'x')
    await cut
    await here.api.patch('/mqtt-users/desk', { access: 'control' })
    await here.api.post('/mqtt-users/desk/rotate')
    await here.api.delete('/mqtt-users/desk')
    const entries = await here.api.list<AuditEntryView>('/audit', 'entries')
    const of = (action: string) => entries.filter(entry => entry.action === action)
    t.match(of('mqttConnect'), [{ outcome: 'unauthenticated', address: '127.0.0.1' }])
    t.match(of('mqttFlood'), [{ outcome: 'forbidden' }])
    for (const action of ['changeMqttUser', 'rotateMqttUser', 'removeMqttUser'])
      t.match(of(action), [{ outcome: 'ok', resource: /mqtt-users\/desk/ }], action)
    t.equal(of('addMqttUser').length, 2)
    t.notOk(JSON.stringify(entries).includes(desk.password), 'no secret is in it')
  },
)

t.test('a listener with TLS has a certificate even where the panel has none', async t => {
  const here = await gateway(t, [{ host: '127.0.0.1', port: 0, tls: true }], { host: '127.0.0.1' })
  const desk = await here.user('desk')
  t.match(here.app.mqtt?.url, /^mqtts:/)
  t.ok(await enter(t, here.url('mqtts').href, { ...desk, ca: here.ca }))
})

t.test('a configuration that names no listener has TLS beside a panel that has it', async t => {
  const listenersOf = (file: object) => {
    const { chosen, plain, secure } = mqttListeners(configOf(file))
    const places = (list: typeof plain) => list.map(({ host, port }) => `${host} ${port}`)
    return { chosen, plain: places(plain), secure: places(secure) }
  }
  const loopback = ['127.0.0.1 1883']
  t.same(listenersOf({}), { chosen: false, plain: loopback, secure: ['0.0.0.0 8883'] })
  t.same(listenersOf({ http: { host: '192.0.2.7' } }).secure, ['192.0.2.7 8883'])
  t.same(listenersOf({ http: { host: '127.0.0.1' } }).secure, [])
  t.same(listenersOf({ http: { tls: 'insecure' } }).secure, [])
  t.same(listenersOf({ mqtt: { listeners: [] } }), { chosen: true, plain: [], secure: [] })
  t.same(
    listenersOf({
      mqtt: {
        listeners: [
          { host: '::', port: 9, tls: true },
          { host: '::1', port: 8 },
        ],
      },
    }),
    {
      chosen: true,
      plain: ['::1 8'],
      secure: [':: 9'],
    },
  )
  t.throws(() => configOf({ mqtt: { listeners: [{ host: '::', port: 9, tls: true, plain: true }] } }), {
    code: 'config_invalid',
  })
})

t.test('later handshakes see another certificate; those that are silent keep nobody out', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'certificates-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const made = (name: string) =>
    deviceCertificate(join(folder, name), { names: ['localhost'], spareNames: [] }, Date.now())
  const [one, two] = [await made('one'), await made('two')]
  let show: (next: { certificate: string; key: string }) => void = () => undefined
  let watching = true
  const sockets: Socket[] = []
  const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, socket => sockets.push(socket), {
    tls: {
      ...one,
      watch: next => {
        show = next
        return () => (watching = false)
      },
    },
    limits: { maxClients: 8, maxClientsPerAddress: 4 },
  })
  t.teardown(() => listener.close())
  const port = Number(new URL(listener.url).port)
  const silent = Array.from({ length: 20 }, () => connectSocket({ host: '127.0.0.1', port }))
  for (const socket of silent) socket.on('error', () => undefined)
  t.teardown(() => silent.map(socket => socket.destroy()))
  await until(() => silent.filter(({ closed }) => closed).length === 16, 'all but four to be cut')
  const greet = async (ca: string) => {
    const socket = connectTls({ host: '127.0.0.1', port, ca, servername: 'localhost' })
    t.teardown(() => socket.destroy())
    await once(socket, 'secureConnect')
    return socket
  }
  const first = await greet(one.authority)
  await until(() => sockets.length === 1, 'the socket')
  show(two)
  await t.rejects(greet(one.authority))
  await greet(two.authority)
  t.notOk(first.closed, 'connections stay')
  listener.close()
  t.notOk(watching)
  for (const socket of sockets) socket.destroy()
})

t.test('a listener that cannot be had says so, and leaves nothing open', async t => {
  const here = await gateway(t, [{ host: '127.0.0.1', port: 0 }], { host: '127.0.0.1' })
  const port = Number(here.url('mqtt').port)
  await t.rejects(here.app.broker.listen({ host: '127.0.0.1', port, anonymous: false }), {
    code: 'address_in_use',
    message: /mqtt.listeners/,
  })
  t.ok(await RawClient.open(t, port))
})
