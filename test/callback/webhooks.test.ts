import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { keyOf, signatureFault } from '../../src/callback/signature.ts'
import { Webhooks } from '../../src/callback/webhooks.ts'
import { Breakers } from '../../src/guard/breakers.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { eventually } from '../support/pixelgate.ts'

/** Not sealed at all, in place of the key file. */
const sealing = {
  seal: async (_owner: string, secret: string) => Buffer.from(secret),
  open: (_owner: string, sealed: Uint8Array) => Buffer.from(sealed).toString(),
}

interface Got {
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  readonly type: string
}

/** A program that answers with the next of these statuses, then with 204; 0: not at all. */
async function receiver(t: Test, ...statuses: number[]) {
  const got: Got[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      got.push({ headers: request.headers, body, type: JSON.parse(body.toString()).type })
      const status = statuses.shift() ?? 204
      if (status === 0) return
      if (status === 302) response.setHeader('location', '/elsewhere')
      response.statusCode = status
      response.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { got, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` }
}

async function rig(t: Test, store?: Store, clock = new VirtualClock()) {
  const kept = store ?? (await openStore(`${t.testdir()}/gateway.db`))
  if (store === undefined) t.teardown(() => kept.close())
  const breakers = new Breakers(clock)
  const open = () =>
    Webhooks.open({
      ...{ store: kept, clock, log: silentLog, sealing, breakers, agent: 'pixelgate/0' },
      ...{ allowHosts: ['127.0.0.1'], random: () => 0.5 },
    })
  const webhooks = await open()
  t.teardown(() => webhooks.stop())
  return { webhooks, clock, store: kept, open, breakers }
}

t.test('events arrive signed, in order, and only those that are asked for', async t => {
  const { webhooks, clock } = await rig(t)
  const { got, url } = await receiver(t)
  const { webhook, secret } = await webhooks.make({ url, events: ['board.up', 'board.down'] })
  await webhooks.publish('job.done', { job: 1 })
  for (let at = 0; at < 20; at++) await webhooks.publish(at % 2 === 0 ? 'board.up' : 'board.down', { at })
  await eventually(() => got.length === 20, 'the messages')
  t.same(
    got.map(({ body }) => JSON.parse(body.toString()).data.at),
    Array.from({ length: 20 }, (_, at) => at),
  )
  const key = keyOf(secret) ?? Buffer.alloc(0)
  for (const { headers, body } of got)
    t.equal(signatureFault(key, headers, body, clock.wallTime()), undefined)
  t.equal(new Set(got.map(({ headers }) => headers['webhook-id'])).size, 20)
  t.match(got[0]?.headers, { 'content-type': 'application/json', 'user-agent': 'pixelgate/0' })
  await eventually(
    async () =>
      (await webhooks.deliveries(webhook.id, { limit: 100, skip: 0, before: null })).deliveries.every(
        ({ state }) => state === 'delivered',
      ),
    'the note of the last one',
  )
  const page = await webhooks.deliveries(webhook.id, { limit: 5, skip: 0, before: null })
  t.match(page, { total: 20, last: Number })
  t.equal(page.deliveries[0]?.event, 'board.down', 'newest first')
})

t.test('what is refused is sent again, later and later, before what came after it', async t => {
  const { webhooks, clock } = await rig(t)
  const { got, url } = await receiver(t, 500, 503, 302, 404)
  const { webhook } = await webhooks.make({ url, events: ['board.up', 'board.down'] })
  await webhooks.publish('board.up', {})
  await webhooks.publish('board.down', {})
  const waits = async (attempts: number) => {
    await eventually(() => got.length === attempts, `attempt ${attempts}`)
    await eventually(async () => {
      const { deliveries } = await webhooks.deliveries(webhook.id, { limit: 2, skip: 0, before: null })
      return deliveries[1]?.attempts === attempts
    }, 'its note')
  }
  await waits(1)
  clock.advance(99)
  t.equal(got.length, 1)
  for (const [attempts, waitMs] of [
    [2, 1],
    [3, 200],
    [4, 400],
  ] as const) {
    clock.advance(waitMs)
    await waits(attempts)
  }
  t.equal(
    got.every(({ type }) => type === 'board.up'),
    true,
    'the second event waits for the first',
  )
  t.equal(new Set(got.map(({ headers }) => headers['webhook-id'])).size, 1, 'under one id')
  const { deliveries } = await webhooks.deliveries(webhook.id, { limit: 2, skip: 0, before: null })
  t.match(deliveries[1], { state: 'waiting', attempts: 4, lastStatus: 404 })
  clock.advance(60_000)
  await eventually(() => got.length === 6, 'both of them')
  t.same(
    got.slice(4).map(({ type }) => type),
    ['board.up', 'board.down'],
  )
})

t.test('a receiver that is away is left alone by a breaker; what waits survives a start', async t => {
  const path = `${t.testdir()}/gateway.db`
  const store = await openStore(path)
  t.teardown(() => store.close())
  const { webhooks, clock, open } = await rig(t, store)
  const { got, url } = await receiver(t)
  const dead = url.replace(/:\d+/, ':1')
  const { webhook } = await webhooks.make({ url: dead, events: ['board.up'] })
  await webhooks.publish('board.up', { at: 1 })
  const attempts = async () =>
    (await webhooks.deliveries(webhook.id, { limit: 1, skip: 0, before: null })).deliveries[0]?.attempts
  for (const [count, waitMs] of [
    [1, 100],
    [2, 200],
    [3, 400],
    [4, 60_000],
  ] as const) {
    await eventually(async () => (await attempts()) === count, `attempt ${count}`)
    clock.advance(waitMs)
  }
  await eventually(async () => (await attempts()) === 5, 'the fifth')
  await eventually(() => webhooks.get(webhook.id).breaker === 'OPEN', 'the breaker')
  webhooks.stop()
  const again = await open()
  t.teardown(() => again.stop())
  await again.change(webhook.id, { url })
  clock.advance(3_600_000)
  await eventually(() => got.length === 1, 'the message')
  t.match(JSON.parse(String(got[0]?.body)), { type: 'board.up', data: { at: 1 } })
})

t.test('one that says it is gone is switched off; ten seconds are enough for an answer', async t => {
  const { webhooks, clock } = await rig(t)
  const { got, url } = await receiver(t, 410)
  const { webhook } = await webhooks.make({ url, events: ['board.up'] })
  await webhooks.publish('board.up', {})
  await eventually(() => !webhooks.get(webhook.id).enabled, 'its end')
  await webhooks.publish('board.up', {})
  t.equal(got.length, 1)

  const slow = await receiver(t, 0)
  const made = await webhooks.make({ url: slow.url, events: ['board.up'] })
  const tested = webhooks.test(made.webhook.id)
  await eventually(() => slow.got.length === 1, 'the request')
  clock.advance(10_000)
  t.match(await tested, { delivered: false, status: null, error: 'no answer within 10 s' })
  t.match(await webhooks.test(made.webhook.id), { delivered: true, status: 204 })
  t.equal(slow.got[1]?.type, 'test')
})

t.test(
  'the outbox is bounded, and addresses of this machine are refused unless they are allowed',
  async t => {
    const { webhooks, store } = await rig(t)
    await t.rejects(webhooks.make({ url: 'http://127.0.0.2/', events: ['board.up'] }), { code: 'invalid' })
    await t.rejects(webhooks.make({ url: 'http://[::1]:80/', events: ['board.up'] }), { code: 'invalid' })
    const { webhook } = await webhooks.make({ url: 'http://127.0.0.1:1/', events: ['board.up'] })
    const message = { webhookId: webhook.id, event: 'board.up', body: '{}', createdMs: 1 }
    await store.webhooks.enqueue(Array.from({ length: 1_300 }, (_, at) => ({ ...message, id: `m${at}` })))
    const page = await webhooks.deliveries(webhook.id, { limit: 1, skip: 1299, before: null })
    t.match(page.deliveries[0], { id: 'm0', state: 'dropped' }, 'the oldest goes')
    await webhooks.remove(webhook.id)
    await t.rejects(webhooks.test(webhook.id), { code: 'not_found' })

    // A name that leads here is refused when it is looked up, whatever the address of the webhook says.
    const named = await webhooks.make({ url: 'http://localhost.localdomain.invalid/', events: ['board.up'] })
    t.match(await webhooks.test(named.webhook.id), { delivered: false, status: null })
  },
)
