import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { Principal } from '../../src/account/principal.ts'
import type { Operation } from '../../src/http/api/operation.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { backupOperations } from '../../src/http/routes/backups.ts'
import { healthOperations } from '../../src/http/routes/health.ts'
import { metricsOperations } from '../../src/http/routes/metrics.ts'
import { Bus } from '../../src/kernel/bus.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { GatewayMeter, type MeteredEvents } from '../../src/ops/gateway-meter.ts'
import { assess } from '../../src/ops/health.ts'
import { Metrics, type MetricsSources } from '../../src/ops/metrics.ts'
import { MetricsSampler } from '../../src/ops/metrics-sampler.ts'
import { openFiles, ProcessMeter } from '../../src/ops/process-meter.ts'
import type { MetricsSample as WireSample } from '../../src/wire/health.ts'
import { apiOf, doorFor } from '../support/api-of.ts'

function rig() {
  const bus = new Bus<MeteredEvents>()
  const gateway = new GatewayMeter()
  const stop = gateway.watch(bus)
  const mqtt = { clients: 2, messagesIn: 10, messagesOut: 20 }
  const sources: MetricsSources = {
    boards: () => gateway.read(),
    mqtt: () => mqtt,
    webSocketClients: () => 3,
    store: () => ({ calls: 4, sizeBytes: 5000 }),
    queues: () => [{ name: 'storage_calls', size: 4, limit: 1024 }],
    health: () => ({ score: 87 }),
  }
  const meter = new ProcessMeter()
  const metrics = new Metrics(sources, meter, '1.2.3')
  return { bus, gateway, stop, mqtt, sources, meter, metrics }
}

const job = (id: string, boardId: string, state: string, retransmittedBytes?: number) => ({
  id,
  boardId,
  state,
  statsJson: retransmittedBytes === undefined ? null : JSON.stringify({ retransmittedBytes }),
})

/** Every sample of the text as `name{labels} value`. */
const samplesOf = (text: string): Map<string, number> =>
  new Map(
    text
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('#'))
      .map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )

t.test('the text that Prometheus reads has every figure under its conventional name', async t => {
  const { bus, metrics, gateway } = rig()
  gateway.know('away')
  bus.emit('board.up', { boardId: 'b1', session: { channel: { bytesIn: 100, bytesOut: 2000 } } })
  bus.emit('job.changed', job('j1', 'b1', 'transferring'))
  bus.emit('job.changed', job('j2', 'b1', 'queued'))
  bus.emit('job.progress', { boardId: 'b1', lineShare: 0.97 })
  bus.emit('job.progress', { boardId: 'b1', lineShare: null })
  bus.emit('job.changed', job('j3', 'b1', 'done', 640))
  metrics.observeRequest({ method: 'GET', route: '/api/v1/boards/:id', status: 200, durationMs: 12 })
  metrics.observeRequest({ method: 'GET', route: '/api/v1/boards/:id', status: 404, durationMs: 2 })
  metrics.observeRequest({ method: 'BREW', route: '/api/v1/boards/:id', status: 999, durationMs: 2 })
  const text = await metrics.text()
  const all = samplesOf(text)
  const expected: Record<string, number> = {
    'pixelgate_http_requests_total{route="/api/v1/boards/:id",method="GET",status="2xx"}': 1,
    'pixelgate_http_requests_total{route="/api/v1/boards/:id",method="GET",status="4xx"}': 1,
    'pixelgate_http_requests_total{route="/api/v1/boards/:id",method="other",status="other"}': 1,
    'pixelgate_http_request_duration_seconds_count{route="/api/v1/boards/:id",method="GET"}': 2,
    'pixelgate_http_request_duration_seconds_sum{route="/api/v1/boards/:id",method="GET"}': 0.014,
    pixelgate_websocket_clients: 3,
    pixelgate_mqtt_clients: 2,
    'pixelgate_mqtt_messages_total{direction="in"}': 10,
    'pixelgate_mqtt_messages_total{direction="out"}': 20,
    pixelgate_store_pending_calls: 4,
    pixelgate_store_pending_bytes: 5000,
    'pixelgate_queue_size{queue="storage_calls"}': 4,
    'pixelgate_queue_limit{queue="storage_calls"}': 1024,
    pixelgate_health_score: 87,
    'pixelgate_board_connected{board="b1"}': 1,
    'pixelgate_board_connected{board="away"}': 0,
    'pixelgate_board_quarantined{board="b1"}': 0,
    'pixelgate_board_line_share_ratio{board="b1"}': 0.97,
    'pixelgate_board_received_bytes_total{board="b1"}': 100,
    'pixelgate_board_sent_bytes_total{board="b1"}': 2000,
    'pixelgate_board_retransmitted_bytes_total{board="b1"}': 640,
    'pixelgate_jobs{board="b1",state="transferring"}': 1,
    'pixelgate_jobs{board="b1",state="queued"}': 1,
    'pixelgate_jobs_finished_total{board="b1",state="done"}': 1,
    [`pixelgate_build_info{version="1.2.3",node_version="${process.version}"}`]: 1,
  }
  for (const [name, value] of Object.entries(expected)) t.equal(all.get(name), value, name)
  for (const name of [
    'process_resident_memory_bytes',
    'process_cpu_seconds_total',
    'process_start_time_seconds',
    'process_open_fds',
    'nodejs_heap_size_used_bytes',
  ])
    t.ok((all.get(name) ?? 0) > 0, name)
  t.ok(all.has('nodejs_eventloop_lag_p99_seconds'))
  t.notOk(all.has('pixelgate_board_line_share_ratio{board="away"}'), 'what is not known is not told')
  for (const line of text.split('\n').filter(each => each.startsWith('# HELP')))
    t.match(line, /^# HELP \w+ \S/)
  bus.emit('job.changed', job('j1', 'b1', 'failed', 700))
  bus.emit('job.changed', job('j2', 'b1', 'cancelled'))
  const later = samplesOf(await metrics.text())
  t.notOk(
    [...later.keys()].some(name => name.startsWith('pixelgate_jobs{')),
    'no state keeps its last number',
  )
  t.equal(later.get('pixelgate_jobs_finished_total{board="b1",state="failed"}'), 1)
  t.equal(later.get('pixelgate_board_retransmitted_bytes_total{board="b1"}'), 1340)
  t.equal(metrics.requestCount, 3)
})

t.test('the number of series is bounded, whatever callers and boards make up', async t => {
  const { bus, metrics } = rig()
  for (let n = 0; n < 1000; n++) {
    metrics.observeRequest({ method: `M${n}`, route: `/r/${n}`, status: n, durationMs: 1 })
    bus.emit('board.up', { boardId: `b${n}`, session: { channel: { bytesIn: 1, bytesOut: 1 } } })
    bus.emit('job.changed', job(`j${n}`, `b${n}`, 'queued'))
  }
  const names = [...samplesOf(await metrics.text()).keys()]
  const count = (start: string): number => names.filter(name => name.startsWith(start)).length
  t.equal(count('pixelgate_board_connected'), 257)
  t.ok(count('pixelgate_http_requests_total') <= 201 * 6, `${count('pixelgate_http_requests_total')} routes`)
  t.equal(count('pixelgate_http_request_duration_seconds_count'), 201)
  t.ok(
    names.some(name => name.includes('route="others"')) &&
      names.some(name => name.includes('board="others"')),
  )
  t.ok(names.length < 10_000, `${names.length} series in all`)
})

t.test('bytes of a board are counted once, however often it reconnects or is greeted again', async t => {
  const step = fc.constantFrom('same', 'new', 'down', 'quarantined')
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.nat(1000)), { maxLength: 30 }), steps => {
      const { bus, gateway } = rig()
      let channel = { bytesIn: 0, bytesOut: 0 }
      let sum = 0
      let up = false
      for (const [kind, bytes] of steps) {
        if (kind === 'new') channel = { bytesIn: 0, bytesOut: 0 }
        if (kind === 'new' || kind === 'same') {
          bus.emit('board.up', { boardId: 'b', session: { channel } })
          up = true
        }
        if (up) {
          channel.bytesOut += bytes
          sum += bytes
        }
        if (kind === 'down') bus.emit('board.down', { boardId: 'b' })
        if (kind === 'quarantined') bus.emit('board.quarantined', { boardId: 'b' })
        if (kind === 'down' || kind === 'quarantined') up = false
      }
      const [board] = gateway.read()
      return (board?.bytesOut ?? 0) === sum
    }),
    { numRuns: 500 },
  )
  const earlier = rig()
  earlier.gateway.job(job('j', 'b', 'waiting', 5000))
  earlier.bus.emit('job.changed', job('j', 'b', 'done', 5100))
  t.equal(
    earlier.gateway.read()[0]?.retransmittedBytes,
    100,
    'what an earlier process lost is not counted again',
  )
  const { bus, gateway, stop } = rig()
  bus.emit('board.quarantined', { boardId: 'b' })
  t.match(gateway.read(), [{ connected: false, quarantined: true }])
  stop()
  bus.emit('board.up', { boardId: 'c', session: { channel: { bytesIn: 0, bytesOut: 0 } } })
  t.equal(gateway.read().length, 1, 'nothing is counted any more')
})

t.test('a sample a second, without drift, for 15 minutes', async t => {
  const { bus, sources, metrics, meter, mqtt } = rig()
  const clock = new VirtualClock()
  const sampler = new MetricsSampler({ clock, sources, metrics, meter })
  const channel = { bytesIn: 0, bytesOut: 0 }
  bus.emit('board.up', { boardId: 'b', session: { channel } })
  bus.emit('job.changed', job('j1', 'b', 'verifying'))
  bus.emit('job.changed', job('j2', 'b', 'waiting'))
  sampler.start()
  t.teardown(() => sampler.stop())
  t.equal(sampler.last, undefined)
  const heard: number[] = []
  const end = sampler.onSample(sample => heard.push(sample.ts))
  channel.bytesOut += 5000
  channel.bytesIn += 70
  mqtt.messagesIn += 10
  metrics.observeRequest({ method: 'GET', route: '/x', status: 200, durationMs: 1 })
  clock.advance(1000)
  const sample: WireSample | undefined = sampler.last
  t.match(sample, {
    ts: Date.UTC(2026, 0, 1) + 1000,
    boardsConnected: 1,
    jobsRunning: 1,
    jobsWaiting: 1,
    linkOutBytesPerSecond: 5000,
    linkInBytesPerSecond: 70,
    mqttMessagesPerSecond: 10,
    mqttClients: 2,
    webSocketClients: 3,
    httpRequestsPerSecond: 1,
  })
  t.ok((sample?.rssBytes ?? 0) > 1e6 && (sample?.cpuCores ?? -1) >= 0)
  clock.advance(1000)
  t.equal(sampler.last?.linkOutBytesPerSecond, 0)
  end()
  clock.advance(2_000_000)
  t.same(
    heard,
    [1000, 2000].map(ms => Date.UTC(2026, 0, 1) + ms),
  )
  const { everyMs, samples } = sampler.series()
  t.equal(everyMs, 1000)
  t.equal(samples.length, 900)
  t.equal((samples.at(-1)?.ts ?? 0) - (samples[0]?.ts ?? 0), 899_000)
  sampler.stop()
  clock.advance(10_000)
  t.equal(sampler.series().samples.length, 900)
})

t.test('the event loop’s delay is the pause, not the time between two looks', async t => {
  const meter = new ProcessMeter()
  t.equal(meter.turn(), 0)
  meter.start()
  t.teardown(() => meter.stop())
  await new Promise(resolve => setTimeout(resolve, 100))
  meter.turn()
  const endMs = performance.now() + 150
  while (performance.now() < endMs);
  await new Promise(resolve => setTimeout(resolve, 60))
  const delayMs = meter.turn()
  t.ok(delayMs > 90 && delayMs < 1000, `${delayMs.toFixed(0)} ms`)
  for (let n = 0; n < 14; n++) meter.turn()
  t.equal(meter.worstP99Ms, delayMs, 'remembered for 15 turns')
  for (let n = 0; n < 15; n++) meter.turn()
  t.not(meter.worstP99Ms, delayMs)
  t.ok((await openFiles()) ?? 1)
})

async function listen(
  t: Test,
  operations: readonly (readonly Operation[])[],
  door?: ReturnType<typeof doorFor>,
): Promise<(method: string, path: string) => Promise<{ status: number; body: string; type: string }>> {
  const server = createServer(
    createHttp({ log: silentLog, clock: systemClock, api: apiOf(...operations), ...(door && { lan: door }) }),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  const { port } = server.address() as AddressInfo
  return (method, path) =>
    new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, method, path, timeout: 10_000 }, response => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', chunk => {
          body += chunk
        })
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body, type: String(response.headers['content-type']) }),
        )
      })
      sent.on('error', reject)
      sent.end()
    })
}

t.test('health, metrics and backups over HTTP', async t => {
  const { metrics, sources, meter } = rig()
  const sampler = new MetricsSampler({ clock: new VirtualClock(), sources, metrics, meter })
  let status: 'ok' | 'failed' = 'ok'
  const health = {
    check: async () => {
      const checks = [{ name: 'database', status, message: 'the details', weight: 1, vital: true }]
      return {
        ...assess(checks),
        version: '1.2.3',
        uptimeSeconds: 5,
        checks: checks.map(({ weight: _w, vital: _v, ...rest }) => rest),
      }
    },
  }
  const made = {
    name: 'a.db',
    path: '/a.db',
    kind: 'manual' as const,
    sizeBytes: 1,
    sha256: 'x',
    schemaVersion: 2,
    rows: {},
    createdMs: 0,
    durationMs: 3,
  }
  const backups = {
    running: false,
    make: async () => made,
    list: async () => [made],
    remove: async () => true,
  }
  const history = { nowMs: 0, series: async () => ({ everyMs: 60_000, samples: [] }) }
  const whole = await listen(t, [
    healthOperations(health),
    metricsOperations(metrics, sampler, history),
    backupOperations(backups),
  ])
  const ok = await whole('GET', '/api/v1/health')
  t.equal(ok.status, 200)
  t.match(JSON.parse(ok.body), {
    status: 'ok',
    score: 100,
    version: '1.2.3',
    uptimeSeconds: 5,
    checks: [{ name: 'database', message: 'the details' }],
  })
  status = 'failed'
  const bad = await whole('GET', '/health')
  t.equal(bad.status, 503, 'also at the root')
  t.match(JSON.parse(bad.body), { status: 'failing', score: 0 })
  t.equal((await whole('GET', '/health/live')).status, 200, 'whoever is ill is alive')
  const text = await whole('GET', '/metrics')
  t.match(text.type, /^text\/plain; version=0\.0\.4/)
  t.match(text.body, /^pixelgate_websocket_clients 3$/m)
  t.same(JSON.parse((await whole('GET', '/api/v1/metrics/series')).body), { everyMs: 1000, samples: [] })
  const posted = await whole('POST', '/api/v1/backups')
  t.equal(posted.status, 201)
  t.match(JSON.parse(posted.body), {
    backup: {
      path: '/a.db',
      sha256: 'x',
      sizeBytes: 1,
      durationMs: 3,
      createdAt: '1970-01-01T00:00:00.000Z',
    },
  })
  t.match(JSON.parse((await whole('GET', '/api/v1/backups')).body), {
    running: false,
    backups: [{ name: 'a.db' }],
  })

  const all = [
    healthOperations(health),
    metricsOperations(metrics, sampler, history),
    backupOperations(backups),
  ]
  const outside = await listen(t, all, doorFor(undefined))
  const short = JSON.parse((await outside('GET', '/api/v1/health')).body)
  t.same(
    short,
    { status: 'failing', score: 0, checks: [{ name: 'database', status: 'failed' }] },
    'strangers hear no details',
  )
  for (const path of ['/metrics', '/metrics/series', '/backups'])
    t.equal((await outside('GET', `/api/v1${path}`)).status, 401, path)
  const eve: Principal = { kind: 'user', id: 'u', name: 'eve', role: 'operator' }
  const lesser = await listen(t, all, doorFor(eve))
  t.equal((await lesser('GET', '/api/v1/backups')).status, 403)
  t.equal((await lesser('POST', '/api/v1/backups')).status, 403)
})
