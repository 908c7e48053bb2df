import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { mqttUser } from '../../src/cli/commands/mqtt-user.ts'
import { ControlClient } from '../../src/cli/control-client.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { mqttUserRoutes } from '../../src/http/routes/mqtt-users.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { NewMqttUserView } from '../../src/wire/auth.ts'
import { BrokerRig, gw } from './broker-rig.ts'

const unmet = 'cccccccc-cccc-cccc-cccc-cccccccccccc'

async function api(t: Test, urls?: readonly string[]) {
  const rig = await BrokerRig.start(t)
  const mqtt = { urls: urls ?? rig.broker.urls, gatewayId: gw }
  const routes = [mqttUserRoutes({ users: rig.users, core: rig.core, mqtt })]
  const server = createServer(createHttp({ log: rig.log, clock: systemClock, routes }))
  const folder = await mkdtemp(join(tmpdir(), 'mqtt-'))
  const socket = join(folder, 'control.sock')
  await new Promise<void>(resolve => server.listen(socket, resolve))
  t.teardown(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    await rm(folder, { recursive: true, force: true })
  })
  const client = new ControlClient(socket)
  const cli = async (operands: string[], options: Record<string, string | boolean> = {}) => {
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
    await t.rejects(client.post('/mqtt-users', { name }), { code: 'usage' }, name)
  t.match(await client.get('/mqtt-users'), { users: [{ name: 'desk' }, { name: 'far' }, { name: 'shelf' }] })
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
