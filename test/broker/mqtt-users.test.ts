import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { mqttUser } from '../../src/cli/commands/mqtt-user.ts'
import { ControlClient } from '../../src/cli/control-client.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { mqttUserOperations } from '../../src/http/routes/mqtt-users.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { NewMqttUserView } from '../../src/wire/mqtt-user.ts'
import { apiOf } from '../support/api-of.ts'
import { BrokerRig, gw, until } from './broker-rig.ts'

const unmet = 'cccccccc-cccc-cccc-cccc-cccccccccccc'

async function api(t: Test, urls?: readonly string[]) {
  const rig = await BrokerRig.start(t)
  const mqtt = { urls: urls ?? rig.broker.urls, gatewayId: gw }
  const api = apiOf(mqttUserOperations({ users: rig.users, core: rig.core, mqtt, authority: () => 'PEM\n' }))
  const server = createServer(createHttp({ log: rig.log, clock: systemClock, api }))
  const folder = await mkdtemp(join(tmpdir(), 'mqtt-'))
  const socket = join(folder, 'control.sock')
  await new Promise<void>(resolve => server.listen(socket, resolve))
  t.teardown(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    await rm(folder, { recursive: true, force: true })
  })
  const client = new ControlClient(socket)
  const cli = async (operands: string[], options: Record<string, string | boolean | string[]> = {}) => {
    const stdout = new PassThrough()
    const surroundings = {
      stdout,
      stderr: new PassThrough(),
      signal: new AbortController().signal,
      env: {},
      serve: async () => 0,
    }
    const status = await mqttUser.run(operands, { socket, ...options }, surroundings)
    return { status, out: String(stdout.read() ?? '') }
  }
  return { rig, client, cli }
}

t.test('administrators manage the credentials over the API', async t => {
  const { rig, client } = await api(t)
  const board = await rig.board(1)
  const made = await client.post<NewMqttUserView>('/mqtt-users', { name: 'desk', access: 'control' })
  t.match(made, {
    user: { name: 'desk', access: 'control', boardId: null },
    settings: { urls: rig.broker.urls, clientId: null, topic: `pixelgate/${gw}` },
  })
  t.ok(await rig.connect({ username: 'desk', password: made.password }))
  const shelf = await client.post<NewMqttUserView>('/mqtt-users', { name: 'shelf', boardId: 'board 1' })
  t.match(shelf, {
    user: { access: 'board', boardId: board.id },
    settings: { clientId: board.id, topic: `pixelgate/${gw}/${board.id}` },
  })
  t.match(await client.post('/mqtt-users', { name: 'far', boardId: unmet }), { user: { boardId: unmet } })
  await t.rejects(client.post('/mqtt-users', { name: 'x', boardId: 'nobody' }), { code: 'not_found' })
  await t.rejects(client.post('/mqtt-users', { name: 'desk' }), { code: 'conflict' })
  for (const name of ['', 'a/b', '#', '-x', 'x'.repeat(65)])
    await t.rejects(client.post('/mqtt-users', { name }), { code: 'invalid' }, name)
  t.match(await client.get('/mqtt-users'), { users: [{ name: 'desk' }, { name: 'far' }, { name: 'shelf' }] })
  t.match(await client.get('/mqtt-users?limit=1&cursor=desk'), {
    users: [{ name: 'far' }],
    total: 3,
    nextCursor: 'far',
  })
  const again = await client.post<NewMqttUserView>('/mqtt-users/desk/rotate')
  t.not(again.password, made.password)
  await t.rejects(client.post('/mqtt-users/nobody/rotate'), { code: 'not_found' })
  await client.delete('/mqtt-users/desk')
  await t.rejects(client.delete('/mqtt-users/desk'), { code: 'not_found' })
})

t.test('pixelgate mqtt-user', async t => {
  const { rig, cli } = await api(t)
  const board = await rig.board(1)
  t.match(await cli(['list']), { status: 0, out: /no MQTT user yet/ })
  const added = await cli(['add', 'desk'], { access: 'control' })
  t.match(added.out, /^desk may watch and control\. The password is shown this once/)
  t.match(added.out, new RegExp(`host +127.0.0.1\n +port +${rig.port}\n`))
  t.match(
    added.out,
    new RegExp(`client id +any\n +topics +pixelgate/${gw}/…\n\nOnly programs on this machine`),
  )
  const password = /\n +password +(\S+)/.exec(added.out)?.[1]
  t.ok(await rig.connect({ username: 'desk', password: password ?? '' }))
  const shelf = JSON.parse((await cli(['add', 'shelf'], { board: 'board 1', json: true })).out)
  t.match(shelf, {
    user: { name: 'shelf', boardId: board.id },
    password: String,
    settings: { clientId: board.id, places: [{ host: '127.0.0.1', port: rig.port }, {}] },
  })
  t.match((await cli(['rotate', 'shelf'])).out, /^shelf is for one board/)
  t.match((await cli(['list'])).out, /name +access +since +board\ndesk +control .*\nshelf +board .*0101/)
  t.match(JSON.parse((await cli(['list'], { json: true })).out), {
    users: [{ name: 'desk' }, { name: 'shelf' }],
  })
  t.match(await cli(['remove', 'desk']), { out: 'desk may not connect any more.\n' })
  t.same(JSON.parse((await cli(['remove', 'shelf'], { json: true })).out), { removed: 'shelf' })
  for (const [operands, options] of [
    [['list', 'x'], {}],
    [['add'], {}],
    [['explode', 'x'], {}],
    [['add', 'x'], { access: 'all' }],
    [['add', 'x'], { access: 'watch', board: unmet }],
  ] as [string[], Record<string, string>][])
    await t.rejects(cli(operands, options), { code: 'usage' }, operands.join(' '))
})

t.test('a listener on every address is named by those that the machine has', async t => {
  const { cli } = await api(t, ['mqtt://0.0.0.0:1883', 'mqtt://[::1]:1884'])
  const { settings } = JSON.parse((await cli(['add', 'desk'], { json: true })).out)
  t.ok(settings.places.every(({ host }: { host: string }) => host !== '0.0.0.0'))
  t.match(settings.places.at(-1), { host: '::1', port: 1884 })
})

const lan = ['mqtt://127.0.0.1:1883', 'mqtt://192.0.2.7:1884', 'mqtts://192.0.2.7:8883']
const add = (client: { post<T>(path: string, body?: unknown): Promise<T> }, show: string, body: object) =>
  client.post<NewMqttUserView>(`/mqtt-users?show=${show}`, body)

t.test(
  'a new credential comes with the settings of its kind of client, for the listener that fits it',
  async t => {
    const { client } = await api(t, lan)
    const plug = await add(client, 'tasmota', { name: 'plug' })
    t.match(plug, {
      user: {
        access: 'device',
        publish: ['tele/plug/#', 'stat/plug/#', 'tasmota/discovery/#'],
        subscribe: ['cmnd/plug/#', 'cmnd/tasmotas/#'],
      },
      settings: { host: '192.0.2.7', port: 1884, tls: false, missing: null },
    })
    t.equal(
      plug.settings.text,
      `Backlog MqttHost 192.0.2.7; MqttPort 1884; MqttUser plug; MqttPassword ${plug.password}; MqttClient plug; Topic plug; FullTopic %prefix%/%topic%/`,
    )
    t.ok(plug.password.length <= 32, 'as long as Tasmota keeps it')
    const strip = await add(client, 'wled', { name: 'strip' })
    t.match(strip.settings, { port: 1884, tls: false })
    for (const line of [
      'Broker +192.0.2.7',
      'Port +1884',
      'Device Topic +wled/strip',
      `Password +${strip.password}`,
    ])
      t.match(strip.settings.text, new RegExp(`^ +${line}$`, 'm'))
    const sensor = await add(client, 'esphome', { name: 'sensor' })
    t.match(sensor.settings, { port: 8883, tls: true })
    t.match(sensor.settings.text, /^mqtt:\n {2}broker: "192.0.2.7"\n {2}port: 8883\n {2}username: "sensor"\n/)
    t.match(
      sensor.settings.text,
      /\n {2}discovery: false\n {2}skip_cert_cn_check: true\n {2}certificate_authority: \|\n {4}PEM/,
    )
    const shelf = await add(client, 'arduino', { name: 'shelf', boardId: unmet })
    t.match(shelf.user, { access: 'board', publish: [] })
    for (const line of [
      '#include <WiFiClientSecure.h>',
      `static const char mqttClientId[] = "${unmet}";`,
      `static const char mqttPassword[] = "${shelf.password}";`,
      `static const char mqttAvailability[] = "pixelgate/${gw}/${unmet}/availability";`,
    ])
      t.ok(shelf.settings.text?.includes(`${line}\n`), line)
    const desk = await add(client, 'mosquitto', { name: 'desk', access: 'control' })
    t.match(desk.user, { access: 'control', publish: [] })
    t.match(desk.settings.text, /\n-h 192.0.2.7\n-p 8883\n--cafile pixelgate-ca.pem\n-u desk\n-P \S+\n/)
    const bridge = await add(client, 'mosquitto', {
      name: 'attic',
      access: 'bridge-control',
      subscribe: ['tele/#'],
    })
    for (const line of [
      'connection attic',
      'address 192.0.2.7:8883',
      `topic pixelgate/${gw}/# in 1`,
      'topic tele/# in 1',
    ])
      t.ok(bridge.settings.text?.includes(`\n${line}\n`), line)
    t.match(
      await client.post('/mqtt-users/plug/rotate?show=esphome'),
      { settings: { port: 8883, text: /topic_prefix: "plug"/ } },
      'a new secret with them, too',
    )
    await t.rejects(add(client, 'fridge', { name: 'x' }), { code: 'invalid' })
  },
)

t.test('settings without a listener that fits say what to configure', async t => {
  const { client, cli } = await api(t, ['mqtt://127.0.0.1:1883'])
  for (const show of ['tasmota', 'wled', 'esphome', 'arduino']) {
    const { settings } = await add(client, show, { name: show })
    t.match(settings, { text: null, host: null, missing: /"port": 8883, "tls": true/ })
    t.equal(/"plain": true/.test(settings.missing ?? ''), show === 'tasmota' || show === 'wled', show)
  }
  t.match(await add(client, 'mosquitto', { name: 'here', access: 'watch' }), {
    settings: { host: '127.0.0.1', text: /^-h 127.0.0.1$/m, missing: null },
  })
  const told = await cli(['add', 'lamp'], { show: 'wled' })
  t.match(
    told.out,
    /^lamp has topics of its own\. .*\n\n[\s\S]*password +\S+\n[\s\S]*publishes +wled\/lamp\/#\n[\s\S]*Then: pixelgate mqtt-user rotate lamp --show wled\n$/,
  )
  const wide = await api(t, lan)
  t.match((await add(wide.client, 'wled', { name: 'w', access: 'control' })).settings, {
    missing: /without TLS only boards and devices/,
  })
  t.match(
    (await wide.cli(['add', 'plug'], { show: 'tasmota' })).out,
    /^plug has .*\n\nBacklog MqttHost 192.0.2.7; /,
  )
  await t.rejects(wide.cli(['add', 'y'], { show: 'fridge' }), { code: 'usage' })
  await t.rejects(wide.cli(['list'], { show: 'wled' }), { code: 'usage' })
})

t.test('rights are given and changed, and a client comes back with the new ones', async t => {
  const { rig, client, cli } = await api(t)
  const { password } = await client.post<NewMqttUserView>('/mqtt-users', {
    name: 'co2',
    publish: ['sensors/co2/#'],
  })
  const desk = await rig.connect(await rig.user('desk', 'control'))
  const sensor = await rig.connect({ username: 'co2', password })
  await rig.users.change('desk', { subscribe: ['sensors/#'] })
  await until(() => !desk.client.connected, 'the end of the connection')
  t.match(rig.users.list(), [
    { name: 'co2', access: 'device', publish: ['sensors/co2/#'], subscribe: [] },
    { name: 'desk', access: 'control', publish: [], subscribe: ['sensors/#'] },
  ])
  const { password: again } = await rig.users.rotate('desk')
  const reader = await rig.connect({ username: 'desk', password: again })
  await reader.client.subscribeAsync('#', { qos: 1 })
  await sensor.client.publishAsync('sensors/co2/ppm', '417', { qos: 1, retain: true })
  await reader.hears('sensors/co2/ppm', '417')
  t.match(await cli(['set', 'co2'], { publish: ['room/#'], json: true }), { out: /"publish":\["room\/#"\]/ })
  await until(() => !sensor.client.connected, 'the end of the connection')
  await cli(['set', 'co2'], { publish: [''], access: 'watch' })
  t.match(rig.users.list()[0], { access: 'watch', publish: [] })
  for (const filter of [
    'pixelgate/#',
    'pixelgate',
    'homeassistant/x',
    '$SYS/#',
    'a/#/b',
    'a+',
    '',
    'a\u0000',
    'x'.repeat(257),
  ])
    await t.rejects(
      client.post('/mqtt-users', { name: 'bad', publish: [filter] }),
      { code: 'invalid' },
      filter,
    )
  const board = await client.post<NewMqttUserView>('/mqtt-users', {
    name: 'b',
    boardId: unmet,
    subscribe: ['x'],
  })
  t.match(board.user, { access: 'board', subscribe: ['x'] })
  await t.rejects(client.patch('/mqtt-users/b', { access: 'control' }), { code: 'usage' })
  await t.rejects(client.patch('/mqtt-users/nobody', { access: 'control' }), { code: 'not_found' })
  await t.rejects(cli(['set', 'co2']), { code: 'usage' })
  await t.rejects(cli(['add', 'x'], { board: unmet, access: 'watch' }), { code: 'usage' })
})
