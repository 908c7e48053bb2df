import { parseArgs } from 'node:util'
import { connectAsync, type MqttClient } from 'mqtt'
import t from 'tap'
import type { UpstreamsView } from '../../src/wire/upstream.ts'
import { eventually, type Running, workplace } from '../support/pixelgate.ts'
import { seededRandom } from '../support/synthetic-patterns.ts'
import { freePort, Mosquitto, noMosquitto } from './mosquitto.ts'
import { Watcher } from './upstream-rig.ts'

/** `node --import tsx test/upstream/kill.test.ts --kills 50 --seed 7` */
const { values } = parseArgs({ options: { kills: { type: 'string' }, seed: { type: 'string' } } })
const kills = Number(values.kills ?? 3)
const seed = Number(values.seed ?? 1)

const board = '10101010-1010-1010-1010-101010101010'
const topicsOfBoard = 8

t.setTimeout(60_000 + kills * 20_000)

t.test(
  `of what the gateway has acknowledged nothing is missing above after ${kills} kills (seed ${seed})`,
  { skip: noMosquitto },
  async t => {
    const random = seededRandom(seed)
    const place = await workplace(t)
    const above = await Mosquitto.start(t)
    const watcher = await Watcher.on(t, above.url, 'sites/attic/#', { clean: true })
    const port = await freePort()
    const env = {
      PIXELGATE_DISCOVERY: 'off',
      PIXELGATE_HTTP_LANDING_PORT: '0',
      PIXELGATE_MDNS_ENABLED: 'false',
      PIXELGATE_MQTT_LISTENERS: JSON.stringify([{ host: '127.0.0.1', port }]),
      PIXELGATE_MQTT_UPSTREAM: JSON.stringify([{ name: 'above', url: above.url, site: 'attic' }]),
    }
    Object.assign(place.env, env)
    const start = async (): Promise<Running> => {
      const gateway = place.start('serve')
      await gateway.says(({ ready }) => ready === true, 'the gateway is ready')
      return gateway
    }
    let gateway = await start()
    t.teardown(() => gateway.kill())
    const added = await place.here('mqtt-user', 'add', 'shelf', '--board', board, '--json')
    const { password } = added.last as { password: string }
    const gatewayId = await eventually(
      () =>
        watcher.heard
          .map(({ topic }) => /([0-9a-f]{8})\/info$/.exec(topic)?.[1])
          .find(id => id !== undefined),
      'the gateway above',
    )
    const local = `pixelgate/${gatewayId}/${board}/telemetry`

    let count = 0
    let sending = true
    const acknowledged = new Set<number>()
    let client: MqttClient | undefined
    const publishAll = async () => {
      while (sending) {
        try {
          client = await connectAsync({
            ...{ host: '127.0.0.1', port, username: 'shelf', password, clientId: board, reconnectPeriod: 0 },
          })
          const mine = client
          mine.on('error', () => undefined)
          const workers = Array.from({ length: 20 }, async () => {
            while (sending && mine.connected) {
              const number = ++count
              const topic = `${local}/${number % topicsOfBoard}`
              await mine.publishAsync(topic, String(number), { qos: 1 })
              acknowledged.add(number)
            }
          })
          const gone = new Promise<void>(resolve => mine.once('close', () => resolve()))
          await Promise.race([gone, Promise.all(workers)])
          for (const worker of workers) worker.catch(() => undefined)
          await mine.endAsync(true)
        } catch {
          await new Promise(resolve => setTimeout(resolve, 20))
        }
      }
    }
    const publishing = publishAll()
    for (let kill = 0; kill < kills; kill++) {
      const before = acknowledged.size
      await eventually(() => acknowledged.size > before + 50 + random() * 400, 'some messages')
      await gateway.kill('SIGKILL')
      gateway = await start()
    }
    const before = acknowledged.size
    await eventually(() => acknowledged.size > before + 100, 'messages after the last kill')
    sending = false
    await publishing
    await eventually(async () => {
      const { last } = await place.here('upstream', '--json')
      const view = (last as unknown as UpstreamsView).upstreams[0]
      return view !== undefined && view.outbox.rows + view.outbox.unwritten + view.underWay === 0
    }, 'an empty outbox')
    const heard = new Map<string, number[]>()
    for (const { topic, text } of watcher.heard)
      if (topic.includes('/telemetry/')) heard.set(topic, [...(heard.get(topic) ?? []), Number(text)])
    const all = new Set([...heard.values()].flat())
    const missing = [...acknowledged].filter(number => !all.has(number))
    t.same(missing, [], `${acknowledged.size} were acknowledged`)
    const names = watcher.heard.flatMap(({ id, topic }) => (topic.includes('/telemetry/') ? [id] : []))
    const twice = names.length - new Set(names).size
    t.comment(`${acknowledged.size} acknowledged, ${names.length} arrived, ${twice} of them twice`)
    for (const [topic, numbers] of heard) {
      const firsts = numbers.filter((number, at) => numbers.indexOf(number) === at)
      t.same(
        firsts,
        [...firsts].sort((a, b) => a - b),
        `${topic} is in order`,
      )
      t.equal(numbers.at(-1), Math.max(...numbers), 'the last word is the newest')
    }
  },
)
