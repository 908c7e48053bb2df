import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { MqttClient } from 'mqtt'
import t, { type Test } from 'tap'
import { MqttUsers } from '../../src/account/mqtt-users.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { BrokerRig, connectPacket, gw, publishPacket, RawClient, until, welcome } from './broker-rig.ts'

const own = `pixelgate/${gw}`
const [boardA, boardB] = ['aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', 'bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb']

const closed = (client: MqttClient): Promise<void> =>
  new Promise(resolve => client.once('close', () => resolve()))

t.test('secrets are generated, told once and kept as hashes', async t => {
  const rig = await BrokerRig.start(t)
  const { user, password } = await rig.users.add({ name: 'desk', access: 'watch' })
  t.ok(Buffer.from(password, 'base64url').length >= 16, 'at least 128 bits')
  t.match(user, { name: 'desk', boardId: null, access: 'watch', createdAt: /^20\d\d-/ })
  t.notOk(JSON.stringify(await rig.store.mqttUsers.list()).includes(password))
  await t.rejects(rig.users.add({ name: 'desk', access: 'control' }), { code: 'conflict' })
  await t.rejects(rig.users.add({ name: 'odd', access: 'watch', boardId: 'no uuid' }), { code: 'usage' })
  await t.rejects(rig.users.rotate('nobody'), { code: 'not_found' })
  await t.rejects(rig.users.remove('nobody'), { code: 'not_found' })
  const board = await rig.users.add({
    name: 'a',
    access: 'watch',
    boardId: boardA.toUpperCase().replaceAll('-', ''),
  })
  t.match(board.user, { boardId: boardA, access: 'board' })
  t.same(
    rig.users.list().map(({ name }) => name),
    ['a', 'desk'],
  )
  const again = await MqttUsers.open(rig.store, systemClock)
  t.match(again.authenticate('desk', Buffer.from(password)), { name: 'desk', access: 'watch' })
  t.equal(again.authenticate('desk', Buffer.from(`${password}x`)), undefined)
  t.equal(again.authenticate('nobody', Buffer.from(password)), undefined)
  for (let i = 0; i < 998; i++) await rig.users.add({ name: `n${i}`, access: 'watch' })
  await t.rejects(rig.users.add({ name: 'more', access: 'watch' }), { code: 'conflict', message: /1000/ })
})

t.test('nobody comes in without the right name and secret', async t => {
  const rig = await BrokerRig.start(t)
  const { username, password } = await rig.user('desk', 'watch')
  const answer = (options: object) =>
    rig.connect({ port: rig.port, ...options }).then(
      () => 'let in',
      (error: { code?: number }) => error.code,
    )
  t.equal(await answer({}), 5, 'no name')
  t.equal(await answer({ username, password: 'wrong' }), 4)
  t.equal(await answer({ username, password: '' }), 4)
  t.equal(await answer({ username: 'nobody', password }), 4)
  t.equal(await answer({ username: '__proto__', password }), 4)
  t.equal(
    await answer({ port: rig.openPort, username, password: 'wrong' }),
    4,
    'a wrong secret is no anonymity',
  )
  t.equal(await answer({ username, password }), 'let in')
  t.equal(await answer({ port: rig.openPort }), 'let in')
  const lines = rig.logged(/was not let in/)
  t.equal(lines.length, 6)
  t.notOk(JSON.stringify(rig.lines).includes(String(password)), 'no secret stands in the log')
})

t.test('many wrong secrets from one address get no answer any more, the right one does', async t => {
  const rig = await BrokerRig.start(t)
  const right = await rig.user('desk', 'watch')
  const raw: RawClient[] = []
  for (let i = 0; i < 25; i++) {
    const client = await RawClient.open(t, rig.port)
    client.send(connectPacket('x', { flags: 0xc2, payload: ['desk', `guess ${i}`] }))
    await client.ends()
    raw.push(client)
  }
  t.equal(raw.filter(({ received }) => received === '20020004').length, 20)
  t.equal(raw.filter(({ received }) => received === '').length, 5)
  t.equal(rig.logged(/was not let in/).length, 20)
  t.ok(await rig.connect(right))
})

t.test('a board may only use its own client id, so nobody can push it out', async t => {
  const rig = await BrokerRig.start(t)
  const [a, b] = [
    await rig.user('shelf-a', { boardId: boardA }),
    await rig.user('shelf-b', { boardId: boardB }),
  ]
  const board = await rig.connect({ ...a, clientId: boardA })
  for (const clientId of ['anything', boardB, boardA.toUpperCase()])
    await t.rejects(rig.connect({ ...a, clientId }), { code: 2 }, clientId)
  await t.rejects(rig.connect({ ...b, clientId: boardA }), { code: 2 })
  const desk = await rig.user('desk', 'control')
  const thief = await rig.connect({ ...desk, clientId: boardA })
  await rig.connect({ clientId: boardA })
  t.ok(
    board.client.connected && thief.client.connected,
    'the same client id of another user is another client',
  )
  const ended = closed(board.client)
  await rig.connect({ ...a, clientId: boardA })
  await ended
  t.ok(await rig.connect({ ...a, clientId: 'shelf-a' }), 'or its user name')
})

t.test('a credential that is rotated or removed ends its connections at once', async t => {
  const rig = await BrokerRig.start(t)
  const desk = await rig.user('desk', 'watch')
  const other = await rig.connect(await rig.user('other', 'watch'))
  const first = await rig.connect({ ...desk, clean: false, clientId: 'keeps' })
  await first.client.subscribeAsync(`${own}/#`, { qos: 1 })
  let ended = closed(first.client)
  const { password } = await rig.users.rotate('desk')
  await ended
  await t.rejects(rig.connect(desk), { code: 4 })
  const second = await rig.connect({ username: 'desk', password, clean: false, clientId: 'keeps' })
  t.equal(rig.broker.stats().sessions, 1)
  ended = closed(second.client)
  await rig.users.remove('desk')
  await ended
  t.equal(rig.broker.stats().sessions, 0, 'what waited for it is gone as well')
  await t.rejects(rig.connect({ username: 'desk', password }), { code: 4 })
  t.ok(other.client.connected)
})

t.test('everybody reads and says what is theirs', async t => {
  const rig = await BrokerRig.start(t)
  const served = await rig.board(1)
  const control = await rig.connect(await rig.user('control', 'control'))
  const watch = await rig.connect(await rig.user('watch', 'watch'))
  const board = await rig.connect({ ...(await rig.user('a', { boardId: boardA })), clientId: boardA })
  const cable = await rig.connect({ ...(await rig.user('c', { boardId: served.id })), clientId: served.id })
  const granted = async ({ client }: typeof board, filter: string) =>
    (await client.subscribeAsync(filter, { qos: 1 }).catch(() => [{ qos: 128 }]))[0]?.qos
  t.equal(await granted(control, '#'), 1)
  t.equal(await granted(control, '$SYS/#'), 1)
  t.equal(await granted(watch, '+/+/+/#'), 1)
  t.equal(await granted(watch, 'homeassistant/#'), 1)
  for (const filter of ['$SYS/#', '$SYS/broker/uptime', 'other/#', 'pixelgate/00000000/#'])
    t.equal(await granted(watch, filter), 128, `watch: ${filter}`)
  for (const filter of [`${own}/${boardA}/cmd/+`, `${own}/${boardA}/upload/#`, `${own}/${boardA}/#`])
    t.equal(await granted(board, filter), 1, `board: ${filter}`)
  for (const filter of [
    '#',
    '+/#',
    `${own}/#`,
    `${own}/+/cmd/play`,
    `${own}/${boardB}/cmd/play`,
    `${own}/status`,
  ])
    t.equal(await granted(board, filter), 128, `board: ${filter}`)

  const say = (who: typeof board, topic: string, retain = false) =>
    who.client.publishAsync(topic, 'x', { qos: 1, retain })
  for (const topic of [
    'telemetry/volts',
    'telemetry/heat/cpu',
    'cmd/play/result',
    'state',
    'availability',
    'info',
  ])
    await say(board, `${own}/${boardA}/${topic}`)
  for (const topic of ['telemetry/volts', 'cmd/play/result']) await say(cable, `${own}/${served.id}/${topic}`)
  const refused: [typeof board, string, boolean?][] = [
    [board, `${own}/${boardA}/telemetry/volts`, true],
    [board, `${own}/${boardA}/telemetry`],
    [board, `${own}/${boardA}/cmd/play`],
    [board, `${own}/${boardA}/upload/1/status`],
    [board, `${own}/${boardB}/telemetry/volts`],
    [board, `${own}/status`],
    [board, 'anything/else'],
    [cable, `${own}/${served.id}/availability`, true],
    [cable, `${own}/${served.id}/state`, true],
    [watch, `${own}/${boardA}/telemetry/volts`],
    [control, `${own}/status`, true],
    [control, 'homeassistant/device/x/config', true],
    [control, 'pixelgate/00000000/cmd/play'],
  ]
  for (const [who, topic, retain] of refused) await say(who, topic, retain)
  await control.hears(`${own}/${served.id}/cmd/play/result`, 'x')
  await control.client.publishAsync(`${own}/cmd/none`, '{"correlationId":"last"}', { qos: 1 })
  await control.hears(`${own}/cmd/none/result`)
  t.same(
    control.heard.filter(({ text }) => text === 'x').map(({ topic }) => topic.replace(`${own}/`, '')),
    [
      ...['telemetry/volts', 'telemetry/heat/cpu', 'cmd/play/result', 'state', 'availability', 'info'].map(
        topic => `${boardA}/${topic}`,
      ),
      `${served.id}/telemetry/volts`,
      `${served.id}/cmd/play/result`,
    ],
  )
  t.equal(rig.logged(/message was refused/).length, refused.length)
  t.same(control.on(`${own}/status`), ['online'])

  await watch.client.publishAsync(`${own}/${served.id}/cmd/play`, '{"correlationId":"w"}', { qos: 1 })
  t.match(JSON.parse(await watch.hears(`${own}/${served.id}/cmd/play/result`, /"w"/)), {
    ok: false,
    code: 'forbidden',
    correlationId: 'w',
  })
  t.equal(watch.heard.filter(({ topic }) => topic.endsWith('/cmd/play')).length, 0)
})

t.test('the will of a board is its own word, and is checked like one', async t => {
  const rig = await BrokerRig.start(t)
  const watcher = await rig.connect()
  await watcher.client.subscribeAsync(`${own}/#`, { qos: 1 })
  const a = await rig.user('a', { boardId: boardA })
  const will = (topic: string) => ({ topic, payload: Buffer.from('offline'), qos: 1 as const, retain: true })
  const options = { ...a, clientId: boardA }
  await t.rejects(rig.connect({ ...options, will: will(`${own}/${boardB}/availability`) }), { code: 5 })
  await t.rejects(rig.connect({ ...options, will: will(`${own}/status`) }), { code: 5 })
  const board = await rig.connect({ ...options, will: will(`${own}/${boardA}/availability`) })
  await board.client.publishAsync(`${own}/${boardA}/availability`, 'online', { qos: 1, retain: true })
  await watcher.hears(`${own}/${boardA}/availability`, 'online')
  board.client.stream.destroy()
  await watcher.hears(`${own}/${boardA}/availability`, 'offline')
  const late = await rig.connect()
  await late.client.subscribeAsync(`${own}/+/availability`)
  await late.hears(`${own}/${boardA}/availability`, 'offline')
  const polite = await rig.connect({ ...options, will: will(`${own}/${boardA}/info`) })
  await polite.client.endAsync()
  await rig.broker.ping()
  t.same(watcher.on(`${own}/${boardA}/info`), [], 'who says goodbye has no last will')
})

t.test('who keeps sending what is refused is cut off', async t => {
  const rig = await BrokerRig.start(t)
  const client = await RawClient.open(t, rig.openPort)
  client.send(connectPacket('noisy'))
  await client.gets(welcome)
  for (let i = 0; i < 61; i++) client.send(publishPacket(`${own}/status`))
  await client.ends()
  t.match(rig.logged(/was cut off/)[0]?.fields, { clause: 'limit', reason: /refused messages/ })
  const bridge = await rig.connect()
  for (let i = 0; i < 70; i++)
    await bridge.client.publishAsync('$SYS/broker/connection/x/state', '1', { qos: 1 })
  t.ok(bridge.client.connected, 'a bridge of mosquitto says how it is, and means no harm')
  const large = 'x'.repeat(17_000)
  const board = await rig.connect({ ...(await rig.user('a', { boardId: boardA })), clientId: 'a' })
  await board.client.publishAsync(`${own}/${boardA}/info`, large, { qos: 1, retain: true })
  await board.client.publishAsync(`${own}/${boardA}/info`, large, { qos: 1 })
  const late = await rig.connect()
  await late.client.subscribeAsync(`${own}/#`, { qos: 1 })
  await late.hears(`${own}/status`)
  t.same(late.on(`${own}/${boardA}/info`), [])
})

t.test('a client has a cap of filters', async t => {
  const rig = await BrokerRig.start(t)
  const { client } = await rig.connect()
  const answers: number[] = []
  for (let i = 0; i < 130; i++) {
    const grants = await client.subscribeAsync(`${own}/x${i}`, { qos: 0 }).catch(() => [{ qos: 128 }])
    answers.push(grants[0]?.qos ?? -1)
  }
  t.equal(answers.filter(qos => qos === 0).length, 128)
  await client.unsubscribeAsync(`${own}/x0`)
  t.equal((await client.subscribeAsync(`${own}/x129`))[0]?.qos, 0)
})

const mosquitto = (() => {
  try {
    execFileSync('mosquitto_sub', ['--help'])
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== 'ENOENT'
  }
  return true
})()

const run = (
  t: Test,
  command: string,
  args: readonly string[],
): { child: ChildProcess; out: () => string } => {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill())
  let out = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => (out += chunk))
  return { child, out: () => out }
}

t.test('mosquitto_pub and mosquitto_sub', { skip: mosquitto ? false : 'not installed' }, async t => {
  const rig = await BrokerRig.start(t)
  const board = await rig.board(1)
  const { username, password } = await rig.user('desk', 'control')
  const at = ['-h', '127.0.0.1', '-p', String(rig.port)]
  const as = ['-u', String(username), '-P', String(password)]
  const sub = run(t, 'mosquitto_sub', [...at, ...as, '-v', '-q', '1', '-t', '#'])
  await until(() => sub.out().includes(`${own}/status online`), 'the retained status')
  const pub = async (...args: string[]) => {
    const { child, out } = run(t, 'mosquitto_pub', [...at, ...args])
    const [status] = await once(child, 'close')
    return { status, out: out() }
  }
  const topic = `${own}/${board.id}/cmd/brightness`
  t.same(await pub(...as, '-q', '1', '-t', topic, '-m', '{"level":9,"correlationId":"m"}'), {
    status: 0,
    out: '',
  })
  await until(
    () => sub.out().includes(`${topic}/result {"correlationId":"m","command":"brightness","ok":true}`),
    () => `the result; got ${sub.out()}`,
  )
  for (const qos of ['0', '2']) t.equal((await pub(...as, '-q', qos, '-t', topic, '-m', `1${qos}`)).status, 0)
  await until(() => /"brightness":12/.test(sub.out()), 'each QoS')
  t.match(await pub('-u', 'desk', '-P', 'wrong', '-t', topic, '-m', '1'), {
    status: 4,
    out: /not authori[sz]ed|bad user name or password/i,
  })
  t.match(await pub('-t', topic, '-m', '1'), { status: 5, out: /not authori[sz]ed/i })
  t.match(await pub(...as, '-V', '5', '-t', topic, '-m', '1'), { out: /protocol/i }, 'MQTT 5 is told so')
  t.equal((await pub(...as, '-V', 'mqttv31', '-t', topic, '-m', '31')).status, 0)
  await until(() => /"brightness":31/.test(sub.out()), 'MQTT 3.1')
})
