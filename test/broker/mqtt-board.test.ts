import t, { type Test } from 'tap'
import type { BoardId, JobId } from '../../src/kernel/ids.ts'
import { noise } from '../upload/upload-rig.ts'
import { type BrokerRig, gw, type Listener, until } from './broker-rig.ts'
import { CuttingProxy, type Direction, MqttRigBoard, mqttRig } from './mqtt-board-rig.ts'

const own = `pixelgate/${gw}`

const isThere = (rig: BrokerRig, { id }: { id: BoardId }): Promise<void> =>
  until(() => rig.core.registry.session(id) !== undefined, 'the session')

const upload = async (rig: BrokerRig, boards: readonly BoardId[], sizeBytes = 60_000) => {
  const { pattern } = await rig.core.uploads.addFile(noise(sizeBytes), `noise-${sizeBytes}.bin`, true)
  const { jobs } = await rig.core.uploads.submit(pattern, boards, { fileName: 'noise.bin', raw: true })
  return { pattern, jobs }
}

const finished = async (rig: BrokerRig, id: JobId, limitMs = 30_000) => {
  let state = ''
  const end = rig.core.bus.on('job.changed', record => {
    if (record.id === id) ({ state } = record)
  })
  ;({ state } = await rig.core.uploads.job(id))
  await until(
    () => ['done', 'failed', 'cancelled'].includes(state),
    () => `the end, it is ${state}`,
    limitMs,
  )
  end()
  return rig.core.uploads.job(id)
}

t.test('a board with a credential of its own is a board like any other', async t => {
  const rig = await mqttRig(t)
  const control = await rig.connect()
  await control.client.subscribeAsync(`${own}/#`, { qos: 1 })
  const board = await MqttRigBoard.start(rig, 1)
  const place = `${own}/${board.id}`
  await isThere(rig, board)
  t.match(await rig.core.views.find(board.id), {
    state: 'connected',
    address: 'mqtt://board-1@127.0.0.1',
    name: 'board-1',
    leds: 256,
    trust: 'untrusted',
  })
  await control.hears(`${place}/availability`, 'online')
  t.match(JSON.parse(await control.hears(`${place}/info`)), { id: board.id, leds: 256 })

  const { pattern, jobs } = await upload(rig, [board.id])
  const [job] = jobs
  if (job === undefined) throw new Error('no job')
  await finished(rig, job.id)
  const report = await rig.core.uploads.report(job.id)
  t.match(report, { resentBlocks: 0, retransmittedBytes: 0, resumed: false, lineShare: null })
  const at = `${place}/upload/${job.id}`
  t.match(JSON.parse(await control.hears(`${at}/status`, /"state":"done"/)), { percent: 100, bytes: 60_000 })
  await control.hears(`${at}/offer`, '')
  const offers = control.on(`${at}/offer`)
  t.equal(offers.at(-1), '', 'it is cleared at the end')
  t.match(JSON.parse(offers[0] ?? ''), { job: job.id, name: 'noise-60000.bin', patternId: pattern.id })
  t.match(JSON.parse(offers.at(-2) ?? ''), {
    transferId: /^[0-9a-f]{32}$/,
    sha256: report.sha256,
    imageBytes: 60_000,
    blocks: Number,
    blockSize: Number,
  })
  const paths = new Set(control.heard.map(({ topic }) => topic.replace(`${place}/`, '')))
  for (const path of ['frames/down', 'frames/up', `upload/${job.id}/data`, `upload/${job.id}/get`])
    t.ok(paths.has(path), path)
  const late = await rig.connect()
  await late.client.subscribeAsync(`${place}/#`, { qos: 1 })
  await late.hears(`${place}/availability`, 'online')
  t.same(
    late.heard.filter(({ topic }) => /frames|offer|data|get/.test(topic)),
    [],
    'nothing of it is retained',
  )
})

t.test('every command does the same over MQTT and over a line', async t => {
  const rig = await mqttRig(t)
  const boards = [await MqttRigBoard.start(rig, 1), await rig.board(2)]
  for (const board of boards) await isThere(rig, board)
  const control = await rig.connect()
  await control.client.subscribeAsync(`${own}/#`, { qos: 1 })
  const { pattern } = await rig.core.uploads.addFile(noise(3000), 'x.bin', true)
  let id = 0
  const ask = async (topic: string, body: object) => {
    const correlationId = ++id
    await control.client.publishAsync(topic, JSON.stringify({ ...body, correlationId }), { qos: 1 })
    const result = JSON.parse(await control.hears(`${topic}/result`, new RegExp(`"correlationId":${id},`)))
    t.equal(result.correlationId, correlationId)
    return result
  }
  const commands: readonly (readonly [string, object, object])[] = [
    ['upload', { patternId: pattern.id }, { ok: true, batchId: String, jobs: [{ state: /queued|waiting/ }] }],
    ['brightness', { level: 9 }, { ok: true }],
    ['play', {}, { ok: true }],
    ['next', {}, { ok: true }],
    ['previous', {}, { ok: true }],
    ['select', { patternId: pattern.id }, { ok: true }],
    ['select', { slot: 0 }, { ok: true }],
    ['select', {}, { ok: false, code: 'usage', message: /patternId or slot/ }],
    ['select', { slot: 99 }, { ok: false, code: 'not_found' }],
    ['stop', {}, { ok: true }],
    ['identify', { ms: 10 }, { ok: true }],
    ['test-card', { card: 'none' }, { ok: false, code: 'usage' }],
    ['test-card', {}, { ok: true, batchId: String, jobs: [{ state: String }] }],
  ]
  for (const [name, body, expected] of commands) {
    const results = []
    for (const board of boards) {
      const result = await ask(`${own}/${board.id}/cmd/${name}`, body)
      t.match(result, { command: name, ...expected }, `${name} ${JSON.stringify(body)}`)
      const { correlationId: _number, batchId: _batch, jobs, ...rest } = result
      results.push(rest)
      for (const job of jobs ?? []) t.match(await finished(rig, job.id), { state: 'done', boardId: board.id })
    }
    t.same(results[0], results[1], name)
  }
  t.match(await ask(`${own}/cmd/test-card`, { boards: 'all', card: 'finding' }), {
    ok: true,
    results: [{ ok: true }, { ok: true }],
    jobs: [{ boardId: String }, { boardId: String }],
  })
  await until(() => rig.core.queue.size === 0, 'the cards')
  for (const board of boards) {
    const before = rig.core.registry.session(board.id)
    t.match(await ask(`${own}/${board.id}/cmd/reboot`, {}), { ok: true, command: 'reboot' })
    await until(() => before?.alive === false, 'the restart')
    await isThere(rig, board)
  }
})

t.test(
  'a cut at every k-th message, either way, costs no block that was durable',
  { timeout: 800_000 },
  async t => {
    const rig = await mqttRig(t)
    let byte = 0
    for (const direction of ['toBoard', 'toGateway'] as const)
      for (const every of [7, 11, 23, 61]) {
        const cutAt = (way: Direction, message: number) => way === direction && message % every === 0
        // The first connection only learns where it is.
        const proxy = await CuttingProxy.start(t, rig.port, cutAt)
        const config = { window: 2048, maxBody: 512, blockBytes: 1024 }
        const board = await MqttRigBoard.start(rig, ++byte, { port: proxy.port, config })
        await isThere(rig, board)
        const { jobs } = await upload(rig, [board.id], 60_000)
        const job = await finished(rig, jobs[0]?.id ?? ('' as JobId), 60_000)
        t.match(job, { state: 'done', errorCode: null }, `${direction} ${every}`)
        t.match(await rig.core.uploads.report(job.id), { resentBlocks: 0 })
        t.ok(proxy.cuts >= 1, `${proxy.cuts} cuts`)
        await board.stop()
      }
  },
)

t.test('a power cut at any moment is survived, and the upload goes on', async t => {
  const rig = await mqttRig(t)
  const board = await MqttRigBoard.start(rig, 1, {
    config: { blockBytes: 2048 },
    faults: { powerCutAt: [20, 33, 47, 61] },
  })
  await isThere(rig, board)
  const control = await rig.connect()
  await control.client.subscribeAsync(`${own}/+/availability`, { qos: 1 })
  const { jobs } = await upload(rig, [board.id], 40_000)
  const job = await finished(rig, jobs[0]?.id ?? ('' as JobId))
  t.match(job, { state: 'done' })
  const report = await rig.core.uploads.report(job.id)
  t.ok(report.resentBlocks <= board.board.boots - 1, 'one block for each cut at most')
  t.ok(board.board.boots >= 4)
  const said = control.on(`${own}/${board.id}/availability`)
  t.ok(said.includes('offline') && said.at(-1) === 'online', 'its last will was heard')
})

t.test('twenty boards at once get what is theirs', { timeout: 800_000 }, async t => {
  const rig = await mqttRig(t)
  const boards = await Promise.all(Array.from({ length: 20 }, (_, i) => MqttRigBoard.start(rig, i + 1)))
  for (const board of boards) await isThere(rig, board)
  const { jobs } = await upload(
    rig,
    boards.map(({ id }) => id),
    20_000,
  )
  t.equal(jobs.length, 20)
  for (const { id } of jobs) {
    t.match(await finished(rig, id), { state: 'done' })
    t.match(await rig.core.uploads.report(id), { resentBlocks: 0 })
  }
})

t.test('who cancels an upload takes the offer back and calls it off', async t => {
  const rig = await mqttRig(t)
  const board = await MqttRigBoard.start(rig, 1, { faults: { slowFlashMs: 20 } })
  await isThere(rig, board)
  const control = await rig.connect()
  await control.client.subscribeAsync(`${own}/#`, { qos: 1 })
  const { jobs } = await upload(rig, [board.id])
  const id = jobs[0]?.id ?? ('' as JobId)
  const at = `${own}/${board.id}/upload/${id}`
  await control.hears(`${at}/data`)
  await rig.core.queue.command(id, 'cancel')
  t.match(JSON.parse(await control.hears(`${at}/abort`)), { job: id, transferId: String })
  await control.hears(`${at}/offer`, '')
  t.equal(control.on(`${at}/offer`).at(-1), '')
  await until(() => rig.core.registry.session(board.id)?.alive === true, 'the board')
  const messages = control.on(`${at}/data`).length
  const next = await upload(rig, [board.id], 2000)
  t.match(await finished(rig, next.jobs[0]?.id ?? ('' as JobId)), { state: 'done' })
  t.equal(control.on(`${at}/data`).length, messages, 'nothing more of it is sent')
})

t.test('an upload for a board that is away is offered until it comes', async t => {
  const rig = await mqttRig(t)
  const board = await MqttRigBoard.start(rig, 1)
  await isThere(rig, board)
  const control = await rig.connect()
  await control.client.subscribeAsync(`${own}/+/upload/+/offer`, { qos: 1 })
  await board.transport.power(false, true)
  await until(() => rig.core.registry.session(board.id) === undefined, 'the board to leave')
  const { jobs } = await upload(rig, [board.id], 2000)
  const id = jobs[0]?.id ?? ('' as JobId)
  const topic = `${own}/${board.id}/upload/${id}/offer`
  t.match(JSON.parse(await control.hears(topic, /./)), { job: id, transferId: null, imageBytes: null })
  board.transport.power(true, false)
  t.match(await finished(rig, id), { state: 'done' })
  await control.hears(topic, '')
})

/** A client of a board that is no virtual one. */
const boardClient = async (t: Test, rig: BrokerRig, id: string): Promise<Listener> => {
  const credential = await rig.user(`user-${id.slice(0, 4)}`, { boardId: id })
  const listener = await rig.connect({ ...credential, clientId: id })
  t.teardown(() => listener.client.endAsync(true))
  return listener
}
const otherBoard = '33333333-3333-3333-3333-333333333333'

t.test('a board that takes no frames is left in peace, and speaks for itself', async t => {
  const rig = await mqttRig(t)
  const board = await boardClient(t, rig, otherBoard)
  const control = await rig.connect()
  const place = `${own}/${otherBoard}`
  await control.client.subscribeAsync(`${place}/#`, { qos: 1 })
  await board.client.subscribeAsync(`${place}/cmd/+`, { qos: 1 })
  await board.client.publishAsync(`${place}/availability`, 'online', { qos: 1, retain: true })
  await board.client.publishAsync(`${place}/state`, '{"mode":"playing"}', { qos: 1, retain: true })
  await control.client.publishAsync(`${place}/cmd/play`, '{"correlationId":1}', { qos: 1 })
  await board.hears(`${place}/cmd/play`)
  await board.client.publishAsync(`${place}/cmd/play/result`, 'mine', { qos: 1 })
  await control.hears(`${place}/cmd/play/result`, 'mine')
  await new Promise(resolve => setTimeout(resolve, 300))
  t.same(
    control.heard.filter(({ topic }) => topic.includes('/frames/')),
    [],
  )
  t.same(control.on(`${place}/cmd/play/result`), ['mine'])
  t.same(control.on(`${place}/availability`), ['online'])
})

t.test('what a board says of its presence and what the gateway knows come to the same', async t => {
  const rig = await mqttRig(t)
  const board = await MqttRigBoard.start(rig, 1)
  await isThere(rig, board)
  const control = await rig.connect()
  const topic = `${own}/${board.id}/availability`
  await control.client.subscribeAsync(topic, { qos: 1 })
  await control.hears(topic, 'online')
  for (let i = 0; i < 3; i++) {
    board.transport.power(false, true)
    await until(() => rig.core.registry.session(board.id) === undefined, 'the board to leave')
    await until(() => control.on(topic).at(-1) === 'offline', 'offline')
    board.transport.power(true, false)
    await isThere(rig, board)
    await until(() => control.on(topic).at(-1) === 'online', 'online')
  }
  // A last will may come after the board is back; then the gateway has the last word.
  await rig.broker.ping()
  await until(() => control.on(topic).at(-1) === 'online', 'online')
  await board.stop()
  await until(() => control.on(topic).at(-1) === 'offline', 'offline')
  const late = await rig.connect()
  await late.client.subscribeAsync(topic)
  await late.hears(topic, 'offline')
})

t.test('a board is only the one its credential names', async t => {
  const rig = await mqttRig(t)
  const board = await MqttRigBoard.start(rig, 1, { config: { uuid: new Uint8Array(16).fill(9) } })
  await until(() => rig.logged(/is the way to board 01010101/).length > 0, 'the refusal')
  t.same(rig.core.registry.present(), [])
  t.equal(await rig.core.views.list().then(views => views.length), 0)
  await board.stop()
  const nameless = await MqttRigBoard.start(rig, 2, { config: { uuid: new Uint8Array(16) } })
  await until(() => rig.core.registry.present().length === 1, 'the board')
  t.same(
    rig.core.registry.present(),
    ['02020202-0202-0202-0202-020202020202'],
    'one without gets that of its credential',
  )
  await nameless.stop()
})
