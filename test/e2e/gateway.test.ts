import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import mqtt from 'mqtt'
import t from 'tap'
import { WebSocket } from 'ws'
import { type App, startApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { silentLog } from '../../src/kernel/log.ts'
import {
  type Event,
  eventually,
  ledmFile,
  startBoard,
  type Workplace,
  workplace,
} from '../support/pixelgate.ts'

type Test = Parameters<typeof startBoard>[0]

async function gateway(t: Test, place: Workplace, more: object = {}): Promise<App> {
  const file = await place.file('config.json', JSON.stringify({ log: { level: 'silent' }, ...more }))
  const app = await startApp(await loadConfig({ file, env: place.env, flags: {} }), { log: silentLog })
  t.teardown(() => app.stop())
  return app
}

/** Somebody who has claimed the gateway. */
async function claim(app: App) {
  const url = app.http?.url ?? ''
  let token = ''
  const call = async (method: string, path: string, body?: unknown): Promise<Event> => {
    const bytes = body instanceof Uint8Array
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        ...(token !== '' && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && {
          'content-type': bytes ? 'application/octet-stream' : 'application/json',
        }),
      },
      ...(body !== undefined && { body: bytes ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, ...(text !== '' && JSON.parse(text)) }
  }
  const claimed = await call('POST', '/setup', {
    claimCode: await app.claimCode(),
    name: 'ada',
    password: 'a violet lamp at noon',
  })
  token = claimed['token']
  return { call, claimed, token, url }
}

t.test('one upload over HTTP is seen the same way by everybody who looks', async t => {
  const place = await workplace(t)
  const board = await startBoard(t, place, { tcp: '0', name: 'window' })
  const [host, port] = board.path.split(':')
  const app = await gateway(t, place, {
    links: [{ kind: 'tcp', host, port: Number(port) }],
    gpio: {
      enabled: true,
      backend: 'memory',
      buttons: [{ name: 'stop', line: 5, action: 'stop' }],
      statusLed: { line: 6 },
    },
  })
  t.match(await app.claimCode(), /^[A-Z0-9]{5}-[A-Z0-9]{5}$/)
  const { call, claimed, token, url } = await claim(app)
  t.match(claimed, { status: 201, user: { name: 'ada', role: 'admin' } })
  t.equal(await app.claimCode(), undefined, 'nobody else can claim it')

  const heard: Event[] = []
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, {
    headers: { authorization: `Bearer ${token}` },
  })
  t.teardown(() => socket.terminate())
  socket.on('message', text => heard.push(JSON.parse(String(text))))
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'subscribe', topics: ['boards', 'jobs', 'progress', 'chat', 'gpio'] }))

  const { user, password } = await call('POST', '/mqtt-users', { name: 'watcher', access: 'control' })
  const client = mqtt.connect(app.mqtt?.url ?? '', { username: user.name, password, reconnectPeriod: 0 })
  t.teardown(() => client.endAsync(true))
  const topics = new Map<string, string>()
  client.on('message', (topic, payload) => topics.set(topic, payload.toString()))
  await client.subscribeAsync('pixelgate/#', { qos: 1 })

  await eventually(
    async () => (await call('GET', '/boards/window'))['board']?.state === 'connected',
    'the board',
  )
  const { pattern, candidates } = await call('POST', '/patterns?name=noise.bin', ledmFile([1, 2, 3]))
  t.equal(candidates[0].frames, 3)
  const { jobs } = await call('POST', '/jobs', { patternId: pattern.id, boards: ['window'] })
  const jobId = jobs[0].id
  await eventually(async () => (await call('GET', `/jobs/${jobId}`))['job'].state === 'done', 'the job')

  await eventually(
    () => heard.some(({ topic, data }) => topic === 'jobs' && data.state === 'done'),
    'WebSocket',
  )
  const status = `upload/${jobId}/status`
  const seen = await eventually(
    () => [...topics].find(([topic, text]) => topic.endsWith(status) && text.includes('"done"')),
    'MQTT',
  )
  const base = seen[0].slice(0, -status.length)
  t.equal(topics.get(`${base}availability`), 'online')
  await eventually(
    () => heard.some(({ topic, data }) => topic === 'chat' && /noise\.bin/.test(data.text)),
    'chat',
  )

  const preview = await call('GET', '/boards/window/preview')
  t.match(preview, { status: 200, width: 8, height: 8, frames: 3 })

  t.match(await call('POST', '/gpio/stop/simulate', { action: 'press' }), { status: 200 })
  const stopped = async () => (await call('GET', '/boards/window'))['board'].status.mode === 'stopped'
  await eventually(stopped, 'the button to stop it')
  await eventually(() => topics.get(`${base}state`)?.includes('"stopped"'), 'MQTT to say so')
  await client.publishAsync(`${base}cmd/play`, JSON.stringify({ correlationId: 'one' }), { qos: 1 })
  const result = await eventually(() => topics.get(`${base}cmd/play/result`), 'the result')
  t.match(JSON.parse(result), { correlationId: 'one', ok: true })

  const metrics = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
  t.match(await metrics.text(), /pixelgate_board_sent_bytes_total\{board="[0-9a-f-]{36}"\} [1-9]/)
  const { checks } = await call('GET', '/health')
  const found = (name: string) => checks.find((check: Event) => check['name'] === name)?.status
  t.same(['database', 'broker', 'links'].map(found), ['ok', 'ok', 'ok'])
  const beganMs = performance.now()
  await app.stop()
  t.ok(performance.now() - beganMs < 5000, 'it stops in time while clients listen')
  t.equal(topics.get(`${base.split('/').slice(0, 2).join('/')}/status`), 'offline')
})

async function occupy(t: Test, port: number): Promise<void> {
  const server: Server = createServer()
  // Where another program has the port already, it is as taken as it can be.
  await new Promise<void>(resolve => {
    server.once('error', () => resolve())
    server.listen(port, '127.0.0.1', resolve)
  })
  t.teardown(() => server.close())
}

t.test(
  'a default address that is taken is left out; one that the configuration names is a fault',
  async t => {
    const place = await workplace(t)
    await occupy(t, 8443)
    await occupy(t, 1883)
    const { PIXELGATE_HTTP_PORT: _port, PIXELGATE_MQTT_LISTENERS: _listeners, ...env } = place.env
    const app = await startApp(await loadConfig({ env, flags: {} }), { log: silentLog })
    t.equal(app.http, null)
    t.equal(app.mqtt, null)
    t.ok((await app.broker.ping()) >= 0, 'boards and panel work without')
    await app.stop()

    const named = { ...env, PIXELGATE_HTTP_PORT: '8443', PIXELGATE_MQTT_LISTENERS: '[]' }
    const asked = { code: 'address_in_use', message: /127\.0\.0\.1:8443 is taken/ }
    await t.rejects(startApp(await loadConfig({ env: named, flags: {} }), { log: silentLog }), asked)
    const mqttNamed = {
      ...env,
      PIXELGATE_HTTP_PORT: '0',
      PIXELGATE_MQTT_LISTENERS: JSON.stringify([{ host: '127.0.0.1', port: 1883 }]),
    }
    const askedMqtt = { code: 'address_in_use', message: /127\.0\.0\.1.*1883/ }
    await t.rejects(startApp(await loadConfig({ env: mqttNamed, flags: {} }), { log: silentLog }), askedMqtt)
  },
)
