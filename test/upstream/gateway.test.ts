import t from 'tap'
import { Upstreams } from '../../src/broker/upstream/upstreams.ts'
import { configSchema } from '../../src/config/schema.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { boardId, jobId } from '../../src/kernel/ids.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { upstreamCheck } from '../../src/ops/health-checks.ts'
import { gw, until } from '../broker/broker-rig.ts'
import { gatewayRig } from '../http/gateway-rig.ts'
import { freePort, Mosquitto, noMosquitto } from './mosquitto.ts'
import { noUploads, settingsOf, UpstreamRig, Watcher } from './upstream-rig.ts'

const board = boardId('10101010-1010-1010-1010-101010101010')

t.test('the configuration takes what can work and names what cannot', async t => {
  const faults = (upstream: object) => {
    const whole = { stateDir: '/s', controlSocket: '/s/c', mqtt: { upstream: [upstream] } }
    return configSchema.safeParse(whole).error?.issues.map(({ path }) => path.slice(3).join('.')) ?? []
  }
  const url = 'mqtts://broker.example'
  t.same(faults({ url, user: 'u', passwordFile: '/p', site: 'attic', commands: true }), [])
  t.same(faults({ url: 'mqtt://broker.example', user: 'u' }), ['url'], 'a password in the clear')
  t.same(faults({ url, otherUrls: ['ws://10.0.0.1/mqtt'], user: 'u' }), ['url'])
  for (const near of ['mqtt://localhost', 'mqtt://127.0.0.1:1884', 'ws://[::1]:9001/mqtt'])
    t.same(faults({ url: near, user: 'u' }), [], near)
  t.same(faults({ url: 'mqtt://broker.example', user: 'u', insecure: true }), [])
  for (const bad of ['broker.example', 'http://broker.example', 'mqtt://u:p@broker.example', 'mqtt://'])
    t.same(faults({ url: bad }), ['url'], bad)
  t.same(faults({ url, passwordFile: '/p' }), ['user'])
  t.same(faults({ url, certFile: '/c' }), ['keyFile'])
  t.same(faults({ url, site: 'a', map: [{ local: 'a', remote: 'b' }] }), ['site'])
  t.same(faults({ url, site: 'a/b' }), ['site'])
  t.same(faults({ url, out: ['a/#/b'] }), ['out.0'])
  t.same(faults({ url, in: ['$SYS/#'] }), ['in.0'])
  t.same(faults({ url, map: [{ local: 'a/+', remote: '/b' }] }), ['map.0.local', 'map.0.remote'])
  t.same(faults({ url, nonsense: 1 }), [''])
  t.throws(
    () =>
      new Upstreams({
        ...{ settings: [settingsOf({ url, in: [`pixelgate/+/x`] })], gatewayId: gw, core: noUploads },
        ...{ databasePath: '/nowhere', clock: systemClock, log: silentLog },
      }),
    AppError,
    'messages could go round',
  )
})

t.test('health tells of a broker above that is away for long, of drops and of refused topics', async t => {
  const reading = {
    ...{ name: 'house', awayMs: null, fault: null, outbox: { rows: 3 }, setAside: [] },
    dropped: { space: 0, age: 0, lastMs: null },
  }
  const status = async (more: object) => {
    const { status, message } = await upstreamCheck(() => [{ ...reading, ...more }]).run()
    return `${status}: ${message}`
  }
  t.match(await status({}), /^ok: 1 of 1/)
  t.match(await status({ awayMs: 59_000, fault: 'x' }), /^ok: 0 of 1/)
  t.match(
    await status({ awayMs: 61_000, fault: 'nothing listens there' }),
    /^warning: .*61 s.*nothing listens.*3 messages/,
  )
  t.match(await status({ dropped: { space: 7, age: 1, lastMs: 1000 } }), /^warning: .*7 messages/)
  t.match(await status({ dropped: { space: 7, age: 1, lastMs: 700_000 } }), /^ok/)
  t.match(await status({ setAside: ['a.b'] }), /^warning: .*a\.b/)
  t.match(await status({ fault: 'no room is left' }), /^warning: .*no room/)
})

t.test(
  'the end of an upload is told above even if the gateway was killed just before',
  { skip: noMosquitto },
  async t => {
    const above = await Mosquitto.start(t)
    const watcher = await Watcher.on(t, above.url)
    const job = (id: string, state: string) => ({
      ...{ id: jobId(id), boardId: board, state, name: 'fire.leds', patternId: null, imageBytes: 10 },
      ...{ errorCode: null, errorMessage: null },
    })
    const old = [job('j1', 'done')]
    let jobs = old
    const core = { uploads: { jobs: async () => ({ jobs, total: jobs.length }) } } as never
    const first = await UpstreamRig.start(t, [settingsOf({ url: above.url })], { core })
    await first.online()
    await first.rig.broker.stop()
    await first.upstreams.close()
    jobs = [job('j3', 'failed'), job('j2', 'done'), ...old]
    const databasePath = first.databasePath
    const second = await UpstreamRig.start(t, [settingsOf({ url: above.url })], { core, databasePath })
    const topic = (id: string) => `pixelgate/${gw}/${board}/upload/${id}/status`
    await watcher.hears(topic('j2'), /"state":"done".*"percent":100/)
    await watcher.hears(topic('j3'), /"state":"failed"/)
    await second.drained()
    t.same(watcher.texts(topic('j1')), [], 'nothing of before there was an outbox')
    await second.rig.broker.stop()
    await second.upstreams.close()
    const third = await UpstreamRig.start(t, [settingsOf({ url: above.url })], { core, databasePath })
    await third.online()
    await third.drained()
    t.equal(watcher.texts(topic('j2')).length, 1, 'once')
  },
)

t.test(
  'devices that Home Assistant is to find no more are taken away above too',
  { skip: noMosquitto },
  async t => {
    const above = await Mosquitto.start(t)
    const rig = await gatewayRig(t, {
      mqtt: {
        listeners: [],
        homeAssistant: { enabled: false },
        upstream: [{ url: above.url, out: ['pixelgate/#', 'homeassistant/device/#'], commands: true }],
      },
    })
    const watcher = await Watcher.on(t, above.url)
    await until(() => watcher.heard.some(({ topic }) => topic.endsWith('/info')), 'the gateway')
    const [, id] = watcher.heard.find(({ topic }) => topic.endsWith('/info'))?.topic.split('/') ?? []
    const topic = `homeassistant/device/pixelgate_${id}/config`
    await watcher.client.publishAsync(topic, '{"left":"over"}', { qos: 1, retain: true })
    await watcher.hears(topic, '{"left":"over"}')
    watcher.heard.length = 0
    await rig.restart()
    await watcher.hears(topic, '')
    const late = await Watcher.on(t, above.url)
    await late.hears(`pixelgate/${id}/info`)
    t.same(late.texts(topic), [])
  },
)

t.test('API, metrics and health of a whole gateway know the broker above', { skip: noMosquitto }, async t => {
  const above = await Mosquitto.start(t)
  const away = await freePort()
  const rig = await gatewayRig(t, {
    mqtt: {
      listeners: [],
      upstream: [
        { name: 'house', url: above.url, site: 'attic' },
        { name: 'away', url: `mqtt://127.0.0.1:${away}` },
      ],
    },
  })
  const list = async () => (await rig.local('GET', '/upstream')).json
  const house = async () => (await list()).upstreams.find(({ name }: { name: string }) => name === 'house')
  let online = false
  await until(() => {
    void house().then(view => {
      online = view.state === 'online' && view.outbox.rows === 0
    })
    return online
  }, 'the broker above')
  t.match(await list(), {
    total: 2,
    nextCursor: null,
    upstreams: [{ name: 'away', state: /waiting|connecting/ }, {}],
  })
  t.match(await house(), { protocol: '5', awayMs: null, fault: null })
  const { text } = await rig.local('GET', '/metrics')
  t.match(text, /pixelgate_upstream_connected\{upstream="house"\} 1/)
  t.match(text, /pixelgate_upstream_connected\{upstream="away"\} 0/)
  t.match(text, /pixelgate_queue_limit\{queue="mqtt_outbox_house"\} 67108864/)
  const { json } = await rig.local('GET', '/health')
  t.match(
    json.checks.find(({ name }: { name: string }) => name === 'upstream'),
    { status: 'ok' },
  )
})
