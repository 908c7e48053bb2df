import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { IClientOptions } from 'mqtt'
import t, { type Test } from 'tap'
import type { MqttProgramAccess } from '../../src/wire/mqtt-user.ts'
import { BrokerRig, freePort, gw, Listener, until } from './broker-rig.ts'

const mosquitto = '/usr/sbin/mosquitto'
const options = { skip: !existsSync(mosquitto) && 'no mosquitto' }
const own = `pixelgate/${gw}`
const board = 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa'
const state = '$SYS/broker/connection/hall/state'

/** A mosquitto of Debian that is a bridge to the gateway. */
class Bridge {
  readonly port: number
  readonly #config: string
  readonly #t: Test
  #child: ChildProcess | undefined
  #said = ''

  private constructor(t: Test, port: number, config: string) {
    this.#t = t
    this.port = port
    this.#config = config
  }

  static async start(
    t: Test,
    rig: BrokerRig,
    access: MqttProgramAccess,
    lines: readonly string[],
    gatewayPort = rig.port,
  ): Promise<Bridge> {
    const folder = await mkdtemp(join(tmpdir(), 'mosquitto-'))
    const { password } = await rig.users.add({
      name: 'hall',
      access,
      publish: ['hall/#'],
      subscribe: ['hall/#'],
    })
    const port = await freePort()
    const config = [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      // It keeps its rights, and may write where the test does.
      'user root',
      'persistence true',
      `persistence_location ${folder}/`,
      'connection gateway',
      `address 127.0.0.1:${gatewayPort}`,
      'remote_clientid hall',
      'remote_username hall',
      `remote_password ${password}`,
      'bridge_protocol_version mqttv311',
      'cleansession false',
      'restart_timeout 1',
      ...lines,
    ]
    await writeFile(join(folder, 'conf'), `${config.join('\n')}\n`)
    const bridge = new Bridge(t, port, join(folder, 'conf'))
    t.teardown(async () => {
      await bridge.stop('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    })
    await bridge.run()
    return bridge
  }

  async run(): Promise<void> {
    const child = spawn(mosquitto, ['-v', '-c', this.#config], { stdio: ['ignore', 'ignore', 'pipe'] })
    child.stderr.on('data', chunk => {
      this.#said += chunk
    })
    this.#child = child
    await until(
      () => /mosquitto version \S+ running/.test(this.#said),
      () => this.#said,
    )
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
    this.#said = ''
  }

  get said(): string {
    return this.#said
  }

  /** A client of the mosquitto. */
  connect(more: IClientOptions = {}): Promise<Listener> {
    return Listener.connect(this.#t, { port: this.port, ...more })
  }
}

const quiet = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

function noComplaints(t: Test, rig: BrokerRig): void {
  t.same(
    rig.lines.filter(({ level }) => level === 'warn' || level === 'error'),
    [],
  )
  t.equal(rig.broker.stats().violations, 0)
}

t.test(
  'a mosquitto connects as a bridge, says so, and carries messages both ways without a loop',
  options,
  async t => {
    const rig = await BrokerRig.start(t)
    const desk = await rig.connect({ ...(await rig.user('desk', 'control')) })
    await desk.client.subscribeAsync('$SYS/broker/connection/#', { qos: 1 })
    await desk.client.subscribeAsync('#', { qos: 1 })
    const bridge = await Bridge.start(t, rig, 'bridge-control', [
      'try_private true',
      `topic # both 1 ${own}/ ${own}/`,
    ])
    await desk.hears(state, '1')

    const local = await bridge.connect()
    await local.client.subscribeAsync(`${own}/#`, { qos: 1 })
    await local.hears(`${own}/status`, 'online')
    await local.client.publishAsync(`${own}/cmd/nothing`, '{"correlationId":"far"}', { qos: 1 })
    await desk.hears(`${own}/cmd/nothing`, '{"correlationId":"far"}')
    await local.hears(`${own}/cmd/nothing/result`, /"correlationId":"far"/)
    await desk.client.publishAsync(`${own}/cmd/nothing`, '{"correlationId":"near"}', { qos: 1 })
    await local.hears(`${own}/cmd/nothing/result`, /"correlationId":"near"/)
    await quiet(500)
    for (const listener of [desk, local]) {
      t.same(listener.on(`${own}/cmd/nothing`).toSorted(), [
        '{"correlationId":"far"}',
        '{"correlationId":"near"}',
      ])
      t.equal(listener.on(`${own}/cmd/nothing/result`).length, 2)
    }

    const shelf = await rig.connect({ ...(await rig.user('shelf', { boardId: board })), clientId: board })
    await shelf.client.publishAsync(`${own}/${board}/state`, '{"mode":"playing"}', { qos: 1, retain: true })
    await local.hears(`${own}/${board}/state`, '{"mode":"playing"}')
    const late = await bridge.connect()
    await late.client.subscribeAsync(`${own}/${board}/state`)
    await late.hears(`${own}/${board}/state`)
    t.ok(
      late.heard[0]?.retain,
      'what is retained here is retained there, although it was connected when it came',
    )
    noComplaints(t, rig)

    await bridge.stop('SIGKILL')
    await desk.hears(state, '0')
    t.same(desk.on(state), ['1', '0'], 'its will')
    const after = await rig.connect(await rig.user('late', 'control'))
    await after.client.subscribeAsync(state)
    await after.hears(state, '0')
  },
)

/** A line to the gateway that can be cut. */
async function line(t: Test, port: number) {
  const open = new Set<Socket>()
  let whole = true
  const server = createServer(near => {
    if (!whole) return void near.destroy()
    const far = connect({ host: '127.0.0.1', port })
    for (const socket of [near, far]) {
      open.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        near.destroy()
        far.destroy()
        open.delete(socket)
      })
    }
    near.pipe(far).pipe(near)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    whole = false
    for (const socket of open) socket.destroy()
  }
  t.teardown(() => {
    cut()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    mend: () => {
      whole = true
    },
  }
}

t.test('a bridge that was away gets what it missed, and sends what it kept', options, async t => {
  const rig = await BrokerRig.start(t)
  const desk = await rig.connect(await rig.user('desk', 'control'))
  await desk.client.subscribeAsync(`${own}/cmd/out`, { qos: 1 })
  const wire = await line(t, rig.port)
  const lines = [
    'notifications false',
    `topic cmd/in in 1 ${own}/ ${own}/`,
    `topic cmd/out out 1 ${own}/ ${own}/`,
  ]
  const bridge = await Bridge.start(t, rig, 'bridge-control', lines, wire.port)
  const local = await bridge.connect({ clean: false, clientId: 'stays' })
  await local.client.subscribeAsync(`${own}/cmd/in`, { qos: 1 })
  await until(() => rig.broker.stats().sessions === 1, 'its session')
  const numbers = (from: number) => Array.from({ length: 20 }, (_, i) => `{"n":${from + i}}`)
  const publish = async (from: number) => {
    for (const text of numbers(from)) {
      await desk.client.publishAsync(`${own}/cmd/in`, text, { qos: 1 })
      await local.client.publishAsync(`${own}/cmd/out`, text, { qos: 1 })
    }
  }
  wire.cut()
  await until(() => rig.broker.stats().clients === 1, 'it to be gone')
  await publish(0)
  wire.mend()
  const both = (listener: Listener, name: string, count: number) =>
    until(
      () => listener.on(`${own}/cmd/${name}`).length >= count,
      () => `${listener.on(`${own}/cmd/${name}`).length} of ${count} ${name}`,
    )
  await both(local, 'in', 20)
  await both(desk, 'out', 20)
  await local.client.endAsync()
  await bridge.stop()
  await until(() => rig.broker.stats().clients === 1, 'it to be gone again')
  for (const text of numbers(20)) await desk.client.publishAsync(`${own}/cmd/in`, text, { qos: 1 })
  await bridge.run()
  const back = await bridge.connect({ clean: false, clientId: 'stays' })
  await both(back, 'in', 20)
  // QoS 1 may bring a message twice when a line breaks.
  t.same([...new Set(local.on(`${own}/cmd/in`))], numbers(0))
  t.same([...new Set(desk.on(`${own}/cmd/out`))], numbers(0))
  t.same([...new Set(back.on(`${own}/cmd/in`))], numbers(20), 'also over a restart of the mosquitto')
  noComplaints(t, rig)
})

t.test(
  'what a bridge may not say is refused and nothing else happens; what it may not read it does not get',
  options,
  async t => {
    const rig = await BrokerRig.start(t)
    const desk = await rig.connect(await rig.user('desk', 'control'))
    await desk.client.subscribeAsync(['#', '$SYS/broker/connection/#'], { qos: 1 })
    const bridge = await Bridge.start(t, rig, 'bridge', [
      'topic # both 1',
      'topic $SYS/broker/connection/# out 1',
    ])
    await desk.hears(state, '1')
    const local = await bridge.connect()
    await local.client.subscribeAsync('#', { qos: 1 })
    await local.hears(`${own}/status`, 'online')
    await local.client.publishAsync(`${own}/cmd/play`, '{}', { qos: 1 })
    await local.client.publishAsync(`${own}/status`, 'offline', { qos: 1, retain: true })
    await local.client.publishAsync('elsewhere', 'x', { qos: 1 })
    await until(() => rig.logged(/message was refused/).length === 3, 'three refusals')
    await rig.users
      .add({ name: 'lamp', access: 'device', publish: ['hall/#'], subscribe: ['hall/#'] })
      .then(async ({ password }) => {
        const lamp = await rig.connect({ username: 'lamp', password })
        await lamp.client.subscribeAsync('hall/#', { qos: 1 })
        await local.client.publishAsync('hall/in', 'to the lamp', { qos: 1 })
        await lamp.hears('hall/in', 'to the lamp')
        await lamp.client.publishAsync('hall/out', 'from the lamp', { qos: 1 })
        await local.hears('hall/out', 'from the lamp')
      })
    t.notOk(desk.on(`${own}/status`).includes('offline'))
    t.notOk(desk.on(state).includes('0'), 'it stands')
    t.equal(rig.broker.stats().violations, 0)
  },
)

t.test("nobody speaks for somebody else's bridge", async t => {
  const rig = await BrokerRig.start(t)
  const desk = await rig.connect(await rig.user('desk', 'control'))
  await desk.client.subscribeAsync('$SYS/broker/connection/#', { qos: 1 })
  const guest = await rig.connect({
    ...(await rig.user('guest', 'watch')),
    clientId: 'guest',
    will: { topic: '$SYS/broker/connection/guest/state', payload: Buffer.from('0'), qos: 1, retain: true },
  })
  await guest.client.publishAsync('$SYS/broker/connection/guest/state', '1', { qos: 1, retain: true })
  const other = await rig.connect({ ...(await rig.user('other', 'control')), clientId: 'other' })
  for (const [topic, payload] of [
    ['hall/state', '1'],
    ['other/state', '2'],
    ['other/state', 'a long story'],
    ['other', '1'],
    ['other/state/x', '1'],
  ] as const)
    await other.client.publishAsync(`$SYS/broker/connection/${topic}`, payload, { qos: 1, retain: true })
  await other.client.publishAsync('$SYS/broker/connection/other/state', '1', { qos: 1, retain: true })
  await desk.hears('$SYS/broker/connection/other/state', '1')
  t.same(
    desk.heard.map(({ topic, text }) => [topic, text]),
    [['$SYS/broker/connection/other/state', '1']],
  )
  noComplaints(t, rig)
})

t.test(
  'what bridges say of themselves counts as what their user has retained, and goes with the user',
  async t => {
    const rig = await BrokerRig.start(t, { limits: { maxRetainedMessagesPerUser: 5 } })
    const desk = await rig.connect({ ...(await rig.user('desk', 'control')), clientId: 'desk' })
    const user = await rig.user('other', 'control')
    const topicOf = (clientId: string) => `$SYS/broker/connection/${clientId}/state`
    const topic = (i: number) => topicOf(`other${i}`)
    const others = await Promise.all(
      Array.from({ length: 8 }, (_, i) => rig.connect({ ...user, clientId: `other${i}` })),
    )
    const say = (i: number, text: string) =>
      others[i]?.client.publishAsync(topic(i), text, { qos: 1, retain: true })
    /** What whoever subscribes now is told; its own word is the newest, and the last one. */
    const retained = async () => {
      await desk.client.unsubscribeAsync('$SYS/broker/connection/#')
      await desk.client.publishAsync(topicOf('desk'), '1', { qos: 1, retain: true })
      desk.heard.length = 0
      await desk.client.subscribeAsync('$SYS/broker/connection/#', { qos: 1 })
      await desk.hears(topicOf('desk'))
      return desk.heard.slice(0, -1).map(each => each.topic)
    }
    for (let i = 0; i < 8; i++) await say(i, '1')
    t.same(await retained(), [0, 1, 2, 3, 4].map(topic))
    t.equal(rig.broker.stats().refusedRetained, 3)
    await say(0, '0')
    await say(1, '')
    await say(6, '1')
    t.same((await retained()).toSorted(), [0, 2, 3, 4, 6].map(topic))
    await rig.users.remove('other')
    await until(() => rig.broker.stats().clients === 1, 'the end of their connections')
    t.same(await retained(), [])
  },
)
