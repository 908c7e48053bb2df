import t from 'tap'
import type { BrokerMessage, BrokerPort } from '../../src/broker/broker-port.ts'
import { DedupeWindow } from '../../src/broker/upstream/dedupe-window.ts'
import { discoveryForAbove, isDiscovery } from '../../src/broker/upstream/discovery-topics.ts'
import { classify } from '../../src/broker/upstream/message-class.ts'
import { Receiver } from '../../src/broker/upstream/receiver.ts'
import { TopicMap } from '../../src/broker/upstream/topic-map.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { CourierRig, message } from './courier-rig.ts'

t.test('the topics in a discovery message are those above, and its words stay', async t => {
  const map = new TopicMap({
    prefixes: [{ local: 'pixelgate', remote: 'sites/attic/pixelgate' }],
    escape: false,
  })
  const config = {
    dev: { ids: 'pixelgate/x', name: 'pixelgate/board' },
    '~': 'pixelgate/gw/b',
    avty: [{ topic: 'pixelgate/gw/status' }, { t: '~/availability' }],
    cmps: {
      light: { p: 'light', cmd_t: 'pixelgate/gw/b/light/set', state_topic: '~/state', name: 'pixelgate/y' },
    },
  }
  const got = JSON.parse(Buffer.from(discoveryForAbove(Buffer.from(JSON.stringify(config)), map)).toString())
  t.same(got, {
    dev: { ids: 'pixelgate/x', name: 'pixelgate/board' },
    '~': 'sites/attic/pixelgate/gw/b',
    avty: [{ topic: 'sites/attic/pixelgate/gw/status' }, { t: '~/availability' }],
    cmps: {
      light: {
        p: 'light',
        cmd_t: 'sites/attic/pixelgate/gw/b/light/set',
        state_topic: '~/state',
        name: 'pixelgate/y',
      },
    },
  })
  t.same(discoveryForAbove(Buffer.alloc(0), map), Buffer.alloc(0), 'an empty one removes a device')
})

t.test('a discovery message without topics of ours, and what only looks like one, goes as it is', async t => {
  const map = new TopicMap({
    prefixes: [{ local: 'pixelgate', remote: 'sites/attic/pixelgate' }],
    escape: false,
  })
  const deep = (levels: number) =>
    `{"t":"pixelgate/x","a":${'['.repeat(levels)}${']'.repeat(levels)},"n":1.0}`
  for (const text of [
    '{"id":12345678901234567890,"x":1.0,"t":"room/x"}',
    ...['[1.0]', '1.0', 'null', '{', ''],
    ...[deep(40), deep(20_000), '['.repeat(20_000) + ']'.repeat(20_000)],
  ])
    t.equal(Buffer.from(discoveryForAbove(Buffer.from(text), map)).toString(), text)
  t.match(
    Buffer.from(discoveryForAbove(Buffer.from(deep(20)), map)).toString(),
    /"sites\/attic\/pixelgate\/x"/,
  )
  const yes = ['homeassistant/light/a/config', 'homeassistant/device/node/a/config', 'my/ha/light/a/config']
  for (const topic of yes) t.ok(isDiscovery(topic), topic)
  for (const topic of ['room/config', 'room/plug/config', 'pixelgate/gw/board/config', 'ha/light/a/config/x'])
    t.notOk(isDiscovery(topic), topic)
})

t.test('a message that cannot be put into words is left alone with its topic, and the others go', async t => {
  const rig = new CourierRig()
  const { session, window } = rig
  const { publish } = session
  session.publish = (given, done) => {
    if (given.topic === 'bad') throw new Error('no words')
    publish(given, done)
  }
  await rig.outbox.open()
  rig.connect()
  rig.outbox.note(message('bad', '1'))
  rig.outbox.note(message('good', '2'))
  t.same([...(await rig.arrive())], [['good', ['2']]])
  t.same(window.setAside, ['bad'])
  await rig.outbox.settle()
  t.same(rig.store.texts, ['1'], 'it stays in the outbox')
})

t.test('what was seen lately is known, what was long ago is not, and the memory has a cap', async t => {
  const clock = new VirtualClock()
  const window = new DedupeWindow(clock, { rememberedMs: 1000, max: 3 })
  t.same([window.has('a'), window.has('a')], [false, true])
  clock.advance(1001)
  t.equal(window.has('a'), false)
  for (const key of ['b', 'c', 'd']) window.has(key)
  t.equal(window.has('a'), false, 'the oldest is forgotten')
})

t.test('every message has its worth', async t => {
  const say = (topic: string, text: string, more: object) =>
    classify(
      {
        ...{ who: undefined, clientId: undefined, topic, payload: Buffer.from(text), qos: 1, retain: false },
        ...more,
      } as BrokerMessage,
      'pixelgate/gw',
    )
  const status = 'pixelgate/gw/b/upload/j1/status'
  t.same(say(status, '{"state":"done"}', { retain: true }), { class: 'result', job: 'j1' })
  t.same(say(status, '{"state":"transferring"}', { retain: true }), { class: 'state' })
  t.same(
    say(status, '', { retain: true }),
    { class: 'result' },
    'an end that stands above is cleared for certain',
  )
  t.same(
    say(status, '{"state":"done"}', { retain: true, who: { name: 'x' } }),
    { class: 'state' },
    'only our own word',
  )
  for (const text of ['null', '5', '{', '{"state":"done"}'])
    t.same(say('pixelgate/other/b/upload/j1/status', text, {}), { class: 'message' }, 'of another gateway')
  t.same(say('pixelgate/gw/b/telemetry/volt', '5', {}), { class: 'telemetry' })
  t.same(say('room/door', 'open', { qos: 0 }), { class: 'telemetry' })
  t.same(say('room/door', 'open', {}), { class: 'message' })
})

t.test('of what comes down only a repetition does nothing', async t => {
  const clock = new VirtualClock()
  const map = new TopicMap({ prefixes: [], escape: false })
  const receiver = new Receiver({
    ...{ name: 'u', gatewayId: 'gw', in: ['room/#'], commands: true, clock, log: silentLog, map },
    maxPacketBytes: 1000,
  })
  const got: string[] = []
  const port = {
    publishFor: async (_: unknown, { payload }: { payload: Buffer }) => {
      got.push(payload.toString())
      return { allowed: true }
    },
  } as unknown as BrokerPort
  /** A `!` behind the text: it is marked as a repetition. */
  const hears = async (topic: string, ...texts: readonly string[]) => {
    got.length = 0
    for (const text of texts)
      await receiver.receive(port, {
        ...{ topic, payload: Buffer.from(text.replace('!', '')), retain: false, id: undefined },
        dup: text.endsWith('!'),
      })
    return got.join(' ')
  }
  t.equal(await hears('room/plug', 'on', 'off', 'on'), 'on off on', 'the last word counts')
  t.equal(await hears('room/button', 'press', 'press'), 'press press', 'twice is twice')
  t.equal(await hears('room/lamp', 'on', 'on!', 'off', 'off!'), 'on off')
  t.equal(
    await hears('room/door', 'open', 'shut', 'open!', 'shut!'),
    'open shut open shut',
    'the end is right',
  )
  clock.advance(5_001)
  t.equal(await hears('room/lamp', 'off!'), 'off', 'after a while nobody knows')
  const next = 'pixelgate/gw/b/cmd/next'
  t.equal(await hears(next, '', '', '!'), ' ')
  const named = '{"correlationId":"1"}'
  t.equal(await hears('pixelgate/gw/b/cmd/brightness', named, named), named)
  t.equal(receiver.duplicates, 4)
})
