import { once } from 'node:events'
import { createConnection } from 'node:net'
import t from 'tap'
import { WebSocket } from 'ws'
import { systemClock } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import type { Log } from '../../src/kernel/log.ts'
import { eventually, isRising, liveRig, person } from './live-rig.ts'

const anna = person('anna')
const signIn = 'The first message must be auth with a token'

t.test('who came with a cookie is greeted at once; others sign in with their first message', async t => {
  const { clock, connect, join } = await liveRig(t)
  const known = await join(anna)
  t.same(known.messages, [
    {
      v: 1,
      seq: 1,
      ts: new Date(clock.wallTime()).toISOString(),
      topic: 'session',
      type: 'welcome',
      data: { name: 'anna', role: 'operator', version: '1.2.3', epoch: 'epoch', seq: 1 },
    },
  ])
  known.send({ type: 'auth', token: 'wrong' })
  await known.until(() => known.of('session', 'welcome').length === 2, 'second welcome')

  const late = connect()
  await once(late.socket, 'open')
  clock.advance(9_999)
  late.send({ type: 'auth', token: 'token-ben' })
  late.send({ type: 'subscribe', topics: ['boards'] })
  await late.until(({ type }) => type === 'subscribed', 'answer to what came while the token was looked up')
  t.match(late.messages, [
    { type: 'welcome', seq: 1, data: { name: 'ben', seq: 1 } },
    { seq: 2, data: { topics: ['boards'] } },
  ])
  clock.advance(20_000)
  await late.settle()
})

t.test('without a sign-in within ten seconds the socket is closed with 4401 and the reason', async t => {
  const { hub, clock, connect } = await liveRig(t)
  const silent = connect()
  await once(silent.socket, 'open')
  t.match(hub.stats(), { clients: 1, anonymous: 1 })
  clock.advance(9_999)
  t.equal(hub.stats().clients, 1)
  clock.advance(1)
  t.same(await silent.end(), { code: 4401, reason: 'Sign in within 10 s' })
  await eventually(() => hub.stats().clients === 0, 'the socket is gone')
})

t.test('a wrong token, another first message or none at all end the connection', async t => {
  const { clock, connect } = await liveRig(t)
  const cases: [string, string][] = [
    ['{"type":"auth","token":"wrong"}', 'This token is not valid; sign in again'],
    ['{"type":"subscribe","topics":["boards"]}', signIn],
    ['{"type":"auth"}', signIn],
    ['nonsense', signIn],
  ]
  for (const [text, reason] of cases) {
    const caller = connect()
    await once(caller.socket, 'open')
    caller.socket.send(text)
    caller.socket.send('{"type":"subscribe","topics":["boards"]}')
    t.same(await caller.end(), { code: 4401, reason })
    t.same(caller.messages, [])
  }
  clock.advance(0)
})

t.test(
  'while a token is looked up so many requests wait and no more; a failing look-up says to come back',
  async t => {
    let fail: (error: Error) => void = () => undefined
    const never = new Promise<undefined>((_resolve, reject) => {
      fail = reject
    })
    const { connect } = await liveRig(t, {
      authenticate: () => never,
      limits: { waitingForSignIn: 2 },
    })
    const [eager, patient, gone] = [connect(), connect(), connect()]
    for (const caller of [eager, patient, gone]) {
      await once(caller.socket, 'open')
      caller.send({ type: 'auth', token: 'x' })
    }
    for (let id = 0; id < 3; id++) eager.send({ type: 'ping', id })
    t.match(await eager.end(), { code: 4429 })
    gone.socket.terminate()
    fail(new Error('the disk is full'))
    t.same(await patient.end(), { code: 1013, reason: 'The token could not be checked; try again later' })
  },
)

t.test('messages reach those who have asked for their topic, under one number for all of them', async t => {
  const { hub, clock, join } = await liveRig(t)
  const [one, two] = [await join(anna), await join(person('ben', 'viewer'))]
  await one.subscribe('boards', 'boards', 'jobs')
  await two.subscribe('boards')
  t.ok(hub.wanted('boards'))
  t.notOk(hub.wanted('gpio'))
  hub.publish('boards', 'board', { id: 'b1', name: 'Grüße 🔥' })
  hub.publish('jobs', 'job', { id: 'j1' })
  hub.publish('gpio', 'line', {})
  one.send({ type: 'unsubscribe', topics: ['boards', 'health'] })
  await one.until(() => one.of('session', 'subscribed').length === 2, 'the rest of the topics')
  hub.publish('boards', 'board', { id: 'b2' })
  await Promise.all([one.settle(), two.settle()])
  t.ok(isRising(one) && isRising(two))
  t.equal(one.of('boards')[0]?.seq, two.of('boards')[0]?.seq)
  t.same(one.data('session', 'subscribed'), [{ topics: ['boards', 'jobs'] }, { topics: ['jobs'] }])
  t.same(one.data('boards'), [{ id: 'b1', name: 'Grüße 🔥' }])
  t.same(one.data('jobs'), [{ id: 'j1' }])
  t.same(two.data('boards'), [{ id: 'b1', name: 'Grüße 🔥' }, { id: 'b2' }])
  t.match(hub.stats(), { clients: 2, anonymous: 0, subscriptions: 2, dropped: 0, messagesIn: 5 })
  one.socket.close()
  await one.closed
  await eventually(() => hub.stats().clients === 1, 'the end of a connection')
  t.ok(hub.wanted('jobs'), 'who was cut off may come back')
  clock.advance(5 * 60_000)
  t.notOk(hub.wanted('jobs'))
})

t.test('what is meant for some reaches nobody else', async t => {
  const { hub, join } = await liveRig(t)
  const [one, two] = [await join(anna), await join(person('ben'))]
  await one.subscribe('chat', 'typing')
  await two.subscribe('chat', 'typing')
  const to = ({ name }: { name: string }) => name === 'anna'
  hub.publish('chat', 'message', { text: 'secret' }, { to })
  hub.publish('typing', 'typing', { name: 'secret' }, { to })
  await Promise.all([one.settle(), two.settle()])
  t.equal(one.of('chat').length + one.of('typing').length, 2)
  t.equal(two.of('chat').length + two.of('typing').length, 0)
})

t.test('the snapshot of a topic comes before its news, however long it takes', async t => {
  const { hub, join } = await liveRig(t, { limits: { heldForSnapshot: 2 } })
  let made: (items: { type: string; data: unknown }[]) => void = () => undefined
  let refuse: (error: Error) => void = () => undefined
  const asked: unknown[] = []
  const provider = (of: unknown) => {
    asked.push(of)
    return new Promise<{ type: string; data: unknown }[]>((resolve, reject) => {
      made = resolve
      refuse = reject
    })
  }
  hub.provide('boards', provider)
  hub.provide('jobs/ID', provider)
  hub.provide('gpio', () => [{ type: 'line', data: 'line' }])
  const caller = await join(anna)
  await caller.subscribe('boards', 'gpio', 'jobs')
  await caller.subscribe('boards')
  t.equal(asked.length, 1, 'one snapshot at a time')
  hub.publish('boards', 'board', 'news')
  await caller.settle()
  t.same(caller.data('gpio'), ['line'])
  t.same(caller.data('boards'), [])
  made([
    { type: 'board', data: 'one' },
    { type: 'board', data: 'two' },
  ])
  await caller.until(({ data }) => data === 'news', 'news')
  t.same(caller.data('boards'), ['one', 'two', 'news'])

  const id = '0190b1c2-0000-7000-8000-000000000000'
  await caller.subscribe(`jobs/${id}`)
  t.same(asked.at(-1), { principal: anna, id })
  for (const data of [1, 2, 3]) hub.publish(`jobs/${id}`, 'job', data)
  await caller.settle()
  t.same(caller.data(`jobs/${id}`), [1, 2, 3], 'too much news does not wait')
  made([{ type: 'job', data: 0 }])
  await caller.settle()
  t.same(caller.data(`jobs/${id}`), [1, 2, 3])

  await caller.subscribe('boards')
  refuse(new AppError('storage_failed', 'the disk is full'))
  await caller.until(({ type }) => type === 'error', 'error')
  await caller.subscribe('boards')
  refuse(new TypeError('secret words'))
  await caller.until(() => caller.of('session', 'error').length === 2, 'error')
  t.same(caller.data('session', 'error'), [
    { code: 'storage_failed', message: 'the disk is full' },
    { code: 'internal', message: 'The gateway has a fault of its own. Its log has the details.' },
  ])
  await caller.subscribe('boards')
  caller.send({ type: 'unsubscribe', topics: ['boards'] })
  await caller.settle()
  made([{ type: 'board', data: 'late' }])
  await caller.settle()
  t.notOk(caller.data('boards').includes('late'))
})

t.test('what a client sends wrongly is answered; the connection stays', async t => {
  const { hub, clock, join } = await liveRig(t)
  hub.onTyping(async (_principal, roomId) => {
    if (roomId !== 'r1') throw new AppError('not_found', 'There is no room with this id.')
  })
  const caller = await join(anna)
  const errors = async (...texts: (string | Buffer)[]) => {
    const before = caller.of('session', 'error').length
    for (const text of texts) caller.socket.send(text)
    await caller.settle()
    return caller.data('session', 'error').slice(before)
  }
  t.match(await errors('', '[]', 'null', '{"type":"fly"}'), [
    { code: 'usage', message: 'This message is no JSON.' },
    { code: 'usage', message: /^This message does not fit: / },
    { code: 'usage' },
    { code: 'usage' },
  ])
  t.match(await errors('{"type":"subscribe","topics":["secrets"]}', '{"type":"ping","id":1,"x":1}'), [
    { message: /topics: 0: / },
    { code: 'usage' },
  ])
  t.match(await errors(Buffer.from([1, 2, 3])), [{ message: 'Send JSON text, not binary messages.' }])
  clock.advance(1000)
  t.same(await errors('{"type":"typing","roomId":"r1"}'), [])
  t.same(await errors('{"type":"typing","roomId":"r2"}'), [
    { code: 'not_found', message: 'There is no room with this id.' },
  ])
  const topics = Array.from({ length: 65 }, (_, n) => `jobs/${String(n).padStart(36, '0')}`)
  await caller.subscribe(...topics.slice(0, 60))
  t.match(await errors(JSON.stringify({ type: 'subscribe', topics: topics.slice(59) })), [
    { message: 'At most 64 topics for one connection.' },
  ])
  t.match(await errors(JSON.stringify({ type: 'subscribe', topics })), [{ code: 'usage' }])
})

t.test('frames that break the protocol or are too large end only their own connection', async t => {
  const { hub, port, join } = await liveRig(t)
  const witness = await join(anna)
  await witness.subscribe('boards')
  const large = await join(anna)
  large.socket.send('x'.repeat(16 * 1024 + 1))
  t.match(await large.end(), { code: 1009 })
  const edge = await join(anna)
  edge.socket.send('x'.repeat(16 * 1024))
  await edge.until(({ type }) => type === 'error', 'answer to what just fits')

  const handshake = [
    'GET /ws HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    `x-test-caller: ${anna.id}`,
  ].join('\r\n')
  const bad: Record<string, number[]> = {
    'no mask': [0x81, 0x02, 0x7b, 0x7d],
    'reserved bits': [0xf1, 0x80, 0, 0, 0, 0],
    'unknown opcode': [0x83, 0x80, 0, 0, 0, 0],
    'text that is no UTF-8': [0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28],
    'a continuation of nothing': [0x80, 0x80, 0, 0, 0, 0],
    'a ping of 126 bytes': [0x89, 0xfe, 0, 126, 0, 0, 0, 0],
    'a length of 2^63': [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
  }
  for (const [what, frame] of Object.entries(bad)) {
    const socket = createConnection(port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    socket.write(`${handshake}\r\n\r\n`)
    socket.once('data', () => socket.write(Buffer.from(frame)))
    socket.resume()
    await once(socket, 'close')
    t.pass(what)
  }
  const plain = createConnection(port, '127.0.0.1')
  t.teardown(() => plain.destroy())
  plain.write(`${handshake.replace('Version: 13', 'Version: 7')}\r\n\r\n`)
  const [answer] = await once(plain, 'data')
  t.match(String(answer), /^HTTP\/1\.1 400 /)
  await eventually(() => hub.stats().clients === 2, 'the bad ones are gone')
  hub.publish('boards', 'board', 'still here')
  await witness.settle()
  t.same(witness.data('boards'), ['still here'])
})

t.test('twenty messages a second are read, the others refused, and a flood ends the connection', async t => {
  const { hub, clock, join } = await liveRig(t)
  const caller = await join(anna)
  for (let id = 0; id < 30; id++) caller.send({ type: 'ping', id })
  await caller.until(() => caller.messages.length === 31, 'thirty answers')
  t.equal(caller.of('session', 'pong').length, 20)
  t.same(caller.data('session', 'error')[0], {
    code: 'rate_limited',
    message: 'At most 20 messages a second; this one was not read.',
  })
  clock.advance(1000)
  await caller.settle()
  t.equal(caller.of('session', 'pong').length, 21)
  for (let id = 0; id < 300; id++) caller.send({ type: 'ping', id })
  t.same(await caller.end(), { code: 4429, reason: 'Too many messages' })
  await eventually(() => hub.stats().clients === 0, 'the flood is gone')
})

t.test('connections are counted: for one person, for the nameless, for all', async t => {
  const { hub, port, connect, join } = await liveRig(t, {
    limits: { connections: 6, anonymous: 2, connectionsOfOne: 3 },
  })
  const own = [await join(anna), await join(anna), await join(anna)]
  t.same(await connect(anna).end(), { code: 4429, reason: 'At most 3 connections for one person' })
  const nameless = [connect(), connect()]
  for (const { socket } of nameless) await once(socket, 'open')
  const refused = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`)
    const [, response] = await once(socket, 'unexpected-response')
    socket.on('error', () => undefined)
    socket.terminate()
    return { status: response.statusCode, headers: response.headers }
  }
  t.match(await refused(), {
    status: 503,
    headers: {
      'retry-after': '1',
      'content-type': 'application/problem+json',
      'content-security-policy': String,
      'x-content-type-options': 'nosniff',
      connection: 'close',
    },
  })
  nameless[0]?.send({ type: 'auth', token: 'token-anna' })
  t.match(await nameless[0]?.end(), { code: 4429 })
  own[0]?.socket.close()
  await eventually(() => hub.stats().clients === 3, 'two are gone')
  nameless[1]?.send({ type: 'auth', token: 'token-anna' })
  await nameless[1]?.until(({ type }) => type === 'welcome', 'welcome in the free place')
  await join(person('ben'))
  await join(person('cora'))
  await join(person('dora'))
  t.equal(hub.stats().clients, 6)
  t.equal((await refused()).status, 503)
})

t.test('pings find the dead and measure the living', async t => {
  const { hub, clock, join } = await liveRig(t)
  t.match(hub.stats(), { latencyP50Ms: null, latencyP95Ms: null })
  const alive = await join(anna)
  const dead = await join(person('ben'))
  await eventually(() => hub.stats().latencyP95Ms !== null, 'a pong')
  await alive.settle()
  await dead.settle()
  dead.socket.pause()
  clock.advance(15_000)
  await alive.settle()
  clock.advance(14_999)
  t.equal(hub.stats().clients, 2)
  clock.advance(1)
  dead.socket.resume()
  t.same(await dead.end(), { code: 4408, reason: 'No answer to a ping' })
  await alive.settle()
  t.match(hub.stats(), { clients: 1, latencyP50Ms: 0 })
  alive.socket.pong()
  await alive.settle()
})

t.test('who is signed out is disconnected on all tabs, and nobody else', async t => {
  const { hub, join } = await liveRig(t)
  const [first, second, other] = [await join(anna), await join(anna), await join(person('ben'))]
  hub.disconnectUser(anna.id)
  hub.disconnectUser('nobody')
  t.same(await first.end(), { code: 4401, reason: 'Signed out' })
  t.same(await second.end(), { code: 4401, reason: 'Signed out' })
  await other.settle()
})

t.test('comings and goings are told, once each', async t => {
  const { hub, join } = await liveRig(t)
  const told: string[] = []
  const unsubscribe = hub.onArrival(({ name }) => {
    told.push(`+${name}`)
    return () => void told.push(`-${name}`)
  })
  const caller = await join(anna)
  hub.disconnectUser(anna.id)
  await caller.end()
  unsubscribe()
  await join(person('ben'))
  t.same(told, ['+anna', '-anna'])
})

t.test('stop ends all within a second, also those who do not read', async t => {
  const lines: string[] = []
  const log: Log = { debug: (_fields, message) => void lines.push(message), info() {}, warn() {}, error() {} }
  const { hub, connect, join } = await liveRig(t, { clock: systemClock, log })
  const [reading, frozen] = [await join(anna), await join(anna)]
  const nameless = connect()
  await once(nameless.socket, 'open')
  frozen.socket.pause()
  const began = performance.now()
  await Promise.all([hub.stop(), hub.stop()])
  const took = performance.now() - began
  t.ok(took < 1000, `${took.toFixed(0)} ms`)
  for (const caller of [reading, nameless])
    t.same(await caller.end(), { code: 1001, reason: 'The gateway stops' })
  t.equal(hub.stats().clients, 0)
  const late = connect(anna)
  t.match(await late.end(), { code: 1006 })
  await hub.stop()
})

t.test('an empty hub stops at once', async t => {
  const { hub } = await liveRig(t)
  await hub.stop()
})
