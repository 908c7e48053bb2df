import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { keyOf, sign } from '../../src/callback/signature.ts'
import { eventually } from '../support/pixelgate.ts'
import { gatewayRig } from './gateway-rig.ts'

const play = { type: 'command', command: { type: 'PLAY' } }

t.test('a signed call is done under its name and needs no account', async t => {
  const rig = await gatewayRig(t)
  const token = await rig.signIn('ada', 'admin')
  const operator = await rig.signIn('ole', 'operator')
  t.equal((await rig.call('POST', '/callbacks', { token: operator, json: {} })).status, 403)
  const wrong = { name: 'bell', action: play, boards: ['none'] }
  t.equal((await rig.call('POST', '/callbacks', { token, json: wrong })).status, 404, 'boards are known')
  const made = await rig.call('POST', '/callbacks', {
    token,
    json: { name: 'bell', action: play, boards: 'all' },
  })
  t.equal(made.status, 201)
  const { callback, secret } = made.json
  t.match(callback, {
    name: 'bell',
    action: play,
    boards: 'all',
    path: `/api/v1/callbacks/${callback.id}/call`,
  })
  const key = keyOf(secret) ?? Buffer.alloc(0)
  const body = '{"some":"thing"}'
  const call = (headers: Record<string, string>, text = body, path = callback.path) =>
    rig.call('POST', path, { body: text, headers: { 'content-type': 'application/json', ...headers } })
  const signed = (id: string) => ({ ...sign(key, id, Date.now(), Buffer.from(body)) })

  const done = await call(signed('call-1'))
  t.same([done.status, done.json], [202, { accepted: true, id: 'call-1' }])
  t.match((await call(signed('call-1'))).json, { status: 401, code: 'unauthenticated' }, 'once')
  t.equal((await call(signed('call-2'), '{"some":"other"}')).status, 401, 'another body')
  t.equal((await call({})).status, 401)
  t.equal(
    (await call(signed('call-3'), body, '/callbacks/none/call')).status,
    401,
    'like one that is not there',
  )
  t.equal((await call({ ...sign(key, 'old', Date.now() - 301_000, Buffer.from(body)) })).status, 401)
  t.equal((await call(signed('large'), 'x'.repeat(70_000))).status, 413)
  const race = await Promise.all(Array.from({ length: 30 }, () => call(signed('race'))))
  t.equal(race.filter(({ status }) => status === 202).length, 1)

  const entries = () => rig.call('GET', '/audit?action=runCallback', { token })
  await eventually(async () => (await entries()).json.total === 2, 'its entries')
  t.match((await entries()).json.entries[1], {
    actor: { kind: 'callback', name: 'bell' },
    outcome: 'not_found',
    requestId: 'call-1',
  })
  await rig.restart()
  t.equal((await call(signed('call-1'))).status, 401, 'known after a start')
  t.equal((await call(signed('call-4'))).status, 202, 'and its secret can be opened')

  const rotated = await rig.call('PATCH', `/callbacks/${callback.id}`, {
    token,
    json: { newSecret: true, name: 'door' },
  })
  t.match(rotated.json, { callback: { name: 'door' }, secret: /^whsec_/ })
  t.equal((await call(signed('call-5'))).status, 401, 'the secret before is of no use')
  const listed = await rig.call('GET', '/callbacks', { token })
  t.equal(listed.json.total, 1)
  for (const each of [secret, rotated.json.secret]) {
    const bytes = keyOf(each) ?? Buffer.alloc(1)
    for (const text of [each, bytes.toString('latin1'), bytes.toString('hex')]) {
      t.notOk((await rig.database()).includes(text), 'not in the database')
      t.notOk(rig.lines().includes(text), 'not in the log')
      t.notOk(listed.text.includes(text))
    }
  }
  t.equal((await rig.call('DELETE', `/callbacks/${callback.id}`, { token })).status, 204)
  t.equal((await rig.call('GET', `/callbacks/${callback.id}`, { token })).status, 404)
})

t.test('a program elsewhere hears of events, and of a test at once', async t => {
  const got: { type: string }[] = []
  const server = createServer((request, response) => {
    request.on('data', chunk => got.push(JSON.parse(chunk)))
    request.on('end', () => response.writeHead(204).end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const rig = await gatewayRig(t, { webhooks: { allowHosts: ['127.0.0.1'] } })
  const token = await rig.signIn('ada', 'admin')
  const made = await rig.call('POST', '/webhooks', {
    token,
    json: { url, events: ['board.down', 'job.done'] },
  })
  t.match(made.json, { webhook: { url, enabled: true, breaker: 'CLOSED' }, secret: /^whsec_/ })
  const { id } = made.json.webhook
  t.match((await rig.call('POST', `/webhooks/${id}/test`, { token })).json, { delivered: true, status: 204 })
  rig.app.core.bus.emit('board.down', { boardId: 'b' as never, error: undefined })
  await eventually(() => got.length === 2, 'the event')
  t.match(got, [{ type: 'test' }, { type: 'board.down', data: { boardId: 'b', reason: null } }])
  await eventually(
    async () =>
      (await rig.call('GET', `/webhooks/${id}/deliveries`, { token })).json.deliveries[0]?.state ===
      'delivered',
    'its note',
  )
  for (const json of [
    { url: 'ftp://192.0.2.1/', events: ['job.done'] },
    { url: 'http://ada:secret@192.0.2.1/', events: ['job.done'] },
    { url: 'http://192.0.2.1/', events: ['nothing'] },
    { url: 'http://169.254.169.254/latest', events: ['job.done'] },
    { url: 'http://[::1]/', events: ['job.done'] },
  ])
    t.equal((await rig.call('POST', '/webhooks', { token, json })).status, 422, json.url)
  for (const [method, path] of [
    ['GET', `/webhooks/${id}`],
    ['GET', `/webhooks/${id}/deliveries`],
    ['POST', `/webhooks/${id}/test`],
    ['DELETE', `/webhooks/${id}`],
  ] as const)
    t.equal((await rig.call(method, path, { token: await rig.signIn('ole', 'operator') })).status, 403)
  t.equal(
    (await rig.call('PATCH', `/webhooks/${id}`, { token, json: { enabled: false } })).json.webhook.enabled,
    false,
  )
  t.equal((await rig.call('DELETE', `/webhooks/${id}`, { token })).status, 204)
  t.equal((await rig.call('GET', `/webhooks/${id}`, { token })).status, 404)
})

t.test('a stolen database opens no secret: the key is elsewhere', async t => {
  const rig = await gatewayRig(t)
  const token = await rig.signIn('ada', 'admin')
  const json = { name: 'bell', action: play, boards: 'all' }
  t.equal((await rig.call('POST', '/callbacks', { token, json })).status, 201)
  const key = await readFile(join(rig.stateDir, 'callbacks.key'))
  t.equal(key.length, 32)
  t.notOk((await rig.database()).includes(key.toString('latin1')))
})
