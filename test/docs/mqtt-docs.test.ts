import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { mqttBoards } from '../../src/app-mqtt-boards.ts'
import { SerialBridges } from '../../src/bridge/serial-bridges.ts'
import { GpioCommands } from '../../src/broker/devices/gpio-commands.ts'
import { GpioMirror } from '../../src/broker/devices/gpio-mirror.ts'
import { homeAssistant } from '../../src/broker/home-assistant/home-assistant.ts'
import { mqttSchema } from '../../src/config/mqtt-schema.ts'
import { startGpio } from '../../src/gpio/gpio.ts'
import { MemoryChip } from '../../src/gpio/memory-backend.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { memoryLinkPair } from '../../src/link/memory-link.ts'
import { BrokerRig, gw, until } from '../broker/broker-rig.ts'
import { MqttRigBoard } from '../broker/mqtt-board-rig.ts'
import { noise } from '../upload/upload-rig.ts'
import { blocksOf, docOf, documentedTopics, topicPattern } from './read-docs.ts'
import { payloadOf, topicPayloads } from './topic-payloads.ts'

const own = `pixelgate/${gw}`
const speaker = '44444444-4444-4444-4444-444444444444'
const run = promisify(execFile)
const hasMosquitto = existsSync('/usr/bin/mosquitto_rr') ? {} : { skip: 'mosquitto-clients is not installed' }

const mqttDoc = docOf('mqtt.md')
const assistantDoc = docOf('home-assistant.md').replaceAll('PREFIX/', 'homeassistant/')
const documented = [...documentedTopics(mqttDoc), ...documentedTopics(assistantDoc)].map(row => ({
  ...row,
  topic: row.topic.replace(/^…\/update\/set\/result$/, 'pixelgate/GW/BOARD/update/set/result'),
}))

t.test('every topic of the documentation has a payload that is known, and its examples fit it', async t => {
  t.ok(documented.length > 40, 'the tables were found')
  const topics = new Set(documented.map(({ topic }) => topic))
  for (const topic of topics) t.ok(topicPayloads[topic] !== undefined, `${topic} has a payload`)
  for (const topic of Object.keys(topicPayloads)) t.ok(topics.has(topic), `${topic} is documented`)
  for (const { topic, examples } of documented)
    for (const example of examples) {
      const command = /\/cmd\/NAME$/.test(topic)
      const fits = topicPayloads[topic]?.safeParse(JSON.parse(example))
      t.ok(command || fits?.success, `${topic} ${example} ${fits?.error?.message ?? ''}`)
    }
})

/** A gateway with one of everything, and a listener that hears it all. */
async function everything(t: Test) {
  const chip = new MemoryChip(() => undefined)
  const mirror: GpioMirror = new GpioMirror(() => gpio.view().lines)
  const gpio = startGpio({
    settings: {
      ...{ enabled: true, backend: 'memory', chip: 'auto', resetLines: [] },
      buttons: [{ name: 'bell', line: 1, action: 'next', activeLow: true, debounceMs: 5 }],
      statusLed: null,
      lines: [{ kind: 'output', name: 'pump', line: 5, activeLow: false, initial: false, maxPulseMs: 300 }],
    },
    ...{ backend: chip, clock: systemClock, log: silentLog, act: async () => undefined },
    onChange: line => mirror.publish(line),
  })
  t.teardown(() => gpio.stop())
  const line = memoryLinkPair({ clock: systemClock, baudRate: null })
  const bridges = new SerialBridges({
    ...{ clock: systemClock, log: silentLog },
    lines: [
      {
        open: async () => line.host,
        settings: {
          ...{
            name: 'meter',
            topic: `${own}/serial/meter`,
            address: 'a line',
            baudRate: 9600,
            newline: '\n',
          },
          ...{
            framing: 'line',
            encoding: 'utf-8',
            maxFrameBytes: 64,
            maxMessagesPerSecond: 1000,
            idleMs: 50,
          },
          ...{ maxQueuedBytes: 4096, retain: false, qos: 1, lengthBytes: 2, lengthEndian: 'big' },
        },
      },
    ],
  })
  const rig = await BrokerRig.start(t, ({ core, store, users, log }) => ({
    boardLinks: mqttBoards({ core, clock: systemClock, log }),
    parts: [
      bridges,
      mirror,
      new GpioCommands({ gpio, clock: systemClock, log: silentLog, onCommand: () => undefined }),
      homeAssistant(
        { enabled: true, prefix: 'homeassistant', birthTopic: null },
        {
          ...{ gatewayId: gw, version: '1.2.3', url: undefined, core, store, log, clock: systemClock },
          random: size => new Uint8Array(size),
          hasCredential: boardId => users.hasBoard(boardId),
          health: () => undefined,
        },
      ),
    ],
  }))
  return { rig, gpio, chip, device: line.board }
}

t.test('what a gateway with everything publishes is documented, and the other way round', async t => {
  const { rig, chip, device } = await everything(t)
  const heard = new Map<string, { readonly retain: boolean; readonly payload: Buffer }[]>()
  const ear = await rig.connect(await rig.user('ear', 'control'))
  ear.client.on('message', (topic, payload, { retain }) => {
    heard.set(topic, [...(heard.get(topic) ?? []), { retain, payload }])
  })
  await ear.client.subscribeAsync(['#', '$SYS/#'], { qos: 1 })
  const has = (topic: string) => until(() => heard.has(topic), topic, 20_000)

  const [cable, air] = [
    await rig.board(1),
    await MqttRigBoard.start(rig, 2, { config: { maxBody: 256, window: 1024 } }),
  ]
  await has(`homeassistant/device/pixelgate_${gw}_${air.id}/config`)
  const say = (topic: string, body: unknown) =>
    ear.client.publishAsync(`${own}/${topic}`, typeof body === 'string' ? body : JSON.stringify(body), {
      qos: 1,
    })
  const file = readFileSync(new URL('../../samples/comet.gif', import.meta.url))
  const { pattern } = await rig.core.uploads.addFile(file, 'comet.gif', false)
  await say(`${cable.id}/cmd/upload`, { patternId: pattern.id, correlationId: 'a' })
  await say(`${air.id}/cmd/upload`, { patternId: pattern.id })
  await until(
    () => [...heard.values()].flat().filter(({ payload }) => payload.includes('"state":"done"')).length > 1,
    'both uploads',
    20_000,
  )
  await say(`${cable.id}/light/set`, { state: 'ON', brightness: 40, effect: 'comet.gif', flash: 1 })
  await say(`${cable.id}/update/set`, 'install')
  await say(`${cable.id}/cmd/play`, '')
  await say(`${cable.id}/cmd/nonsense`, '{}')
  await say('cmd/stop', { boards: 'all' })
  for (const id of [cable.id, air.id]) await has(`${own}/${id}/light/state`)
  await has(`${own}/${cable.id}/update/set/result`)
  await has(`${own}/cmd/stop/result`)

  // An upload that is cancelled under way.
  const large = await rig.core.uploads.addFile(noise(200_000), 'large.bin', true)
  const { jobs } = await rig.core.uploads.submit(large.pattern, [air.id], {
    fileName: 'large.bin',
    raw: true,
  })
  const [job] = jobs
  if (job === undefined) throw new Error('there is no job')
  await has(`${own}/${air.id}/upload/${job.id}/data`)
  await rig.core.queue.command(job.id, 'cancel')
  await has(`${own}/${air.id}/upload/${job.id}/abort`)

  await say('gpio/pump/cmd/set', { active: true })
  await has(`${own}/gpio/pump/cmd/set/result`)
  chip.press(1, true)
  await has(`${own}/gpio/bell/edge`)
  device.write(Buffer.from('21.5\n\xff\n', 'latin1'))
  await has(`${own}/serial/meter/rx/base64`)
  device.write(Buffer.from('half'))
  await say('serial/meter/tx', 'read?')
  await has(`${own}/serial/meter/status`)

  const board = await rig.connect({ ...(await rig.user('speaker', { boardId: speaker })), clientId: speaker })
  await board.client.publishAsync(`${own}/${speaker}/telemetry/volts`, '5.1')
  await has(`${own}/${speaker}/telemetry/volts`)
  const assistant = await rig.connect(await rig.user('assistant', 'home-assistant'))
  await assistant.client.publishAsync('homeassistant/status', 'online', { qos: 1 })
  await has('homeassistant/status')

  const patterns = documented.map(row => ({ ...row, fits: topicPattern(row.topic) }))
  const found = new Set<string>()
  for (const [topic, messages] of heard) {
    const row = patterns.findLast(({ fits }) => fits.test(topic))
    t.ok(row !== undefined, `${topic} is documented`)
    if (row === undefined) continue
    found.add(row.topic)
    for (const { payload, retain } of messages) {
      if (payload.length === 0 && row.retained === 'yes') continue
      const read = topicPayloads[row.topic]?.safeParse(payloadOf(payload))
      if (read?.success !== true) t.fail(`${topic} ${payload} ${read?.error?.issues[0]?.message ?? ''}`)
      if (retain && row.retained !== 'yes' && row.retained !== '') t.fail(`${topic} is retained`)
    }
  }
  // What no gateway says by itself within a test: a foreign bridge, and half a frame of a line.
  const unheard = ['$SYS/broker/connection/NAME/state', 'pixelgate/GW/serial/NAME/rx/partial']
  for (const { topic } of documented)
    if (!unheard.includes(topic)) t.ok(found.has(topic), `${topic} was heard`)
})

t.test('the lines for mosquitto in the documentation do what they say', hasMosquitto, async t => {
  const { rig } = await everything(t)
  const board = await rig.board(1)
  const file = readFileSync(new URL('../../samples/comet.gif', import.meta.url))
  await rig.core.uploads.addFile(file, 'comet.gif', false)
  const { username, password } = await rig.user('desk', 'control')
  const home = await mkdtemp(join(tmpdir(), 'mosquitto-'))
  t.teardown(() => rm(home, { recursive: true, force: true }))
  const blocks = blocksOf(mqttDoc, 'sh')
  const setup = blocks.find(block => block.includes('.config/mosquitto_sub')) ?? ''
  const options = [...setup.matchAll(/'(-[huPp] \S+)'/g)].map(([, option = '']) => option).join('\n')
  const secret = { '-u desk': `-u ${username}`, PASSWORD: String(password), '-p 1883': `-p ${rig.port}` }
  const told = Object.entries(secret).reduce((text, [from, to]) => text.replace(from, to), options)
  for (const [, tool = ''] of setup.matchAll(/\.config\/(mosquitto_\w+)/g))
    await writeFile(join(home, tool), `${told}\n`, { mode: 0o600 })
  const lines = blocks.flatMap(block => block.split('\n')).filter(line => line.startsWith('mosquitto_'))
  t.ok(lines.length >= 7)
  const ear = await rig.connect()
  await ear.client.subscribeAsync(`${own}/#`, { qos: 1 })
  for (const line of lines) {
    const command = line
      .replace(/GW/g, gw)
      .replace(/BOARD/g, board.id)
      .replace(/PATTERN/g, 'comet.gif')
    const { stdout } = await run('bash', ['-c', `timeout 20 ${command} || [ $? = 27 ]`], {
      env: { ...process.env, XDG_CONFIG_HOME: home },
    })
    if (!line.startsWith('mosquitto_pub')) t.not(stdout.trim(), '', line)
    if (line.startsWith('mosquitto_rr')) t.match(JSON.parse(stdout), { correlationId: 'who', ok: true })
  }
  await ear.hears(`${own}/${board.id}/cmd/upload/result`, /"ok":true/)
  await ear.hears(`${own}/${board.id}/light/set/result`, /"ok":true/)
  await ear.hears(`${own}/${board.id}/light/state`, /comet/)
  await ear.hears(`${own}/cmd/stop/result`, /"ok":true/)
})

t.test('the settings in the documentation are settings', async t => {
  const blocks = [...blocksOf(mqttDoc, 'json'), ...blocksOf(assistantDoc, 'json')]
  const settings = blocks.filter(block => block.startsWith('{ "mqtt"'))
  t.ok(settings.length >= 3)
  for (const block of settings) {
    const { mqtt } = JSON.parse(block) as { mqtt: unknown }
    t.equal(mqttSchema.safeParse(mqtt).error?.message, undefined, block)
  }
})

interface FlowNode {
  readonly id: string
  readonly type: string
  readonly z?: string
  readonly broker?: string
  readonly topic?: string
  readonly wires?: readonly (readonly string[])[]
  readonly [key: string]: unknown
}

/** What the editor exports of each kind of node (Node-RED 4, nodes/core). */
const nodeFields: Readonly<Record<string, readonly string[]>> = {
  tab: ['label'],
  'mqtt-broker': ['broker', 'port', 'protocolVersion', 'keepalive', 'cleansession', 'usetls'],
  'mqtt in': ['topic', 'qos', 'datatype', 'broker', 'x', 'y', 'wires', 'z'],
  'mqtt out': ['topic', 'qos', 'retain', 'broker', 'x', 'y', 'wires', 'z'],
  inject: ['props', 'payload', 'payloadType', 'x', 'y', 'wires', 'z'],
  debug: ['active', 'tosidebar', 'complete', 'x', 'y', 'wires', 'z'],
}

t.test('the flow for Node-RED is whole, and its topics are documented', async t => {
  const [json = ''] = blocksOf(docOf('node-red.md'), 'json')
  const nodes = JSON.parse(json) as readonly FlowNode[]
  const ids = new Map(nodes.map(node => [node.id, node]))
  t.equal(ids.size, nodes.length, 'ids are distinct')
  for (const node of nodes) {
    for (const field of nodeFields[node.type] ?? ['nothing of this type'])
      t.ok(field in node, `${node.id} (${node.type}) has ${field}`)
    for (const target of (node.wires ?? []).flat()) t.ok(ids.has(target), `${node.id} is wired to ${target}`)
    if (node.z !== undefined) t.equal(ids.get(node.z)?.type, 'tab')
    if (node.type.startsWith('mqtt ')) t.equal(ids.get(node.broker ?? '')?.type, 'mqtt-broker')
    if (node.type === 'mqtt-broker') t.equal(node['protocolVersion'], '4', 'MQTT 3.1.1')
    if (node.type === 'inject') {
      const row = documented.find(({ topic }) => topicPattern(topic).test(node.topic ?? ''))
      t.ok(row, `${node.topic} is documented`)
      const body: unknown = JSON.parse(String(node['payload']))
      t.ok(topicPayloads[row?.topic ?? '']?.safeParse(body).success, String(node['payload']))
    }
    if (node.type === 'mqtt in') {
      const level = (node.topic ?? '').replaceAll('+', 'x')
      t.ok(
        documented.some(({ topic }) => topicPattern(topic).test(level)),
        `${node.topic} is documented`,
      )
    }
  }
})
