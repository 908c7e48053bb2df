import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { BrokerPart } from '../../src/broker/broker-port.ts'
import { BirthReplay } from '../../src/broker/home-assistant/birth-replay.ts'
import { boardDevice } from '../../src/broker/home-assistant/board-device.ts'
import {
  lastUpload,
  lightState,
  updateState,
  uploadShown,
} from '../../src/broker/home-assistant/board-states.ts'
import { gatewayDevice } from '../../src/broker/home-assistant/gateway-device.ts'
import { type HomeAssistantSettings, homeAssistant } from '../../src/broker/home-assistant/home-assistant.ts'
import { withRemovals } from '../../src/broker/home-assistant/with-removals.ts'
import { gatewayTopics } from '../../src/broker/topics/topics.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { formatUuid } from '../../src/kernel/ids.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { forgetBoard } from '../../src/upload/forget-board.ts'
import { noise } from '../upload/upload-rig.ts'
import { BrokerRig, gw, type RigParts, until } from './broker-rig.ts'
import { Assistant } from './home-assistant/assistant.ts'
import { checkDiscovery } from './home-assistant/check-discovery.ts'

const own = `pixelgate/${gw}`
const gateway = `pixelgate_${gw}`
const topics = gatewayTopics(gw)
const facts = { gatewayId: gw, version: '1.2.3', url: 'https://pixelgate.local:8443/' }
const settings: HomeAssistantSettings = { enabled: true, prefix: 'homeassistant', birthTopic: null }

const part = (
  { core, store, users, log }: RigParts,
  changed: Partial<HomeAssistantSettings> = {},
): BrokerPart =>
  homeAssistant(
    { ...settings, ...changed },
    {
      ...{ ...facts, core, store, log, clock: systemClock },
      random: size => new Uint8Array(size),
      hasCredential: boardId => users.hasBoard(boardId),
      health: () => 'ok',
    },
  )

async function assistantAt(rig: BrokerRig, prefix?: string): Promise<Assistant> {
  const { client } = await rig.connect(await rig.user('assistant', 'home-assistant'))
  const assistant = new Assistant(client, prefix)
  await assistant.start()
  return assistant
}

async function present(t: Test): Promise<{ rig: BrokerRig; assistant: Assistant }> {
  const rig = await BrokerRig.start(t, made => ({ parts: [part(made)] }))
  return { rig, assistant: await assistantAt(rig) }
}

const brightnessOf = (state: unknown) => (state as { brightness?: number } | null)?.brightness

/** Bytes that are no pattern, or a sample under another name. */
const upload = async (rig: BrokerRig, board: { id: string }, name: string, of: number | string = 20_000) => {
  const raw = typeof of === 'number'
  const bytes = raw ? noise(of) : readFileSync(new URL(`../../samples/${of}`, import.meta.url))
  const fileName = raw ? name : of
  const arrival = { door: 'api', who: null, name } as const
  const { pattern } = await rig.core.uploads.addFile(bytes, fileName, raw, arrival)
  const [known] = (await rig.core.book.list()).filter(each => each.id === board.id)
  if (known === undefined) throw new Error('the board is not known')
  const { jobs } = await rig.core.uploads.submit(pattern, [known.id], { fileName, raw })
  return { pattern, job: jobs[0] }
}

t.test('whatever a board is called and holds, its discovery is what Home Assistant takes', async t => {
  const board = fc.record({
    id: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(bytes => formatUuid(bytes)),
    name: fc.string({ unit: 'grapheme', maxLength: 32 }),
    leds: fc.nat(65_535),
    width: fc.nat(256),
    height: fc.nat(256),
    firmware: fc.string({ maxLength: 40 }),
    effects: fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { maxLength: 64 }),
  })
  const gatewayFacts = fc.record({
    gatewayId: fc.stringMatching(/^[0-9a-f]{8}$/),
    version: fc.string({ minLength: 1, maxLength: 20 }),
    url: fc.option(fc.constant('http://192.0.2.7:8080/'), { nil: undefined }),
  })
  const holds = () =>
    fc.assert(
      fc.property(gatewayFacts, board, (given, each) => {
        const here = gatewayTopics(given.gatewayId)
        const id = `pixelgate_${given.gatewayId}`
        const whole = JSON.stringify(gatewayDevice(given, here))
        const { identifiers } = checkDiscovery('homeassistant', `homeassistant/device/${id}/config`, whole)
        const payload = JSON.stringify(boardDevice(given, each, here))
        const topic = `homeassistant/device/${id}_${each.id}/config`
        const checked = checkDiscovery('homeassistant', topic, payload)
        return checked.viaDevice === identifiers[0] && checked.entities.length === 14
      }),
      { numRuns: 300 },
    )
  t.doesNotThrow(holds)
})

t.test('the checker refuses what Home Assistant refuses', async t => {
  const good = gatewayDevice(facts, topics)
  const topic = `homeassistant/device/${gateway}/config`
  const check = (payload: unknown, at = topic) => checkDiscovery('homeassistant', at, JSON.stringify(payload))
  t.doesNotThrow(() => check(good))
  const { connected, health } = good.cmps
  const bad: readonly (readonly [unknown, RegExp])[] = [
    [{ ...good, o: undefined }, /origin is missing/],
    [{ ...good, dev: { ...good.dev, ids: [] } }, /no identifier/],
    [{ ...good, cmps: { x: { ...connected, object_id: 'x' } } }, /object_id is no option/],
    [{ ...good, cmps: { x: { ...connected, unique_id: undefined, p: 'binary_sensor' } } }, /unique_id/],
    [{ ...good, cmps: { x: { ...connected, p: 'lamp' } } }, /no platform lamp/],
    [{ ...good, cmps: { x: connected, y: connected } }, /one unique_id/],
    [{ ...good, cmps: { x: { ...health, options: undefined } } }, /enum and options/],
    [{ ...good, cmps: { x: { ...health, unit_of_measurement: '%' } } }, /neither/],
    [{ ...good, cmps: { x: { ...health, entity_category: 'config' } } }, /entity_category/],
    [{ ...good, cmps: { x: { ...health, default_entity_id: 'light.x' } } }, /another domain/],
    [{ ...good, cmps: { x: { ...health, state_topic: 'a/#' } } }, /state_topic/],
  ]
  for (const [payload, words] of bad) t.throws(() => check(payload), words, String(words))
  t.throws(() => check(good, 'homeassistant/device/a b/config'), /no topic/)
})

t.test(
  'Home Assistant finds the gateway and each board behind it, and sees when one of them is away',
  async t => {
    const { rig, assistant } = await present(t)
    const board = await rig.board(1)
    const id = `${gateway}_${board.id}`
    await assistant.sees(id, 'light', ({ available }) => available)
    t.match(assistant.devices.get(gateway), { name: `Pixelgate ${gw}`, viaDevice: undefined })
    t.match(assistant.devices.get(id), { name: 'board 1', viaDevice: gateway, identifiers: [id] })
    t.match(assistant.devices.get(id)?.swVersion, 'pixelgate virtual 0.1.0')
    await assistant.sees(id, 'mode', ({ state }) => state === 'stopped')
    await assistant.sees(id, 'pattern', ({ state }) => state === 'unknown')
    await assistant.sees(id, 'upload_state', ({ state }) => state === 'none')
    await assistant.sees(gateway, 'boards_online', ({ state }) => state === '1')
    await assistant.sees(gateway, 'health', ({ state }) => state === 'ok')
    await assistant.sees(gateway, 'mqtt_clients', ({ state }) => state === '1')
    board.unplug()
    await assistant.sees(id, 'light', ({ available }) => !available)
    await assistant.sees(id, 'connected', ({ available, state }) => available && state === 'off')
    await assistant.sees(gateway, 'boards_online', ({ state }) => state === '0')
    t.ok(assistant.entity(gateway, 'boards').available)
    t.same(assistant.faults, [])
  },
)

t.test(
  'a light is switched, dimmed and given another pattern, and what it shows is what the board does',
  async t => {
    const { rig, assistant } = await present(t)
    const board = await rig.board(1)
    const id = `${gateway}_${board.id}`
    await assistant.sees(id, 'light')
    t.same(assistant.entity(id, 'light').config['effect_list'], [])
    await upload(rig, board, 'fire.leds', 'comet.gif')
    const sea = await upload(rig, board, 'sea.leds', 'lantern.leds')
    await assistant.sees(id, 'light', ({ config }) => String(config['effect_list']) === 'fire.leds,sea.leds')
    const shows = (wanted: object) =>
      assistant.sees(id, 'light', ({ state }) =>
        Object.entries(wanted).every(
          ([key, value]) => (state as Record<string, unknown> | null)?.[key] === value,
        ),
      )
    await shows({ effect: 'sea.leds' })
    await assistant.light(id, { state: 'ON', effect: 'fire.leds' })
    await shows({ state: 'ON', effect: 'fire.leds' })
    await assistant.sees(id, 'pattern', ({ state }) => state === 'fire.leds')
    await assistant.light(id, { state: 'ON', brightness: 40 })
    await shows({ state: 'ON', brightness: 40, effect: 'fire.leds' })
    await assistant.light(id, { state: 'OFF' })
    await shows({ state: 'OFF', brightness: 40 })
    await assistant.light(id, { state: 'ON', brightness: 90, transition: 2 })
    await shows({ state: 'ON', brightness: 90 })
    await assistant.light(id, { state: 'ON', brightness: 0 })
    await shows({ state: 'OFF', brightness: 0 })
    await assistant.light(id, { state: 'ON' })
    await shows({ state: 'ON', brightness: 90 })
    await assistant.light(id, { state: 'ON', flash: 10 })
    await assistant.sees(id, 'mode', ({ state }) => state === 'identify')

    for (const key of ['next', 'previous', 'identify', 'test_card', 'reboot']) {
      const result = `${own}/${board.id}/cmd/${key.replace('_', '-')}/result`
      const ear = await rig.connect()
      await ear.client.subscribeAsync(result)
      await assistant.press(id, key)
      t.match(JSON.parse(await ear.hears(result)), { ok: true }, key)
    }
    await rig.core.library.remove(sea.pattern.id, 'one')
    await assistant.sees(id, 'light', ({ config }) => String(config['effect_list']).includes('fire.leds'))
    t.same(assistant.faults, [])
  },
)

t.test('a pattern that the board has had to drop is sent again when it is chosen', async t => {
  const { rig, assistant } = await present(t)
  const board = await rig.board(1, { storageBytes: 128 * 1024 })
  const id = `${gateway}_${board.id}`
  await assistant.sees(id, 'light')
  const names = ['one', 'two', 'three', 'four', 'five']
  for (const [i, name] of names.entries()) {
    const { job } = await upload(rig, board, name, 30_000 + i)
    await until(() => assistant.entity(id, 'light').state !== null, 'a state')
    await assistant.sees(id, 'pattern', ({ state }) => state === name)
    t.ok(job)
  }
  await assistant.sees(id, 'light', ({ config }) => String(config['effect_list']).split(',').length === 5)
  t.ok((await rig.core.control.held(board.id)).length < 5)
  await assistant.light(id, { state: 'ON', effect: 'one' })
  await assistant.sees(id, 'pattern', ({ state }) => state === 'one')
  t.same(assistant.faults, [])
})

t.test('an upload is an update with its progress; one that fails is offered again', async t => {
  const { rig, assistant } = await present(t)
  const board = await rig.board(1, {}, 1_000_000)
  const id = `${gateway}_${board.id}`
  await assistant.sees(id, 'update', ({ state }) => state !== null)
  const states: string[] = []
  assistant.client.on('message', (topic, payload) => {
    if (topic.endsWith('/update/state')) states.push(payload.toString())
  })
  const { pattern } = await upload(rig, board, 'fire.leds', 120_000)
  const version = `fire.leds (${pattern.id.slice(-6)})`
  const settled = { in_progress: false, update_percentage: null }
  const current = { installed_version: version, latest_version: version, ...settled }
  await assistant.sees(id, 'update', ({ state }) => JSON.stringify(state) === JSON.stringify(current))
  t.ok(states.some(state => state.includes('"in_progress":true')))
  await assistant.sees(id, 'upload_state', ({ state }) => state === 'done')
  await assistant.sees(id, 'upload_progress', ({ state }) => state === '100')
  const { pattern: large } = await upload(rig, board, 'large.leds', 5_000_000)
  const offered = `large.leds (${large.id.slice(-6)})`
  await assistant.sees(id, 'last_error', ({ state }) => /too much|does not fit/i.test(String(state)))
  await assistant.sees(
    id,
    'update',
    ({ state }) => JSON.stringify(state) === JSON.stringify({ ...current, latest_version: offered }),
  )
  const ear = await rig.connect()
  await ear.client.subscribeAsync(`${own}/${board.id}/update/set/result`)
  await assistant.install(id)
  t.same(JSON.parse(await ear.hears(`${own}/${board.id}/update/set/result`)), { ok: true })
  const { jobs } = await rig.core.uploads.jobs({ limit: 10 })
  t.equal(jobs.filter(job => job.patternId === large.id).length, 2)
  t.same(assistant.faults, [])
})

t.test('a board that is renamed keeps its entities; one that is forgotten is taken away', async t => {
  const { rig, assistant } = await present(t)
  const board = await rig.board(1)
  const id = `${gateway}_${board.id}`
  await assistant.sees(id, 'light', ({ available }) => available)
  const before = [...assistant.entities.keys()]
  await rig.core.book.change(board.id, { name: 'Küche' })
  await until(() => assistant.devices.get(id)?.name === 'Küche', 'the new name')
  t.same([...assistant.entities.keys()], before)
  t.equal(assistant.entity(id, 'next').config['default_entity_id'], 'button.kuche_next')
  board.unplug()
  await until(() => rig.core.registry.session(board.id) === undefined, 'the end of the session')
  await forgetBoard(rig.core, board.id)
  await until(() => !assistant.devices.has(id), 'the removal')
  t.ok(assistant.devices.has(gateway))
  const late = await rig.connect()
  await late.client.subscribeAsync(['homeassistant/#', `${own}/${board.id}/#`])
  await late.hears(`homeassistant/device/${gateway}/config`)
  t.same(
    late.heard.filter(({ topic }) => topic.includes(board.id)),
    [],
    'nothing of it is retained',
  )
})

t.test('ids and topics are the same after a restart', async t => {
  const first = await present(t)
  const board = await first.rig.board(1)
  const id = `${gateway}_${board.id}`
  await first.assistant.sees(id, 'light')
  const payloads = (assistant: Assistant) =>
    new Map(assistant.discovered.map(({ topic, payload }) => [topic, payload]))
  const again = await present(t)
  await again.rig.board(1)
  await again.assistant.sees(id, 'light')
  t.same(payloads(again.assistant), payloads(first.assistant))
})

t.test('on its birth message Home Assistant is told everything again, devices before states', async t => {
  let port: Parameters<BrokerPart['start']>[0] | undefined
  const spy: BrokerPart = {
    start: async given => {
      port = given
    },
    stop: async () => undefined,
  }
  const rig = await BrokerRig.start(t, made => ({ parts: [part(made), spy] }))
  const board = await rig.board(1)
  const assistant = await assistantAt(rig)
  const id = `${gateway}_${board.id}`
  await assistant.sees(id, 'light', ({ available }) => available)
  const light = `${own}/${board.id}/light/state`
  const ear = await rig.connect()
  await ear.client.subscribeAsync(['homeassistant/#', `${own}/#`])
  await ear.hears(light)
  ear.heard.length = 0
  await port?.publisher.send('homeassistant/status', 'offline')
  await port?.publisher.send('homeassistant/status', 'online')
  await ear.hears(light)
  const order = ear.heard.map(({ topic }) => topic)
  t.ok(order.indexOf(`homeassistant/device/${gateway}/config`) > order.indexOf('homeassistant/status'))
  t.ok(order.indexOf(light) > order.indexOf(`homeassistant/device/${id}/config`))
  for (const topic of [
    `${own}/status`,
    `${own}/stats`,
    `${own}/${board.id}/availability`,
    `${own}/${board.id}/state`,
  ])
    t.ok(order.includes(topic), topic)
})

t.test('births are answered after a random moment, and many of them at once', async t => {
  const clock = new VirtualClock()
  let repeats = 0
  let lot = 255
  const replay = new BirthReplay(
    clock,
    () => new Uint8Array([lot]),
    () => repeats++,
  )
  const birth = () => replay.hear(Buffer.from('online'))
  replay.hear(Buffer.from('offline'))
  clock.advance(60_000)
  t.equal(repeats, 0)
  birth()
  birth()
  clock.advance(2999)
  t.equal(repeats, 0)
  clock.advance(1)
  t.equal(repeats, 1)
  lot = 0
  birth()
  clock.advance(9999)
  t.equal(repeats, 1, 'ten seconds lie between two')
  clock.advance(1)
  t.equal(repeats, 2)
  birth()
  replay.stop()
  clock.advance(60_000)
  t.equal(repeats, 2)
})

t.test(
  'discovery that is switched off is taken back, also from a Home Assistant that comes later',
  async t => {
    let port: Parameters<BrokerPart['start']>[0] | undefined
    const before: BrokerPart = {
      async start(given) {
        port = given
        await given.publisher.retain(`home/device/${gateway}/config`, '{"left":"over"}')
      },
      stop: async () => undefined,
    }
    const off = { enabled: false, prefix: 'home', birthTopic: 'home/born' }
    const rig = await BrokerRig.start(t, made => ({ parts: [before, part(made, off)] }))
    const board = await rig.board(1)
    const shelf = '44444444-4444-4444-4444-444444444444'
    const { client } = await rig.connect({
      ...(await rig.user('shelf', { boardId: shelf })),
      clientId: shelf,
    })
    await client.publishAsync(`${own}/${shelf}/info`, '{"name":"Shelf"}', { qos: 1, retain: true })
    let cleared: string[] = []
    port?.onMessage('home/device/#', ({ topic, payload, retain }) => {
      if (payload.length === 0 && retain) cleared.push(topic)
    })
    await port?.publisher.send('home/born', 'online')
    await until(() => cleared.includes(`home/device/${gateway}/config`), 'the clearing')
    t.same(
      cleared,
      [`_${board.id}`, `_${shelf}`, ''].map(id => `home/device/${gateway}${id}/config`),
    )
    cleared = []
    const late = await rig.connect()
    await late.client.subscribeAsync([`${own}/+/light/state`, `${own}/info`])
    await late.hears(`${own}/info`)
    t.same(
      late.heard.map(({ topic }) => topic),
      [`${own}/info`],
    )
  },
)

t.test('a command that cannot be carried out is answered, and the state is said again', async t => {
  const { rig, assistant } = await present(t)
  const board = await rig.board(1)
  const id = `${gateway}_${board.id}`
  await assistant.sees(id, 'light', ({ state }) => state !== null)
  const place = `${own}/${board.id}`
  const ear = await rig.connect()
  await ear.client.subscribeAsync([`${own}/+/+/set/result`, `${place}/light/state`])
  await ear.hears(`${place}/light/state`)
  const answers: readonly (readonly [string, string, string, RegExp])[] = [
    ['light', '{"state":"ON","brightness":256}', 'usage', /brightness/],
    ['light', 'on', 'usage', /neither ON, nor OFF/],
    ['light', JSON.stringify({ state: 'OFF', x: 'x'.repeat(5000) }), 'usage', /4096/],
    ['light', '{"state":"ON","effect":"nowhere"}', 'not_found', /no pattern called/],
    ['update', 'install', 'conflict', /has failed/],
    ['update', '{}', 'usage', /install/],
  ]
  for (const [entity, payload, code, words] of answers) {
    ear.heard.length = 0
    await assistant.client.publishAsync(`${place}/${entity}/set`, payload, { qos: 1 })
    const result = JSON.parse(await ear.hears(`${place}/${entity}/set/result`))
    t.match(result, { ok: false, code, message: words })
    if (entity === 'light') await ear.hears(`${place}/light/state`)
  }
  const stranger = '33333333-3333-3333-3333-333333333333'
  await assistant.client.publishAsync(`${own}/${stranger}/light/set`, 'ON', { qos: 1 })
  t.match(JSON.parse(await ear.hears(`${own}/${stranger}/light/set/result`)), { code: 'not_found' })
  ear.heard.length = 0
  const watcher = await rig.connect(await rig.user('eye', 'watch'))
  const result = `${place}/light/set/result`
  await watcher.client.publishAsync(`${place}/light/set`, 'ON', { qos: 1 })
  await ear.hears(result, /"forbidden"/)
  await assistant.client.publishAsync(`${place}/light/set`, 'ON', { qos: 1, retain: true })
  await ear.hears(result, /retained/)
  await assistant.client.publishAsync(`${place}/light/set`, 'OFF', { qos: 1 })
  await ear.hears(result, /"ok":true/)
  t.equal(ear.on(result).length, 3, 'neither the watcher nor the retained one got through')
  board.unplug()
  await assistant.sees(id, 'light', ({ available }) => !available)
  ear.heard.length = 0
  await assistant.light(id, { state: 'ON' })
  t.match(JSON.parse(await ear.hears(result)), { ok: false, code: 'board_mute' })
})

t.test('of a slider that is dragged the last word counts, and the board is not flooded', async t => {
  const { rig, assistant } = await present(t)
  const board = await rig.board(1)
  const id = `${gateway}_${board.id}`
  await assistant.sees(id, 'light', ({ available }) => available)
  let commands = 0
  rig.core.bus.on('board.command', () => commands++)
  await Promise.all(
    Array.from({ length: 200 }, (_, i) => assistant.light(id, { state: 'ON', brightness: i + 1 })),
  )
  await assistant.sees(id, 'light', ({ state }) => brightnessOf(state) === 200)
  t.ok(commands < 250, `${commands} commands`)
})

t.test(
  'a board that speaks for itself is a device too, and takes its commands on its own topics',
  async t => {
    const { rig, assistant } = await present(t)
    const boardId = '44444444-4444-4444-4444-444444444444'
    const id = `${gateway}_${boardId}`
    const place = `${own}/${boardId}`
    const shelf = await rig.connect({ ...(await rig.user('shelf', { boardId })), clientId: boardId })
    await shelf.client.subscribeAsync(`${place}/cmd/+`)
    const says = (topic: string, body: unknown) =>
      shelf.client.publishAsync(`${place}/${topic}`, typeof body === 'string' ? body : JSON.stringify(body), {
        qos: 1,
        retain: true,
      })
    await says('state', { mode: 'stopped', brightness: 9 })
    await says('info', { name: 'Shelf', leds: 30, firmware: 'own 1' })
    await says('state', { mode: 'playing', brightness: 9, patternName: 'waves' })
    await says('availability', 'online')
    await assistant.sees(id, 'light', ({ available, state }) => available && state !== null)
    t.same(assistant.entity(id, 'light').state, { state: 'ON', brightness: 9, effect: 'waves' })
    await assistant.light(id, { state: 'ON', brightness: 77 })
    t.same(JSON.parse(await shelf.hears(`${place}/cmd/brightness`)), { level: 77 })
    await assistant.light(id, { state: 'OFF' })
    await shelf.hears(`${place}/cmd/stop`, '{}')
    t.same(assistant.faults, [])
    await says('info', 'no JSON')
    await says('state', { brightness: 7 })
    await says('info', '')
    await until(() => !assistant.devices.has(id), 'its end')
  },
)

t.test('what a light and an update show follows from state and upload alone', async t => {
  const state = { mode: 'playing', brightness: 9, patternId: '0190-abcdef', patternName: 'fire' }
  t.match(lightState(state), { state: 'ON', brightness: 9, effect: 'fire' })
  t.match(lightState({ ...state, mode: 'stopped' }), { state: 'OFF' })
  t.match(lightState({ ...state, brightness: 0 }), { state: 'OFF' })
  const job = {
    jobId: 'a',
    name: 'sea',
    patternId: '0190-123456',
    percent: 41,
    lineShare: 0.9753,
    error: null,
  }
  const running = { ...job, state: 'transferring' }
  t.same(updateState(undefined, undefined), {
    installed_version: 'none',
    latest_version: 'none',
    in_progress: false,
    update_percentage: null,
  })
  t.match(updateState(state, running), {
    installed_version: 'fire (abcdef)',
    latest_version: 'sea (123456)',
    in_progress: true,
    update_percentage: 41,
  })
  t.match(updateState(state, { ...job, state: 'cancelled' }), { latest_version: 'fire (abcdef)' })
  t.match(updateState(state, { ...job, state: 'paused' }), {
    latest_version: 'sea (123456)',
    in_progress: false,
  })
  const queued = { ...job, jobId: 'b', state: 'queued' }
  t.equal(uploadShown(running, queued).jobId, 'a', 'one that waits does not hide the one that runs')
  t.equal(uploadShown({ ...running, state: 'done' }, queued).jobId, 'b')
  t.equal(lastUpload(running).lineSharePercent, 97.5)
  const long = lastUpload({ ...job, state: 'failed', error: '🔥'.repeat(300) }).error ?? ''
  t.equal([...long].length, 250)
})

t.test('a component that goes is told to go before it is left out', async t => {
  const after = gatewayDevice(facts, topics)
  const extra = { p: 'sensor', unique_id: 'x', state_topic: 'a' } as const
  const before = { ...after, cmps: { ...after.cmps, extra } }
  t.same(withRemovals(before, after)?.cmps['extra'], { p: 'sensor' })
  t.same(Object.keys(withRemovals(before, after)?.cmps ?? {}).length, Object.keys(before.cmps).length)
  t.equal(withRemovals(after, before), undefined, 'one that comes needs no more than itself')
  t.equal(withRemovals(after, after), undefined)
  t.doesNotThrow(() =>
    checkDiscovery(
      'homeassistant',
      `homeassistant/device/${gateway}/config`,
      JSON.stringify(withRemovals(before, after)),
    ),
  )
})
