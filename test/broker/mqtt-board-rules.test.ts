import t from 'tap'
import { BoardTelemetry } from '../../src/broker/devices/board-telemetry.ts'
import type { Publisher } from '../../src/broker/publisher.ts'
import { gatewayTopics, isFrameTopic } from '../../src/broker/topics/topics.ts'
import { Bus } from '../../src/kernel/bus.ts'
import { type BoardId, boardId, type JobId, jobId } from '../../src/kernel/ids.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { encodeFrame, frameOverheadBytes } from '../../src/protocol/frame.ts'
import { FrameDecoder } from '../../src/protocol/frame-decoder.ts'
import { decodeHostMessage, encodeHostMessage } from '../../src/protocol/message-codec.ts'
import { messageTypes } from '../../src/protocol/messages.ts'
import type { GatewayCore, GatewayEvents } from '../../src/upload/gateway-core.ts'
import { MessageCutter, toLine } from '../../src/virtual/message-cutter.ts'
import { noise } from '../upload/upload-rig.ts'
import { type BrokerRig, gw, until } from './broker-rig.ts'
import { MqttRigBoard, mqttRig } from './mqtt-board-rig.ts'

const own = `pixelgate/${gw}`
const silent = '33333333-3333-3333-3333-333333333333'

const isThere = (rig: BrokerRig, { id }: { id: BoardId }): Promise<void> =>
  until(() => rig.core.registry.session(id) !== undefined, 'the session')

const uploaded = async (rig: BrokerRig, id: BoardId, sizeBytes = 40_000) => {
  const { pattern } = await rig.core.uploads.addFile(noise(sizeBytes), `noise-${sizeBytes}.bin`, true)
  const { jobs } = await rig.core.uploads.submit(pattern, [id], { fileName: 'noise.bin', raw: true })
  const job: JobId = jobs[0]?.id ?? jobId('')
  let state = ''
  rig.core.bus.on('job.changed', record => {
    if (record.id === job) ({ state } = record)
  })
  await until(
    () => state === 'done' || state === 'failed',
    () => `the end of the upload, it is ${state}`,
  )
  return rig.core.uploads.report(job)
}

t.test('messages that come twice, as QoS 1 may bring them, do no harm', async t => {
  const rig = await mqttRig(t)
  const twice = (bytes: Uint8Array) => [bytes, bytes.slice()]
  const board = await MqttRigBoard.start(rig, 1, { toBoard: twice, toGateway: twice })
  await isThere(rig, board)
  t.match(await uploaded(rig, board.id), { resentBlocks: 0 })
})

t.test('a board that pulls opens its segments with HAVE and chooses the size of its frames', async t => {
  const rig = await mqttRig(t)
  const [fromGateway, fromBoard] = [new FrameDecoder(4096), new FrameDecoder(4096)]
  let pulls = 0
  const sizes = new Set<number>()
  const board = await MqttRigBoard.start(rig, 1, {
    toBoard: bytes => {
      const frames: Uint8Array[] = []
      fromGateway.push(bytes, ({ type, session, seq, body }) => {
        const message = decodeHostMessage(type, body)
        if (message.ok && message.value.type === 'DATA') sizes.add(body.length)
        const asks =
          message.ok && message.value.type === 'HAVEQ' && message.value.start ? message.value : undefined
        // As if it had not been asked: with a place in the sequence and a size of its own.
        const pull = asks && { ...asks, firstSeq: (asks.firstSeq + 64) & 0xffff, bodyBytes: 300 }
        frames.push(encodeFrame(type, session, seq, pull ? encodeHostMessage(pull) : body))
      })
      return frames
    },
    toGateway: bytes => {
      const frames: Uint8Array[] = []
      fromBoard.push(bytes, ({ type, session, seq, body }) => {
        const isPull = type === messageTypes.HAVE && (body[0] ?? 0) === 1
        if (isPull) pulls++
        frames.push(encodeFrame(type, session, isPull ? 0 : seq, body))
      })
      return frames
    },
  })
  await isThere(rig, board)
  t.match(await uploaded(rig, board.id), { resentBlocks: 0, retransmittedBytes: 0 })
  t.ok(pulls >= 2, 'for the manifest and for the image')
  t.equal(Math.max(...sizes), 300)
})

t.test('a board is paired over MQTT, and proves itself at each greeting', async t => {
  const rig = await mqttRig(t)
  const board = await MqttRigBoard.start(rig, 1)
  await isThere(rig, board)
  const session = rig.core.registry.session(board.id)
  if (session === undefined) throw new Error('no session')
  await rig.core.pairing.pair(session, { trustLine: false })
  t.match(await rig.core.views.find(board.id), { trust: 'paired' })
  board.transport.power(false, true)
  await until(() => rig.core.registry.session(board.id) === undefined, 'the board to leave')
  board.transport.power(true, false)
  await isThere(rig, board)
  t.match(await rig.core.views.find(board.id), { trust: 'paired' })
  await uploaded(rig, board.id, 3000)
})

t.test('one UUID over MQTT and on a cable is a quarantine, until one of them is gone', async t => {
  const rig = await mqttRig(t)
  const control = await rig.connect()
  const board = await MqttRigBoard.start(rig, 7)
  const topic = `${own}/${board.id}/availability`
  await control.client.subscribeAsync(topic, { qos: 1 })
  await isThere(rig, board)
  const twin = rig.board(7).catch(() => undefined)
  await until(() => rig.core.registry.quarantined(board.id), 'the quarantine')
  t.match(await rig.core.views.find(board.id), { state: 'quarantined' })
  await until(() => control.on(topic).at(-1) === 'offline', 'offline')
  await board.stop()
  await twin
  await until(() => control.on(topic).at(-1) === 'online', 'the other one')
  t.match(await rig.core.views.find(board.id), { state: 'connected', address: 'memory' })
})

t.test(
  'a client that takes frames and answers none is asked less and less often, and at once when it speaks',
  async t => {
    const clock = new VirtualClock()
    const rig = await mqttRig(t, clock)
    const client = await rig.connect({ ...(await rig.user('shelf', { boardId: silent })), clientId: silent })
    const place = `${own}/${silent}`
    await client.client.subscribeAsync(`${place}/frames/down`, { qos: 1 })
    const greetings = () => client.on(`${place}/frames/down`).length
    const pass = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 500) {
        clock.advance(500)
        await new Promise(setImmediate)
      }
      await rig.broker.ping()
    }
    await until(() => greetings() >= 1, 'the first greeting')
    await pass(6000)
    await until(() => rig.logged(/Nothing answers on mqtt:/).length === 1, 'the line in the log')
    const first = greetings()
    t.ok(first >= 5)
    await pass(25_000)
    t.equal(greetings(), first, 'it is left alone')
    await pass(11_000)
    await until(() => greetings() > first, 'greetings after half a minute')
    const second = greetings()
    await pass(50_000)
    t.equal(greetings(), second, 'now for a minute')
    await client.client.publishAsync(`${place}/frames/up`, Buffer.from('hello'), { qos: 1 })
    await until(() => greetings() > second, 'a greeting at once')
    t.same(rig.core.registry.present(), [])
    await client.client.publishAsync(`${place}/availability`, 'online', { qos: 1, retain: true })
    const late = await rig.connect()
    await late.client.subscribeAsync(`${place}/availability`)
    await late.hears(`${place}/availability`, 'online')
  },
)

t.test('frames of somebody else, or of a client that came before, are not heard', async t => {
  const rig = await mqttRig(t)
  const board = await MqttRigBoard.start(rig, 1)
  await isThere(rig, board)
  const before = rig.core.registry.session(board.id)?.channel.bytesIn ?? 0
  const control = await rig.connect(await rig.user('desk', 'control'))
  const other = await rig.connect({ ...(await rig.user('shelf', { boardId: silent })), clientId: silent })
  for (const { client } of [control, other])
    await client.publishAsync(`${own}/${board.id}/frames/up`, Buffer.alloc(5000), { qos: 1 })
  const twin = await rig.connect({ ...(await rig.user('twin', { boardId: board.id })), clientId: board.id })
  await twin.client.publishAsync(`${own}/${board.id}/frames/up`, Buffer.alloc(5000), { qos: 1 })
  await rig.broker.ping()
  const session = rig.core.registry.session(board.id)
  t.ok((session?.channel.bytesIn ?? 5000) - before < 5000)
  t.equal(session?.alive, true)
})

t.test('frames are known by their topics, and are kept for no session that is away', async t => {
  const { framesDown, upload } = gatewayTopics(gw)
  const { data, offer, abort } = upload('b', 'j')
  for (const topic of [framesDown('b'), data, `${own}/b/frames/up`, `${own}/b/upload/j/get`])
    t.ok(isFrameTopic(topic), topic)
  for (const topic of [offer, abort, `${own}/b/state`, 'room/x/b/frames/up', `${own}/b/upload/j/status`])
    t.notOk(isFrameTopic(topic), topic)
  const rig = await mqttRig(t)
  const board = await MqttRigBoard.start(rig, 1)
  await isThere(rig, board)
  const lasting = { ...(await rig.user('desk', 'control')), clientId: 'lasting', clean: false }
  const away = await rig.connect(lasting)
  await away.client.subscribeAsync(`${own}/#`, { qos: 1 })
  await away.client.endAsync()
  await uploaded(rig, board.id)
  const back = await rig.connect(lasting)
  await until(() => back.heard.some(({ text }) => text.includes('"state":"done"')), 'what it missed')
  t.same(
    back.heard.filter(({ topic }) => /upload\/[^/]+\/(data|get)$/.test(topic)),
    [],
  )
})

t.test('what is measured of a board is told when it has changed, every ten seconds at most', t => {
  const clock = new VirtualClock()
  const bus = new Bus<GatewayEvents>()
  const said: [string, unknown, number | undefined][] = []
  const publisher = {
    send: async (topic: string, message: unknown, qos?: number) => void said.push([topic, message, qos]),
  } as unknown as Publisher
  const core = {
    bus,
    registry: { present: () => [boardId('b')], session: () => ({ roundTripMs: 12.34 }) },
  } as unknown as GatewayCore
  const telemetry = new BoardTelemetry({ core, topics: gatewayTopics(gw), publisher, clock })
  telemetry.start()
  const state = (uptimeSeconds: number) =>
    bus.emit('board.state', {
      boardId: boardId('b'),
      state: { mode: 'playing', brightness: 1, slot: 0, imageId: null, uptimeSeconds },
    })
  for (let i = 0; i < 9; i++) {
    state(i)
    clock.advance(1000)
  }
  t.same(said, [])
  clock.advance(1000)
  const at = `${own}/b/telemetry`
  t.same(said.splice(0), [
    [`${at}/uptime-seconds`, 8, 0],
    [`${at}/round-trip-ms`, 12.3, 0],
  ])
  clock.advance(10_000)
  t.same(said, [], 'nothing has changed')
  state(60)
  clock.advance(10_000)
  t.same(said.splice(0), [[`${at}/uptime-seconds`, 60, 0]])
  bus.emit('board.down', { boardId: boardId('b'), error: undefined })
  state(90)
  clock.advance(20_000)
  t.same(said, [], 'of a board that is away nothing is told')
  telemetry.stop()
  t.end()
})

t.test('a line is cut into messages wherever its bytes are cut', t => {
  const contents = [1, 8, 253, 254, 255, 300, 4096, 4097, 20_000].map(size =>
    Uint8Array.from({ length: size + frameOverheadBytes }, (_, i) => (i % 7 === 0 ? 0 : i & 0xff)),
  )
  const line = Buffer.concat(contents.flatMap(content => [Buffer.alloc(1), toLine(content)]))
  for (const step of [1, 2, 7, 64, 1000, line.length]) {
    const cutter = new MessageCutter()
    const found: Uint8Array[] = []
    for (let at = 0; at < line.length; at += step) found.push(...cutter.push(line.subarray(at, at + step)))
    // The last two are longer than any frame may be.
    t.same(
      found.map(({ length }) => length),
      contents.slice(0, -2).map(({ length }) => length),
      `${step}`,
    )
    t.ok(found.every((frame, i) => Buffer.compare(frame, contents[i] ?? frame) === 0))
  }
  t.end()
})
