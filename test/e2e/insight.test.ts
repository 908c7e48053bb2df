import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import t from 'tap'
import { type App, startApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { alertsView } from '../../src/wire/alert.ts'
import { breakersView } from '../../src/wire/breaker.ts'
import { metricsHistoryView } from '../../src/wire/health.ts'
import { performanceView } from '../../src/wire/performance.ts'
import { cacheView, systemView } from '../../src/wire/system.ts'
import { eventually, workplace } from '../support/pixelgate.ts'

type Test = Parameters<typeof workplace>[0]

async function gateway(t: Test, more: object = {}) {
  const place = await workplace(t)
  const file = await place.file('config.json', JSON.stringify({ log: { level: 'silent' }, ...more }))
  const config = await loadConfig({ file, env: place.env, flags: {} })
  const app: App = await startApp(config, { log: silentLog })
  t.teardown(() => app.stop())
  const url = app.http?.url ?? ''
  let token: string | undefined
  const ask = async (method: string, path: string, body?: unknown) => {
    const raw = body instanceof Uint8Array
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': raw ? 'application/octet-stream' : 'application/json' }),
      },
      ...(body !== undefined && { body: raw ? body : JSON.stringify(body) }),
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    const isJson = (answer.headers.get('content-type') ?? '').includes('json')
    return {
      status: answer.status,
      headers: answer.headers,
      bytes,
      json: isJson ? JSON.parse(bytes.toString()) : {},
    }
  }
  const claimed = await ask('POST', '/setup', {
    claimCode: await app.claimCode(),
    name: 'ada',
    password: 'a violet lamp at noon',
  })
  token = claimed.json.token
  const as = (other: string | undefined): void => {
    token = other
  }
  return { app, ask, config, as }
}

t.test('the state of the gateway in one small answer', async t => {
  const { ask, as, app } = await gateway(t)
  const { status, bytes, json, headers } = await ask('GET', '/system')
  t.equal(status, 200)
  const system = systemView.parse(json)
  t.ok(bytes.byteLength > 800 && bytes.byteLength < 3500, `${bytes.byteLength} bytes`)
  t.match(headers.get('etag'), /^"/)
  t.match(system, {
    node: process.version,
    development: false,
    network: { url: app.http?.url, tls: { scheme: 'http', insecure: false } },
    boards: { known: 0, connected: 0 },
    alerts: { CRITICAL: 0 },
  })
  t.ok(system.storage.databaseBytes > 0 && (system.storage.diskFreeBytes ?? 0) > 0)
  t.same(
    (await ask('GET', '/system?fields=version')).json.version,
    system.version,
    'what is no object has no fields to choose',
  )
  const document = (await ask('GET', '/openapi.json')).json
  for (const path of ['/system', '/alerts/{id}/acknowledge', '/breakers/{name}/reset', '/metrics/series'])
    t.ok(
      Object.keys(document.paths).some(each => each.endsWith(path)),
      `${path} is in the document`,
    )
  t.notOk(JSON.stringify(document).includes('/debug/heap'))
  as(undefined)
  t.equal((await ask('GET', '/system')).status, 401)
})

t.test('what takes how long, and profiles of the processor', async t => {
  const { ask } = await gateway(t)
  await ask('GET', '/system')
  await ask('GET', '/boards')
  const first = performanceView.parse((await ask('GET', '/performance')).json)
  const names = first.operations.map(({ kind, name }) => `${kind} ${name}`)
  for (const name of ['http getSystem', 'storage boards.list', 'statement boards.list'])
    t.ok(names.includes(name), name)
  t.notOk(names.includes('http makeBackup'), 'what never ran is not there')
  t.ok(first.running && first.operations.every(({ count, errors }) => count > 0 && errors === 0))
  const stopped = performanceView.parse((await ask('POST', '/performance/stop')).json)
  t.equal(stopped.running, false)
  await ask('GET', '/alerts')
  t.notOk(
    (await ask('GET', '/performance')).json.operations.some(
      ({ name }: { name: string }) => name === 'listAlerts',
    ),
  )
  t.equal((await ask('POST', '/performance/reset')).json.operations.length, 0)
  t.equal((await ask('POST', '/performance/start')).json.running, true)
  const [one, two] = await Promise.all([
    ask('POST', '/performance/cpu-profile', { seconds: 0.3 }),
    ask('POST', '/performance/cpu-profile', { seconds: 0.3 }),
  ])
  t.same([one.status, two.status].sort(), [200, 409], 'one at a time')
  const made = one.status === 200 ? one : two
  t.match(made.headers.get('content-disposition'), /\.cpuprofile"/)
  t.ok(JSON.parse(made.bytes.toString()).nodes.length > 0)
  t.equal((await ask('POST', '/performance/cpu-profile', { seconds: 31 })).status, 422)
})

t.test('alerts, breakers and cache over HTTP', async t => {
  const { ask, app } = await gateway(t)
  t.same(alertsView.parse((await ask('GET', '/alerts?severity=critical')).json).alerts, [])
  const wrong = { name: 'ada', password: 'not the one' }
  for (let n = 0; n < 8; n++) await ask('POST', '/auth/sign-in', wrong)
  const { alerts, total, open } = alertsView.parse((await ask('GET', '/alerts?code=auth_failures')).json)
  t.match(alerts, [{ code: 'auth_failures', severity: 'WARNING', state: 'raised', clearedAt: null }])
  t.equal(total, 1)
  t.equal(open.WARNING >= 1, true)
  const id = alerts[0]?.id ?? ''
  const seen = await ask('POST', `/alerts/${id}/acknowledge`)
  t.match(seen.json.alert, { state: 'acknowledged', acknowledgedBy: 'ada' })
  t.equal((await ask('GET', '/alerts?state=acknowledged')).json.total, 1, 'and no old answer is given')
  t.equal((await ask('GET', '/alerts?state=raised&code=auth_failures')).json.total, 0)
  t.equal((await ask('POST', '/alerts/x/acknowledge')).status, 404)
  t.equal((await ask('GET', '/alerts?state=odd')).status, 422)
  const { breakers } = breakersView.parse((await ask('GET', '/breakers')).json)
  t.match(breakers, [{ name: 'storage readers', state: 'CLOSED', failures: 0, lastFailureAt: null }])
  t.equal((await ask('POST', '/breakers/storage%20readers/reset')).json.breaker.state, 'CLOSED')
  t.equal((await ask('POST', '/breakers/x/reset')).status, 404)
  await ask('GET', '/system')
  await ask('GET', '/system')
  const cache = cacheView.parse((await ask('GET', '/cache')).json)
  t.ok(cache.entries > 0 && cache.hits > 0 && (cache.hitRate ?? 0) > 0)
  t.equal((await ask('DELETE', '/cache')).status, 204)
  t.equal((await ask('GET', '/cache')).json.entries, 0)
  const { warmed, cache: filled } = (await ask('POST', '/cache/warm')).json
  t.ok(warmed > 0 && filled.entries >= warmed, `${warmed} answers`)
  const text = (await ask('GET', '/metrics')).bytes.toString()
  t.match(text, /^pixelgate_alerts\{severity="warning"\} [1-9]/m)
  t.match(text, /^pixelgate_breakers\{state="closed"\} 1$/m)
  t.match(text, /^pixelgate_storage_call_seconds_count\{operation="boards\.list"\} [1-9]/m)
  t.match(text, /^pixelgate_storage_readers 0$/m)
  t.ok(app.core)
})

t.test('what goes wrong in the gateway is told as an alert, and so is its end', async t => {
  const { app, ask, config } = await gateway(t, {
    mqtt: { listeners: [{ host: '127.0.0.1', port: 0 }], maxClients: 1 },
  })
  const open = async (code: string) =>
    (await ask('GET', `/alerts?state=raised&code=${code}`)).json.alerts.map(
      ({ subject, severity }: { subject: string; severity: string }) => `${subject} ${severity}`,
    )
  const job = (state: string) =>
    app.core.bus.emit('job.changed', {
      ...{
        id: 'j',
        batchId: 'j',
        boardId: 'b',
        name: 'x',
        patternId: null,
        raw: false,
        optionsJson: '{}',
        statsJson: null,
      },
      ...{
        state,
        createdMs: 0,
        updatedMs: 0,
        finishedMs: 0,
        errorCode: null,
        errorMessage: null,
        sourceSha: null,
      },
    } as never)
  for (const state of ['failed', 'failed', 'failed']) job(state)
  t.same(await open('repeated_failure'), ['board b WARNING'])
  job('done')
  t.same(await open('repeated_failure'), [])

  const breaker = app.insight.breakers.for({ name: 'printer' })
  for (let n = 0; n < 5; n++)
    await breaker.run(() => Promise.reject(new Error('on fire'))).catch(() => undefined)
  t.same(await open('dependency_unavailable'), ['breaker printer WARNING'])
  const refused = await ask('POST', '/breakers/printer/reset')
  t.equal(refused.json.breaker.state, 'CLOSED')
  t.same(await open('dependency_unavailable'), [])

  const client = connect(Number(new URL(app.mqtt?.url ?? '').port), '127.0.0.1')
  client.on('error', () => undefined)
  await eventually(() => app.broker.stats().connections === 1, 'a connection')
  /** A change of a breaker makes the gateway look at once. */
  const look = async () => {
    for (let n = 0; n < 5; n++)
      await breaker.run(() => Promise.reject(new Error('no'))).catch(() => undefined)
    breaker.reset()
  }
  await look()
  t.ok((await open('resource_exhausted')).includes('queue mqtt_connections CRITICAL'))
  client.destroy()
  await eventually(() => app.broker.stats().connections === 0, 'room')
  await look()
  t.notOk((await open('resource_exhausted')).includes('queue mqtt_connections CRITICAL'))

  const { pattern } = (await ask('POST', '/patterns?name=dot.bin&raw=true', Buffer.from('some bytes'))).json
  const db = new Sqlite(join(config.stateDir, 'gateway.db'))
  db.prepare("UPDATE blobs SET bytes = CAST('other' AS BLOB)").run()
  db.close()
  for (let n = 0; n < 25; n++) await ask('GET', `/patterns/${pattern.id}/file`)
  await look()
  t.match(await open('high_error_rate'), [/^api /])
})

t.test('metrics of longer times, by range, step and name', async t => {
  const { ask } = await gateway(t)
  await eventually(async () => (await ask('GET', '/metrics/series')).json.samples.length > 1, 'two samples')
  const whole = (await ask('GET', '/metrics/series?series=rssBytes')).json
  t.same(Object.keys(whole.samples[0]).sort(), ['rssBytes', 'ts'])
  const from = new Date(Date.now() - 60_000).toISOString()
  const few = metricsHistoryView.parse((await ask('GET', `/metrics/series?from=${from}&step=60`)).json)
  t.equal(few.everyMs, 60_000)
  t.ok(few.samples.length >= 1 && (few.samples[0]?.rssBytes ?? 0) > 1e6)
  const older = (await ask('GET', '/metrics/series?from=0&to=1000')).json
  t.same(older.samples, [])
  for (const bad of ['from=yesterday', 'step=0', 'series=ts,odd', 'from=5&to=4', 'odd=1']) {
    const answer = await ask('GET', `/metrics/series?${bad}`)
    t.equal(answer.status, 422, bad)
    t.match(answer.json, { code: 'invalid', errors: [{ message: /\S/ }] })
  }
})

t.test('a backup is downloaded as it was proved, and deleted', async t => {
  const { ask, as, config } = await gateway(t)
  const { backup } = (await ask('POST', '/backups')).json
  const file = await ask('GET', `/backups/${backup.name}`)
  t.equal(file.status, 200)
  t.equal(createHash('sha256').update(file.bytes).digest('hex'), backup.sha256)
  t.equal(file.headers.get('content-length'), String(backup.sizeBytes))
  t.match(file.headers.get('cache-control'), 'no-store')
  const copy = join(t.testdir(), 'copy.db')
  writeFileSync(copy, file.bytes)
  const db = new Sqlite(copy, { readonly: true })
  t.equal(db.prepare('SELECT name FROM users').pluck().get(), 'ada')
  db.close()
  writeFileSync(join(config.stateDir, 'backups', 'stray.db'), 'x')
  for (const name of ['stray.db', '..%2Fgateway.db', '%2e%2e%2fgateway.db', 'nothing.db'])
    t.equal((await ask('GET', `/backups/${name}`)).status, 404, name)
  t.equal((await ask('DELETE', `/backups/${backup.name}`)).status, 204)
  t.equal((await ask('DELETE', `/backups/${backup.name}`)).status, 404)
  t.equal((await ask('GET', '/backups')).json.total, 0)
  as(undefined)
  t.equal((await ask('GET', `/backups/${backup.name}`)).status, 401)
})

t.test('debug routes are there in development only', async t => {
  const usual = await gateway(t)
  t.equal((await usual.ask('GET', '/debug/heap')).status, 404)
  const developing = await gateway(t, { development: true })
  const { json } = await developing.ask('GET', '/debug/heap')
  t.ok(json.heap.used_heap_size > 0 && json.spaces.old_space.space_size > 0)
  t.ok((await developing.ask('GET', '/debug/handles')).json.total > 0)
  t.equal((await developing.ask('GET', '/system')).json.development, true)
})
