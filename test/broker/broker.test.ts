import t from 'tap'
import { GpioMirror } from '../../src/broker/devices/gpio-mirror.ts'
import { startBroker } from '../../src/broker/start-broker.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { boardId } from '../../src/kernel/ids.ts'
import { forgetBoard } from '../../src/upload/forget-board.ts'
import type { GpioLineView } from '../../src/wire/gpio.ts'
import { noise } from '../upload/upload-rig.ts'
import { BrokerRig, gw, until } from './broker-rig.ts'

const own = `pixelgate/${gw}`
const otherBoard = '33333333-3333-3333-3333-333333333333'

t.test('whoever subscribes learns that the gateway is there, and hears it leave', async t => {
  const rig = await BrokerRig.start(t)
  const board = await rig.board(1)
  const watcher = await rig.connect(await rig.user('desk', 'watch'))
  await watcher.client.subscribeAsync('#', { qos: 1 })
  await watcher.hears(`${own}/status`, 'online')
  t.match(JSON.parse(await watcher.hears(`${own}/info`)), { gatewayId: gw, version: '1.2.3' })
  await watcher.hears(`${own}/${board.id}/availability`, 'online')
  t.ok(watcher.heard.find(({ topic }) => topic === `${own}/status`)?.retain)
  const began = Date.now()
  await rig.broker.stop()
  t.ok(Date.now() - began < 2000, 'stopping takes less than 2 s')
  await watcher.hears(`${own}/status`, 'offline')
  await watcher.hears(`${own}/${board.id}/availability`, 'offline')
  await rig.broker.stop()
})

t.test('a board is shown with what it is, what it does and whether it is there', async t => {
  const rig = await BrokerRig.start(t)
  const watcher = await rig.connect()
  await watcher.client.subscribeAsync(`${own}/#`, { qos: 1 })
  const board = await rig.board(1)
  const place = `${own}/${board.id}`
  await watcher.hears(`${place}/availability`, 'online')
  t.same(JSON.parse(await watcher.hears(`${place}/info`)), {
    id: board.id,
    name: 'board 1',
    leds: 256,
    width: 16,
    height: 16,
    firmware: 'pixelgate virtual 0.1.0',
    address: 'memory',
    trust: 'untrusted',
  })
  t.match(JSON.parse(await watcher.hears(`${place}/state`)), {
    mode: 'stopped',
    patternId: null,
    imageId: null,
  })
  await watcher.client.publishAsync(`${place}/cmd/brightness`, '77')
  await watcher.hears(`${place}/state`, /"brightness":77/)
  board.unplug()
  await watcher.hears(`${place}/availability`, 'offline')
  const late = await rig.connect()
  await late.client.subscribeAsync(`${place}/+`, { qos: 1 })
  await late.hears(`${place}/availability`, 'offline')
  await late.hears(`${place}/state`, /"brightness":77/)
  await forgetBoard(rig.core, board.id)
  for (const topic of ['availability', 'state', 'info']) await late.hears(`${place}/${topic}`, /^$/)
})

t.test('a pattern is uploaded by a command, watched on its topic, and played by the next', async t => {
  const rig = await BrokerRig.start(t)
  const board = await rig.board(1, { storageBytes: 256 * 1024 })
  const place = `${own}/${board.id}`
  const control = await rig.connect(await rig.user('panel', 'control'))
  await control.client.subscribeAsync(`${own}/#`, { qos: 1 })
  const { pattern } = await rig.core.uploads.addFile(noise(20_000), 'noise.bin', true)
  const upload = { patternId: pattern.id, raw: true, correlationId: 'up-1' }
  await control.client.publishAsync(`${place}/cmd/upload`, JSON.stringify(upload), { qos: 1 })
  const result = JSON.parse(await control.hears(`${place}/cmd/upload/result`, /up-1/))
  t.match(result, { correlationId: 'up-1', command: 'upload', ok: true, jobs: [{ boardId: board.id }] })
  const status = `${place}/upload/${result.jobs[0].id}/status`
  const done = JSON.parse(await control.hears(status, /"state":"done"/))
  t.match(done, {
    name: 'noise.bin',
    patternId: pattern.id,
    bytes: 20_000,
    total: 20_000,
    percent: 100,
    error: null,
  })
  await control.hears(`${place}/state`, new RegExp(pattern.id))
  const late = await rig.connect()
  await late.client.subscribeAsync(`${own}/+/upload/+/status`)
  await late.hears(status, /"state":"done"/)

  const select = { patternId: pattern.id, correlationId: 7 }
  await control.client.publishAsync(`${place}/cmd/select`, JSON.stringify(select), { qos: 1 })
  t.same(JSON.parse(await control.hears(`${place}/cmd/select/result`)), {
    correlationId: 7,
    command: 'select',
    ok: true,
  })
  for (const name of ['play', 'next', 'previous', 'identify', 'stop']) {
    await control.client.publishAsync(`${place}/cmd/${name}`, '', { qos: 1 })
    t.match(
      JSON.parse(await control.hears(`${place}/cmd/${name}/result`)),
      { correlationId: null, ok: true },
      name,
    )
  }
  await control.hears(`${place}/state`, /"mode":"stopped"/)

  const large = await rig.core.uploads.addFile(noise(100_000), 'large.bin', true)
  const again = { patternId: large.pattern.id, raw: true, correlationId: 2 }
  await control.client.publishAsync(`${place}/cmd/upload`, JSON.stringify(again))
  const second = JSON.parse(await control.hears(`${place}/cmd/upload/result`, /"correlationId":2/))
  const failed = await control.hears(`${place}/upload/${second.jobs[0].id}/status`, /"state":"failed"/)
  t.match(JSON.parse(failed).error, { code: 'does_not_fit', message: /too much/ })
})

t.test('several boards take one command, and each answers', async t => {
  const rig = await BrokerRig.start(t)
  const [one, two] = [await rig.board(1), await rig.board(2)]
  const control = await rig.connect()
  await control.client.subscribeAsync(`${own}/cmd/+/result`, { qos: 1 })
  const send = async (name: string, body: object) => {
    control.heard.length = 0
    await control.client.publishAsync(`${own}/cmd/${name}`, JSON.stringify(body), { qos: 1 })
    return JSON.parse(await control.hears(`${own}/cmd/${name}/result`))
  }
  t.match(await send('brightness', { boards: 'all', level: 3 }), {
    ok: true,
    results: [
      { boardId: one.id, ok: true },
      { boardId: two.id, ok: true },
    ],
  })
  two.unplug()
  await until(() => rig.core.registry.session(two.id) === undefined, 'the board to leave')
  t.match(await send('play', { boards: ['board 1', two.id] }), {
    ok: false,
    code: 'some_boards_failed',
    message: '1 of 2 boards did not do it.',
    results: [
      { boardId: one.id, ok: true },
      { boardId: two.id, ok: false, code: 'board_mute' },
    ],
  })
  t.match(await send('play', { boards: ['nobody'] }), { ok: false, code: 'not_found' })
  t.match(await send('play', {}), { ok: false, code: 'usage', message: /boards/ })
  const { pattern } = await rig.core.uploads.addFile(noise(500), 'x.bin', true)
  t.match(await send('upload', { boards: 'all', patternId: pattern.id, raw: true }), {
    ok: true,
    batchId: String,
    jobs: [{ boardId: one.id }, { boardId: two.id }],
  })
})

t.test('a command that is wrong gets a clear answer, each kind its own', async t => {
  const rig = await BrokerRig.start(t)
  const board = await rig.board(1)
  const place = `${own}/${board.id}`
  const control = await rig.connect()
  await control.client.subscribeAsync(`${own}/+/cmd/+/result`, { qos: 1 })
  const answer = async (topic: string, payload: string | Buffer, options: { retain?: boolean } = {}) => {
    control.heard.length = 0
    await control.client.publishAsync(topic, payload, { qos: 1, ...options })
    return JSON.parse(await control.hears(`${topic}/result`))
  }
  t.match(await answer(`${place}/cmd/explode`, '{"correlationId":"z"}'), {
    correlationId: 'z',
    command: 'explode',
    ok: false,
    code: 'usage',
    message: /no command "explode". There are: play, stop/,
  })
  t.match(await answer(`${place}/cmd/constructor`, ''), { ok: false, code: 'usage' })
  t.match(await answer(`${place}/cmd/play`, '{"correlationId"'), { code: 'usage', message: /no JSON/ })
  t.match(await answer(`${place}/cmd/play`, Buffer.from([0x22, 0xff, 0x22])), { message: /no JSON/ })
  t.match(await answer(`${place}/cmd/play`, '{"correlationId":"q","speed":2}'), {
    correlationId: 'q',
    message: /speed/,
  })
  t.match(await answer(`${place}/cmd/play`, '3'), { code: 'usage', message: /does not fit/ })
  t.match(await answer(`${place}/cmd/brightness`, '256'), { code: 'usage', message: /level/ })
  t.match(await answer(`${place}/cmd/brightness`, '{"level":"5","correlationId":5}'), {
    correlationId: 5,
    ok: false,
  })
  t.match(await answer(`${place}/cmd/upload`, ' '.repeat(17_000)), {
    code: 'usage',
    message: /at most 16384/,
  })
  t.match(await answer(`${place}/cmd/upload`, '{"patternId":"none"}'), { code: 'not_found' })
  t.match(await answer(`${place}/cmd/select`, '{"patternId":"none"}'), { code: 'not_found' })
  t.match(await answer(`${own}/${otherBoard}/cmd/play`, ''), {
    code: 'not_found',
    message: /pixelgate boards/,
  })
  t.match(await answer(`${own}/${board.id.slice(0, 8)}/cmd/play`, ''), { code: 'not_found' })
  t.match(await answer(`${place}/cmd/play`, '{"correlationId":"r"}', { retain: true }), {
    correlationId: 'r',
    code: 'usage',
    message: /must not be retained/,
  })
  const late = await rig.connect()
  await late.client.subscribeAsync(`${own}/#`, { qos: 1 })
  await late.hears(`${own}/status`)
  t.same(late.on(`${place}/cmd/play`), [], 'it was not kept')
  t.equal(rig.logged(/was refused/).length, 1)
})

t.test('a command that is delivered twice runs once and is answered again', async t => {
  const rig = await BrokerRig.start(t)
  const board = await rig.board(1)
  const control = await rig.connect()
  const topic = `${own}/${board.id}/cmd/next`
  await control.client.subscribeAsync(`${topic}/result`, { qos: 1 })
  let acts = 0
  const act = rig.core.control.act.bind(rig.core.control)
  rig.core.control.act = (...args) => {
    acts++
    return act(...args)
  }
  const twice = '{"correlationId":"once"}'
  await Promise.all([1, 2].map(() => control.client.publishAsync(topic, twice, { qos: 1 })))
  await control.hears(`${topic}/result`)
  await control.client.publishAsync(topic, twice, { qos: 1 })
  await until(() => control.on(`${topic}/result`).length >= 2, 'the answer again')
  t.equal(acts, 1)
  await control.client.publishAsync(topic, '', { qos: 1 })
  await control.client.publishAsync(topic, '', { qos: 1 })
  await until(() => acts === 3, 'commands without an id run each time')
})

t.test('commands under way have a cap for each user', async t => {
  const rig = await BrokerRig.start(t)
  const board = await rig.board(1)
  const control = await rig.connect()
  const topic = `${own}/${board.id}/cmd/play`
  await control.client.subscribeAsync(`${own}/+/cmd/+/result`, { qos: 1 })
  const held: (() => void)[] = []
  rig.core.control.act = () => new Promise(resolve => held.push(() => resolve({ type: 'PLAY' } as never)))
  for (let i = 0; i < 20; i++) await control.client.publishAsync(topic, `{"correlationId":${i}}`, { qos: 1 })
  await until(() => control.on(`${topic}/result`).length === 4, 'four refusals')
  t.ok(control.on(`${topic}/result`).every(text => text.includes('"overloaded"')))
  t.equal(rig.broker.stats().commandsRunning, 16)
  await until(() => held.length === 16, 'the rest to begin')
  for (const release of held) release()
  await until(() => control.on(`${topic}/result`).length === 20, 'every answer')
  t.equal(rig.broker.stats().commandsRunning, 0)
})

t.test('a fault of the program is an answer and a line in the log, not an end', async t => {
  const rig = await BrokerRig.start(t)
  const board = await rig.board(1)
  const control = await rig.connect()
  const topic = `${own}/${board.id}/cmd/play`
  await control.client.subscribeAsync(`${topic}/result`, { qos: 1 })
  rig.core.book.list = () => Promise.reject(new TypeError('secret words of a bug'))
  await control.client.publishAsync(topic, '')
  const result = await control.hears(`${topic}/result`)
  t.match(JSON.parse(result), { ok: false, code: 'internal' })
  t.notMatch(result, /secret words/)
  t.equal(rig.logged(/fault of the program/).length, 1)
})

t.test('a board that speaks MQTT alone answers for itself; the gateway keeps quiet', async t => {
  const rig = await BrokerRig.start(t)
  const credential = await rig.user('shelf', { boardId: otherBoard })
  const board = await rig.connect({ ...credential, clientId: otherBoard })
  const control = await rig.connect()
  const place = `${own}/${otherBoard}`
  await control.client.subscribeAsync(`${place}/#`, { qos: 1 })
  await board.client.subscribeAsync(`${place}/cmd/+`, { qos: 1 })
  await control.client.publishAsync(`${place}/cmd/play`, '{"correlationId":1}', { qos: 1 })
  await board.hears(`${place}/cmd/play`)
  await board.client.publishAsync(`${place}/cmd/play/result`, 'mine', { qos: 1 })
  await board.client.publishAsync(`${place}/availability`, 'online', { qos: 1, retain: true })
  await control.hears(`${place}/availability`, 'online')
  t.same(control.on(`${place}/cmd/play/result`), ['mine'])
})

t.test('GPIO lines are shown as they are at the start, and each edge once', async t => {
  const line = (edges: number, active: boolean): GpioLineView => ({
    name: 'button 17/a',
    role: 'button',
    chip: 'gpiochip0',
    line: 17,
    active,
    action: 'next',
    boardId: null,
    changedAt: null,
    monotonicMs: null,
    edges,
    trouble: null,
  })
  const mirror = new GpioMirror(() => [line(1, false)])
  mirror.publish(line(0, true))
  const rig = await BrokerRig.start(t, { parts: [mirror] })
  const watcher = await rig.connect()
  await watcher.client.subscribeAsync(`${own}/gpio/#`, { qos: 1 })
  await watcher.hears(`${own}/gpio/button-17-a/state`, /"active":false/)
  mirror.publish(line(2, true))
  mirror.publish(line(2, true))
  mirror.publish(line(3, false))
  await watcher.hears(`${own}/gpio/button-17-a/edge`, /"edges":3/)
  t.equal(watcher.on(`${own}/gpio/button-17-a/edge`).length, 2)
  await watcher.client.publishAsync(`${own}/gpio/button-17-a/set`, '1', { qos: 1 })
  t.equal(rig.logged(/was refused/).length, 1, 'they are for reading')
})

t.test('the broker answers the watchdog and tells its figures', async t => {
  const directions: string[] = []
  const rig = await BrokerRig.start(t, { onTraffic: direction => void directions.push(direction) })
  const control = await rig.connect()
  await control.client.subscribeAsync(['#', '$SYS/#'], { qos: 1 })
  await control.client.publishAsync(`${own}/cmd/stop`, '{}', { qos: 1 })
  await control.hears(`${own}/cmd/stop/result`)
  await control.hears('$SYS/broker/version', 'pixelgate 1.2.3')
  await control.hears('$SYS/broker/uptime', /seconds/)
  t.ok((await rig.broker.ping()) < 1000)
  const stats = rig.broker.stats()
  t.match(stats, { clients: 1, connections: 1, messagesReceived: 1, sessions: 0, droppedMessages: 0 })
  t.ok(stats.messagesPerSecond > 0 && stats.messagesSent > 3 && stats.retained > 2 && stats.retainedBytes > 0)
  t.ok(directions.includes('in') && directions.includes('out'))
  t.notOk(control.heard.some(({ topic }) => topic.startsWith('$pixelgate') || topic.includes('clients/new')))
  await rig.broker.stop()
  await t.rejects(rig.broker.ping(), { code: 'daemon_failed' })
})

t.test('jobs that wait are shown after a restart of the gateway', async t => {
  const rig = await BrokerRig.start(t)
  const board = await rig.board(1)
  board.unplug()
  await until(() => rig.core.registry.session(board.id) === undefined, 'the board to leave')
  const { pattern } = await rig.core.uploads.addFile(noise(500), 'x.bin', true)
  const { jobs } = await rig.core.uploads.submit(pattern, [boardId(board.id)], {
    fileName: 'x.bin',
    raw: true,
  })
  await rig.broker.stop()
  rig.broker = await startBroker({
    listeners: [
      { host: '127.0.0.1', port: 0, anonymous: false },
      { host: '127.0.0.1', port: 0, anonymous: true },
    ],
    gatewayId: gw,
    core: rig.core,
    users: rig.users,
    clock: systemClock,
    log: rig.log,
    version: '1.2.4',
  })
  const watcher = await rig.connect()
  await watcher.client.subscribeAsync(`${own}/#`, { qos: 1 })
  t.match(JSON.parse(await watcher.hears(`${own}/${board.id}/upload/${jobs[0]?.id}/status`)), {
    state: 'waiting',
    name: 'x.bin',
    percent: 0,
  })
  await watcher.hears(`${own}/${board.id}/availability`, 'offline')
})

t.test('an address that is taken is refused with what to do, and nothing is left open', async t => {
  const rig = await BrokerRig.start(t)
  const at = (port: number, host = '127.0.0.1') =>
    BrokerRig.start(t, {
      listeners: [
        { host: '127.0.0.1', port: 0, anonymous: false },
        { host, port, anonymous: false },
      ],
    })
  await t.rejects(at(rig.port), { code: 'address_in_use', message: /is taken.*mqtt.listeners/ })
  await t.rejects(at(0, '203.0.113.7'), { code: 'config_invalid', message: /no such address/ })
})
