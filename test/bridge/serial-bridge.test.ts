import { existsSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import type { BridgeSettings } from '../../src/bridge/bridge-settings.ts'
import { SerialBridges } from '../../src/bridge/serial-bridges.ts'
import type { BrokerPart, BrokerPort } from '../../src/broker/broker-port.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLog } from '../../src/kernel/log.ts'
import type { Link } from '../../src/link/link.ts'
import { openLink } from '../../src/link/link-settings.ts'
import { memoryLinkPair } from '../../src/link/memory-link.ts'
import { cobsEncode } from '../../src/protocol/cobs.ts'
import type { BridgeStatusPayload } from '../../src/wire/serial-bridge.ts'
import { BrokerRig, gw, type Listener, principal, until } from '../broker/broker-rig.ts'
import { openDeafPty, openPtyPair } from '../support/pty.ts'

const hasSocat = ['/usr/bin/socat', '/bin/socat'].some(existsSync)
const needsPty = hasSocat ? {} : { skip: 'socat is not installed' }

const defaults: Omit<BridgeSettings, 'name' | 'topic' | 'address'> = {
  baudRate: 115_200,
  framing: 'line',
  newline: '\n',
  lengthBytes: 2,
  lengthEndian: 'big',
  encoding: 'utf-8',
  maxFrameBytes: 4096,
  maxMessagesPerSecond: 1000,
  maxQueuedBytes: 16_384,
  retain: false,
  qos: 1,
}

const openPath = (path: string) => () =>
  openLink({ kind: 'serial', path, baudRate: 115_200, dataBits: 8, parity: 'none', stopBits: 1 }, systemClock)

/** The device at the far end of a line. */
class Device {
  readonly link: Link
  text = ''

  constructor(link: Link) {
    this.link = link
    link.onData(chunk => {
      this.text += Buffer.from(chunk).toString('latin1')
    })
  }

  say(bytes: string | Uint8Array): void {
    this.link.write(Buffer.from(bytes))
  }

  async hears(text: string): Promise<void> {
    await until(
      () => this.text.includes(text),
      () => `the device heard ${JSON.stringify(this.text.slice(-200))}, not ${JSON.stringify(text)}`,
    )
  }
}

interface Bench {
  readonly rig: BrokerRig
  readonly bridges: SerialBridges
  readonly control: Listener
  status(topic: string): BridgeStatusPayload
  isOpen(topic: string): Promise<void>
}

async function bench(
  t: Test,
  lines: readonly { open: () => Promise<Link>; settings: Partial<BridgeSettings> & { topic: string } }[],
  parts: readonly BrokerPart[] = [],
): Promise<Bench> {
  const bridges = new SerialBridges({
    clock: systemClock,
    log: silentLog,
    lines: lines.map(({ open, settings }, i) => ({
      open,
      settings: { ...defaults, name: `line-${i}`, address: `line ${i}`, ...settings },
    })),
  })
  const serialTopics = lines
    .map(({ settings }) => settings.topic)
    .filter(topic => !topic.startsWith('pixelgate/'))
  const rig = await BrokerRig.start(t, { parts: [bridges, ...parts], serialTopics })
  const control = await rig.connect(await rig.user('operator', 'control'))
  await control.client.subscribeAsync(['#', `pixelgate/${gw}/#`], { qos: 1 })
  const status = (topic: string) => {
    const heard = control.heard.filter(each => each.topic === `${topic}/status`)
    // What is retained may come behind what is new.
    const { text = '{}' } = heard.findLast(({ retain }) => !retain) ?? heard.at(-1) ?? {}
    return JSON.parse(text) as BridgeStatusPayload
  }
  const isOpen = (topic: string) =>
    until(
      () => status(topic).state === 'open',
      () => `${topic}: ${JSON.stringify([status(topic), bridges.view()])}`,
    )
  return { rig, bridges, control, status, isOpen }
}

const openDevice = async (t: Test, path: string): Promise<Device> => {
  const link = await openPath(path)()
  t.teardown(() => link.close())
  return new Device(link)
}

t.test('lines of a serial port go to MQTT and back, also after the cable was pulled', needsPty, async t => {
  let pair = await openPtyPair()
  t.teardown(() => pair.unplug())
  const topic = 'sensors/co2'
  const { control, status, rig, isOpen } = await bench(t, [
    { open: () => openPath(pair.a)(), settings: { topic, retain: true } },
  ])
  await control.hears(`${topic}/status`, /"state":"open","reason":null/)
  const device = await openDevice(t, pair.b)
  device.say('412 ppm\n41')
  await control.hears(`${topic}/rx`, '412 ppm')
  device.say('3 ppm\n')
  await control.hears(`${topic}/rx`, '413 ppm')
  device.say(Buffer.from([0x66, 0xfc, 0x72, 10]))
  await control.hears(`${topic}/rx/base64`, 'ZvxX'.replace('X', 'y'))
  await control.client.publishAsync(`${topic}/tx`, 'calibrate 400', { qos: 1 })
  await device.hears('calibrate 400\n')
  await control.client.publishAsync(`${topic}/tx`, 'plain', { qos: 0 })
  await device.hears('plain\n')
  await control.client.publishAsync(`${topic}/tx`, 'exactly once', { qos: 2 })
  await device.hears('exactly once\n')
  t.equal(device.text, 'calibrate 400\nplain\nexactly once\n')

  const late = await rig.connect(await rig.user('display', 'watch'))
  await late.client.subscribeAsync(`${topic}/#`)
  await late.hears(`${topic}/rx`, '413 ppm')
  t.match(
    late.heard.find(each => each.topic === `${topic}/rx`),
    { retain: true },
    'the last value is kept',
  )
  await late.client.publishAsync(`${topic}/tx`, 'from a watcher', { qos: 1 })
  await late.client.publishAsync(`${topic}/rx`, 'forged', { qos: 1 })
  await control.client.publishAsync(`${topic}/rx`, 'forged', { qos: 1 })
  await control.client.publishAsync(`${topic}/status`, 'forged', { qos: 1, retain: true })
  await control.client.publishAsync(`${topic}/tx`, 'kept', { qos: 1, retain: true })

  await pair.unplug()
  await control.hears(`${topic}/status`, /"state":"waiting","reason":"[^"]+(gone|plugged)/)
  t.equal(status(topic).state, 'waiting')
  await control.client.publishAsync(`${topic}/tx`, 'to nobody', { qos: 0 })
  await until(() => status(topic).tx.reasons['not_open'] === 1, 'the loss')
  const next = await openPtyPair()
  const again = await openDevice(t, next.b)
  pair = next
  // It is acknowledged when the line is there again.
  const acknowledged = control.client.publishAsync(`${topic}/tx`, 'after the cable', { qos: 1 })
  await isOpen(topic)
  await acknowledged
  await again.hears('after the cable\n')
  again.say('back\n')
  await control.hears(`${topic}/rx`, 'back')
  t.equal(again.text, 'after the cable\n')
  t.notOk(control.heard.some(({ text }) => text === 'forged'))
  t.match(status(topic), { address: 'line 0', baudRate: 115_200, framing: 'line', encoding: 'utf-8' })
  await rig.broker.stop()
  t.match(control.on(`${topic}/status`).at(-1), /"state":"closed"/)
})

t.test('every framing and encoding over ptys, both ways', needsPty, async t => {
  const cases = [
    { framing: 'cobs', encoding: 'base64', wire: [...cobsEncode(Uint8Array.of(1, 0, 2)), 0], text: 'AQAC' },
    { framing: 'length', encoding: 'binary', wire: [0, 3, 65, 66, 10], text: 'AB\n' },
    { framing: 'idle', encoding: 'base64', wire: [1, 3, 0, 0xff], text: 'AQMA/w==', idleMs: 60 },
    { framing: 'raw', encoding: 'utf-8', wire: [79, 75], text: 'OK' },
    { framing: 'line', newline: '\r\n', encoding: 'utf-8', wire: [79, 75, 13, 10], text: 'OK' },
  ] as const
  const pairs = await Promise.all(cases.map(() => openPtyPair()))
  t.teardown(() => Promise.all(pairs.map(pair => pair.unplug())))
  const topicOf = (i: number) => `pixelgate/${gw}/serial/line-${i}`
  const { control, isOpen } = await bench(
    t,
    cases.map(({ wire: _, text: __, ...settings }, i) => ({
      open: openPath(pairs[i]?.a ?? ''),
      settings: { ...settings, topic: topicOf(i) },
    })),
  )
  for (const [i, { framing, wire, text }] of cases.entries()) {
    const topic = topicOf(i)
    await isOpen(topic)
    const device = await openDevice(t, pairs[i]?.b ?? '')
    device.say(Uint8Array.from(wire))
    await control.hears(`${topic}/rx`, text)
    await control.client.publishAsync(`${topic}/tx`, text, { qos: 1 })
    await device.hears(Buffer.from(wire).toString('latin1'))
    t.pass(framing)
  }
})

t.test('what cannot be sent is refused and said, and the line goes on', needsPty, async t => {
  const pair = await openPtyPair()
  t.teardown(() => pair.unplug())
  const topic = `pixelgate/${gw}/serial/shell`
  const { control, status, bridges, isOpen } = await bench(t, [
    { open: openPath(pair.a), settings: { topic, maxFrameBytes: 8, idleMs: 40, name: 'shell' } },
  ])
  await isOpen(topic)
  const device = await openDevice(t, pair.b)
  for (const wrong of ['two\nlines', 'much too long', Buffer.from([0xff])])
    await control.client.publishAsync(`${topic}/tx`, wrong, { qos: 1 })
  await control.client.publishAsync(`${topic}/tx`, 'good', { qos: 1 })
  await device.hears('good\n')
  t.equal(device.text, 'good\n')
  await until(() => status(topic).tx.dropped === 3, 'the status')
  t.match(status(topic), {
    tx: { frames: 1, reasons: { refused: 3 } },
    lastDrop: { direction: 'tx', reason: 'refused', message: /UTF-8/ },
  })
  device.say('a line that is too long\nlogin: ')
  await control.hears(`${topic}/rx/partial`, 'login: ')
  t.match(bridges.view(), [{ name: 'shell', topic, rx: { frames: 1, dropped: 1, reasons: { too_long: 1 } } }])
})

t.test(
  'a line that takes nothing holds acknowledgements back for a while, and nobody else',
  needsPty,
  async t => {
    const deaf = await openDeafPty()
    t.teardown(() => deaf.unplug())
    const topic = 'deaf'
    const { control, rig, status, isOpen } = await bench(t, [
      {
        open: openPath(deaf.device),
        settings: { topic, maxQueuedBytes: 8192, encoding: 'binary', framing: 'raw' },
      },
    ])
    await isOpen(topic)
    const began = Date.now()
    const stuck = await rig.connect(await rig.user('stuck', 'control'))
    // The kernel takes some, the link some, the queue the rest.
    for (let i = 0; i < 300; i++) stuck.client.publish(`${topic}/tx`, Buffer.alloc(4000, i), { qos: 1 })
    await until(() => status(topic).tx.dropped > 0, 'the first that was refused')
    t.ok(Date.now() - began >= 4_500, 'not before its time')
    t.match(status(topic).lastDrop, { reason: 'no_room' })
    await control.client.publishAsync('pixelgate/nothing', 'x', { qos: 1 })
    const other = await rig.connect(await rig.user('other', 'control'))
    await other.client.subscribeAsync(`pixelgate/${gw}/status`, { qos: 1 })
    await other.hears(`pixelgate/${gw}/status`, 'online')
    t.ok(status(topic).queuedBytes <= 8192)
  },
)

t.test(
  'a port that somebody else has is tried until it is free, and the reason is said',
  needsPty,
  async t => {
    const pair = await openPtyPair()
    t.teardown(() => pair.unplug())
    const other = await openPath(pair.a)()
    t.teardown(() => other.close())
    const { status, isOpen, bridges, control } = await bench(t, [
      { open: openPath(pair.a), settings: { topic: 'busy', address: pair.a } },
    ])
    await control.hears('busy/status', /"state":"waiting","reason":"[^"]*in use/)
    t.match(bridges.trouble(pair.a), { code: 'port_busy' })
    t.equal(bridges.trouble('/dev/other'), undefined)
    await other.close()
    await isOpen('busy')
    t.equal(status('busy').reason, null)
    t.equal(bridges.trouble(pair.a), undefined)
  },
)

t.test('a TCP line is bridged like a cable', async t => {
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    socket.on('data', chunk => socket.write(`echo ${chunk}`))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const { port } = server.address() as AddressInfo
  const { control, isOpen, status } = await bench(t, [
    {
      open: () => openLink({ kind: 'tcp', host: '127.0.0.1', port }, systemClock),
      settings: { topic: 'net', baudRate: null },
    },
  ])
  await isOpen('net')
  await control.client.publishAsync('net/tx', 'hello', { qos: 1 })
  await control.hears('net/rx', 'echo hello')
  sockets[0]?.destroy()
  await control.hears('net/status', /"state":"waiting"/)
  await isOpen('net')
  await control.client.publishAsync('net/tx', 'again', { qos: 1 })
  await control.hears('net/rx', 'echo again')
  t.equal(status('net').baudRate, null)
})

/** A line in memory, and somebody who publishes without being a client, as a broker above does. */
async function above(t: Test, topic: string, settings: Partial<BridgeSettings> = {}) {
  const line = memoryLinkPair({ clock: systemClock, baudRate: null })
  let port: BrokerPort | undefined
  let open = () => {}
  const gate = new Promise<void>(resolve => {
    open = resolve
  })
  let asked = 0
  const part: BrokerPart = {
    start: async given => {
      port = given
      // As a broker above that writes down what it is to get.
      given.beforeAcknowledged(`${topic}/tx`, ({ payload }) => {
        asked++
        return payload.includes('held') ? gate : Promise.resolve()
      })
    },
    stop: async () => undefined,
  }
  const made = await bench(t, [{ open: async () => line.host, settings: { topic, ...settings } }], [part])
  await made.isOpen(topic)
  const says = (who: ReturnType<typeof principal> | undefined, text: string, retain = false) =>
    port?.publishFor(who, { topic: `${topic}/tx`, payload: Buffer.from(text), retain })
  return { ...made, device: new Device(line.board), says, open, asked: () => asked }
}

t.test('what comes from above takes no room that was promised to a client', async t => {
  const topic = 'meter'
  const limits = { maxQueuedBytes: 10, maxMessagesPerSecond: 1 }
  const { control, device, says, open, asked, status } = await above(t, topic, limits)
  await control.client.publishAsync(`${topic}/tx`, 'first', { qos: 1 })
  await device.hears('first\n')
  const acknowledged = control.client.publishAsync(`${topic}/tx`, 'held 01', { qos: 1 })
  await until(() => asked() === 2, 'the promise')
  t.match(await says(principal('control'), 'above 1'), { allowed: true })
  await until(() => status(topic).tx.reasons['no_room'] === 1, 'the other one to be dropped')
  open()
  await acknowledged
  await device.hears('held 01\n')
  t.equal(device.text, 'first\nheld 01\n')
})

t.test('nothing that is retained is written to a line, whoever has let it in', async t => {
  const topic = 'lab/scope'
  const { control, device, says } = await above(t, topic)
  for (const who of [principal('control'), undefined])
    t.same(await says(who, 'again and again', true), { allowed: false, reason: 'retained_command' })
  t.match(await says(undefined, 'once'), { allowed: true })
  await device.hears('once\n')
  t.equal(device.text, 'once\n')
  await control.hears(`${topic}/tx`, 'once')
  t.same(control.on(`${topic}/tx`), ['once'], 'nobody else hears of it')
})
