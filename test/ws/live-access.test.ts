import { once } from 'node:events'
import t from 'tap'
import { WebSocket } from 'ws'
import { guestPrincipal, type Principal } from '../../src/account/principal.ts'
import { upgradeListener } from '../../src/http/access/check-upgrade.ts'
import { liveOperations } from '../../src/http/routes/live.ts'
import { startLanServer } from '../../src/http/start-lan-server.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { redactText } from '../../src/ops/redact-text.ts'
import { liveClientsView, liveTicketView } from '../../src/wire/live.ts'
import { ClientCounts } from '../../src/ws/client-counts.ts'
import { LiveHub } from '../../src/ws/live-hub.ts'
import { liveLimits } from '../../src/ws/live-limits.ts'
import { Tickets } from '../../src/ws/tickets.ts'
import { mayHear, mayType } from '../../src/ws/topic-rights.ts'
import { lanRig } from '../http/lan-rig.ts'
import { eventually, type LiveCaller, liveRig, person } from './live-rig.ts'

const anna = person('anna')
const token = (...scopes: string[]): Principal => ({ ...person('script'), kind: 'token', scopes })

t.test('a ticket lets one connection in, however many try at once', async t => {
  const clock = new VirtualClock()
  const tickets = new Tickets(clock, liveLimits)
  const { ticket, expiresAt } = tickets.issue(anna)
  t.match(ticket, /^[\w-]{43}$/)
  t.equal(Date.parse(expiresAt) - clock.wallTime(), 30_000)
  const winners = await Promise.all(Array.from({ length: 1000 }, async () => tickets.redeem(ticket)))
  t.same(
    winners.filter(each => each !== undefined),
    [anna],
  )
  t.equal(tickets.redeem('x'), undefined)
})

t.test('a connection ends with the token that it was opened with', async t => {
  const { hub, clock, join } = await liveRig(t)
  const early = await join({ ...token('*:read'), id: 'early', endsMs: clock.now() + 10_000 })
  const late = await join({ ...token('*:read'), id: 'late', endsMs: clock.now() + 3_600_000 })
  const { ticket } = hub.ticket({ ...token('*:read'), id: 'early', endsMs: clock.now() + 10_000 })
  await eventually(() => hub.clients().every(({ latencyMs }) => latencyMs !== null), 'answers to pings')
  clock.advance(15_000)
  t.match(await early.end(), { code: 4401, reason: /run out/ })
  t.equal(hub.redeem(ticket), undefined)
  t.equal(late.socket.readyState, WebSocket.OPEN)
})

t.test('whoever is signed out at the door of a channel does not come in', async t => {
  const { hub } = await liveRig(t)
  let look: () => void = () => undefined
  hub.provide('jobs/ID', async () => {
    await new Promise<void>(resolve => {
      look = resolve
    })
    return [{ type: 'job', data: {} }]
  })
  const id = '00000000-0000-7000-8000-000000000000'
  for (const [whom, comesIn] of [
    ['anna', false],
    ['ben', true],
  ] as const) {
    const coming = hub.mayOpen(anna, id)
    hub.disconnectUser(person(whom).id)
    look()
    if (comesIn) await coming
    else await t.rejects(coming, { code: 'unauthenticated' })
  }
})

t.test('a ticket runs out, ends with the sign-in, and has caps', async t => {
  const clock = new VirtualClock()
  const tickets = new Tickets(clock, { ...liveLimits, tickets: 4, ticketsOfOne: 2 })
  const [late, early] = [tickets.issue(anna).ticket, tickets.issue(anna).ticket]
  clock.advance(29_999)
  t.equal(tickets.redeem(early), anna)
  clock.advance(1)
  t.equal(tickets.redeem(late), undefined)

  const [first, second, third] = [1, 2, 3].map(() => tickets.issue(anna).ticket)
  t.equal(tickets.redeem(String(first)), undefined, 'the oldest of a person gives way')
  tickets.issue(person('ben'))
  tickets.issue(person('cora'))
  t.throws(() => tickets.issue(person('dora')), { code: 'overloaded' })
  tickets.revoke(({ id }) => id === anna.id)
  t.equal(tickets.redeem(String(second)) ?? tickets.redeem(String(third)), undefined)
  tickets.issue(person('dora'))
})

t.test('what a topic needs is decided in one place', async t => {
  const topics = [
    'boards',
    'jobs/1',
    'progress/1',
    'alerts',
    'chat',
    'presence',
    'typing',
    'gpio',
    'metrics',
    'health',
  ]
  const heard = (principal: Principal) => topics.filter(topic => mayHear(principal, topic))
  t.same(heard(person('ben', 'viewer')), topics)
  t.same(heard(guestPrincipal), ['boards', 'jobs/1', 'progress/1'])
  t.same(heard(token('jobs:read')), ['jobs/1', 'progress/1'])
  t.same(heard(token('rooms:write')), ['chat', 'presence', 'typing'])
  t.same(heard(token('*:read')), topics)
  t.same(heard(token()), [])
  t.same(heard({ ...anna, kind: 'callback' }), [])
  t.notOk(mayHear(anna, 'secrets'))
  t.same([anna, guestPrincipal, token('rooms:write'), token('rooms:read')].map(mayType), [
    true,
    false,
    true,
    false,
  ])
})

t.test('a topic that one may not hear is refused, and the others stay', async t => {
  const { hub, join } = await liveRig(t)
  const told: string[] = []
  hub.onArrival(({ name }) => {
    told.push(name)
    return () => undefined
  })
  const guest = await (await join(guestPrincipal)).subscribe('boards', 'chat', 'jobs', 'metrics')
  t.same(guest.data('session', 'subscribed'), [{ topics: ['boards', 'jobs'] }])
  t.match(guest.data('session', 'error'), [{ code: 'forbidden', topics: ['chat', 'metrics'] }])
  guest.send({ type: 'resume', since: 1, epoch: 'epoch', topics: ['chat'] })
  guest.send({ type: 'typing', roomId: 'r' })
  hub.publish('chat', 'message', 'secret')
  hub.publish('metrics', 'sample', 'secret')
  hub.publish('boards', 'board', 'b')
  await guest.settle()
  t.same(guest.data('boards'), ['b'])
  t.notMatch(JSON.stringify(guest.messages), /secret/)
  t.equal(guest.of('session', 'error').length, 3)
  const script = await (await join(token('jobs:read'))).subscribe('boards', 'jobs')
  t.match(script.data('session', 'error'), [{ code: 'forbidden', topics: ['boards'] }])
  t.same(told, [], 'neither is company in the chat')
})

t.test('a guest becomes somebody with a token', async t => {
  const { hub, join } = await liveRig(t, { limits: { anonymous: 1, connectionsOfOne: 2 } })
  const guest = await (await join(guestPrincipal)).subscribe('boards')
  t.match(hub.clients(), [{ user: 'guest', kind: 'guest' }])
  guest.send({ type: 'auth', token: 'token-ben' })
  await guest.until(({ data }) => (data as { name?: string }).name === 'ben', 'welcome')
  await guest.subscribe('chat')
  t.same(guest.data('session', 'subscribed').at(-1), { topics: ['boards', 'chat'] })
  t.match(hub.clients(), [{ user: 'ben', kind: 'user' }])
  const other = await join(guestPrincipal)
  other.send({ type: 'auth', token: 'wrong' })
  t.match(await other.end(), { code: 4401 })
  await eventually(() => hub.clients().length === 1, 'the end of the other')
  await join(guestPrincipal)
})

t.test('a filter lets through what fits all of its keys, and unsubscribing ends it', async t => {
  const { hub, clock, join } = await liveRig(t)
  hub.provide('boards', () => [
    { type: 'board', data: { id: 'b1' } },
    { type: 'board', data: { id: 'b2' } },
  ])
  const caller = await join(anna)
  const ask = async (request: Parameters<LiveCaller['send']>[0]) => {
    caller.send(request)
    await caller.settle()
    clock.advance(1000)
  }
  const heardOf = async (...data: Record<string, unknown>[]) => {
    const before = caller.of('jobs').length
    for (const each of data) hub.publish('jobs', 'job', each)
    await caller.settle()
    return caller.data('jobs').slice(before)
  }
  await ask({ type: 'subscribe', topics: ['boards'], filter: { boardId: 'b2' } })
  t.same(caller.data('boards'), [{ id: 'b2' }], 'also of the snapshot')
  const [one, two, three, other] = [
    { id: 'j1', boardId: 'b1', state: 'done' },
    { id: 'j2', boardId: 'b1', state: 'queued' },
    { id: 'j3', boardId: 'b2', state: 'failed' },
    { name: 'without an id' },
  ]
  await ask({ type: 'subscribe', topics: ['jobs'], filter: { boardId: 'b1', state: ['done', 'failed'] } })
  t.same(await heardOf(one, two, three, other), [one])
  await ask({ type: 'subscribe', topics: ['jobs'], filter: { jobId: ['j2', 'j3'] } })
  t.same(await heardOf(one, two, three, other), [two, three])
  await ask({ type: 'subscribe', topics: ['jobs'], filter: { types: 'other' } })
  t.same(await heardOf(one), [])
  await ask({ type: 'subscribe', topics: ['jobs'] })
  t.same(await heardOf(one, other), [one, other], 'without a filter all comes again')
  await ask({ type: 'subscribe', topics: ['alerts'], filter: { severity: 'critical', code: ['a', 'b'] } })
  hub.publish('alerts', 'alert', { severity: 'critical', code: 'a' })
  hub.publish('alerts', 'alert', { severity: 'warning', code: 'a' })
  hub.publish('alerts', 'alert', { severity: 'critical', code: 'c' })
  await caller.settle()
  t.equal(caller.of('alerts').length, 1)
  await ask({ type: 'unsubscribe', topics: ['jobs'] })
  t.same(await heardOf(one, two, three, other), [])
  t.equal(hub.clients()[0]?.topics.includes('jobs'), false)
  for (const filter of [{ secret: 'x' }, { state: [] }, { state: 7 }]) {
    caller.socket.send(JSON.stringify({ type: 'subscribe', topics: ['jobs'], filter }))
    await caller.settle()
    t.match(caller.data('session', 'error').at(-1), { code: 'usage' })
    clock.advance(1000)
  }
})

const jobA = '0190b1c2-0000-7000-8000-00000000000a'
const jobB = '0190b1c2-0000-7000-8000-00000000000b'

t.test('the channel of a job tells of that job alone, and ends with it', async t => {
  const { hub, connect, join } = await liveRig(t)
  const states = new Map([
    [jobA, 'transferring'],
    [jobB, 'done'],
  ])
  hub.provide('jobs/ID', ({ id }) => {
    const state = states.get(id)
    return state === undefined ? [] : [{ type: 'job', data: { id, state }, last: state === 'done' }]
  })
  const channel = connect(anna, jobA)
  await channel.until(({ type }) => type === 'job', 'snapshot')
  const main = await (await join(anna)).subscribe(`jobs/${jobA}`)
  t.same(channel.data('session', 'subscribed'), [{ topics: [`jobs/${jobA}`, `progress/${jobA}`] }])
  for (const topics of [['jobs'], ['boards'], [`jobs/${jobB}`]]) channel.send({ type: 'subscribe', topics })
  channel.send({ type: 'resume', since: 1, epoch: 'epoch', topics: ['chat'] })
  channel.send({ type: 'typing', roomId: 'r' })
  for (const id of [jobA, jobB]) {
    hub.publish('jobs', 'job', { id })
    hub.publish(`jobs/${id}`, 'job', { id, state: 'verifying' })
    hub.publish(`progress/${id}`, 'progress', { jobId: id }, { key: id })
  }
  await channel.settle()
  t.equal(channel.of('session', 'error').length, 5)
  t.same(channel.data(`jobs/${jobA}`), [
    { id: jobA, state: 'transferring' },
    { id: jobA, state: 'verifying' },
  ])
  t.same(channel.data(`progress/${jobA}`), [{ jobId: jobA }])
  t.notMatch(JSON.stringify(channel.messages), new RegExp(jobB))
  hub.publish(`jobs/${jobA}`, 'job', { id: jobA, state: 'done' }, { last: true })
  t.same(await channel.end(), { code: 1000, reason: 'The job has ended' })
  t.match(channel.data(`jobs/${jobA}`).at(-1), { state: 'done' })
  await main.settle()
  t.match(main.data(`jobs/${jobA}`).at(-1), { state: 'done' }, 'the other connection stays')

  const ended = connect(anna, jobB)
  t.same(await ended.end(), { code: 1000, reason: 'The job has ended' })
  t.same(ended.data(`jobs/${jobB}`), [{ id: jobB, state: 'done' }])

  const late = connect(undefined, jobA)
  await once(late.socket, 'open')
  late.send({ type: 'auth', token: 'token-ben' })
  await late.until(({ type }) => type === 'job', 'snapshot')
  const unknown = connect(undefined, '0190b1c2-0000-7000-8000-00000000000c')
  await once(unknown.socket, 'open')
  unknown.send({ type: 'auth', token: 'token-ben' })
  t.same(await unknown.end(), { code: 4404, reason: 'There is no job with this id' })
  t.same(await connect({ ...token('boards:read'), id: 'token' }, jobA).end(), {
    code: 4404,
    reason: 'There is no job with this id',
  })
})

t.test('the door of the network: tickets, channels, and whom neither lets in', async t => {
  const rig = await lanRig(t)
  const { access, accounts, clock } = rig
  const hub = new LiveHub({
    clock,
    log: silentLog,
    version: '1',
    authenticate: each => accounts.authenticate(each),
  })
  hub.provide('jobs/ID', ({ id }) => (id === jobA ? [{ type: 'job', data: { id, state: 'queued' } }] : []))
  accounts.events.on('signIn.ended', ({ userId, signInId }) => hub.disconnectUser(userId, signInId))
  const server = await startLanServer({
    config: { host: '127.0.0.1', port: 0 },
    listener: () => undefined,
    upgrade: upgradeListener(access, hub.handleUpgrade.bind(hub), hub),
    tls: undefined,
  })
  t.teardown(async () => {
    await hub.stop()
    await server.close()
  })
  const url = server.url.replace('http', 'ws')
  const knock = async (path: string, headers: Record<string, string> = {}) => {
    const socket = new WebSocket(`${url}${path}`, { headers })
    socket.on('error', () => undefined)
    t.teardown(() => socket.terminate())
    return new Promise<number>(resolve => {
      socket.once('open', () => resolve(101))
      socket.once('unexpected-response', (_request, { statusCode }) => resolve(statusCode ?? 0))
    })
  }
  const shown = await rig.signIn('viewer')
  const viewer = await accounts.authenticate(shown)
  if (viewer === undefined) throw new Error('the viewer is signed in')
  const fresh = () => `?ticket=${hub.ticket(viewer).ticket}`
  const used = fresh()
  const tries = await Promise.all(Array.from({ length: 20 }, () => knock(`/ws${used}`)))
  t.same(tries.sort(), [101, ...Array.from({ length: 19 }, () => 401)])
  t.match(hub.clients(), [{ user: 'viewer', kind: 'user', address: '127.0.0.1' }])
  t.equal(await knock('/ws?ticket='), 401)
  t.equal(await knock('/ws?ticket=nonsense', { authorization: `Bearer ${shown}` }), 401)
  t.equal(await knock(`/ws${fresh()}`, { origin: 'http://evil.example' }), 403)
  t.equal(await knock(`/ws${fresh()}`, { host: 'evil.example' }), 421)
  t.equal(await knock(`/ws?ticket=${hub.ticket({ ...viewer, kind: 'local' }).ticket}`), 401)

  const auth = { authorization: `Bearer ${shown}` }
  t.equal(await knock(`/ws/jobs/${jobA}`, auth), 101)
  t.equal(await knock(`/ws/jobs/${jobA}${fresh()}`), 101)
  t.equal(await knock(`/ws/jobs/${jobB}`, auth), 404)
  t.equal(await knock(`/ws/jobs/${jobB}${fresh()}`), 404)
  t.equal(await knock('/ws/jobs/x', auth), 404)
  t.equal(await knock(`/ws/jobs/${jobA}/`, auth), 404)
  const script = { ...viewer, kind: 'token' as const, scopes: ['boards:read'] }
  t.equal(await knock(`/ws/jobs/${jobA}?ticket=${hub.ticket(script).ticket}`), 404, 'its scopes are too few')

  const left = fresh()
  await accounts.signOut(shown)
  await eventually(() => hub.clients().length === 0, 'all are signed out')
  t.equal(await knock(`/ws${left}`), 401, 'a ticket ends with the sign-in')
  t.notMatch(redactText(`GET /ws${left}`), left.slice(8))
})

t.test('admins see the connections and end them; others do not', async t => {
  const { hub, join } = await liveRig(t)
  const rig = await lanRig(t, { operations: liveOperations(hub) })
  const [viewer, operator, admin] = [
    await rig.signIn('viewer'),
    await rig.signIn('operator'),
    await rig.signIn('admin'),
  ]
  const made = await rig.call('/api/v1/auth/ws-ticket', { method: 'POST', token: viewer })
  t.equal(made.status, 201)
  t.match(hub.redeem(liveTicketView.parse(made.json).ticket), { name: 'viewer' })
  t.equal((await rig.call('/api/v1/auth/ws-ticket', { method: 'POST' })).status, 401)

  const caller = await (await join(anna)).subscribe('boards')
  await join(person('ben'))
  await eventually(() => hub.stats().latencyP50Ms !== null, 'a pong')
  for (const shown of [viewer, operator]) {
    t.equal((await rig.call('/api/v1/live/clients', { token: shown })).status, 403)
    t.equal((await rig.call('/api/v1/live/clients/1', { method: 'DELETE', token: shown })).status, 403)
  }
  const { clients, total } = liveClientsView.parse(
    (await rig.call('/api/v1/live/clients', { token: admin })).json,
  )
  t.equal(total, 2)
  t.match(clients[0], {
    user: 'anna',
    kind: 'user',
    address: '127.0.0.1',
    topics: ['boards'],
    latencyMs: 0,
    dropped: 0,
    sent: 2,
  })
  t.match((await rig.call('/api/v1/live/clients?limit=1&skip=1', { token: admin })).json, {
    clients: [{ user: 'ben' }],
    total: 2,
  })
  const end = () => rig.call(`/api/v1/live/clients/${clients[0]?.id}`, { method: 'DELETE', token: admin })
  t.equal((await end()).status, 204)
  t.match(await caller.end(), { code: 4403 })
  t.equal((await end()).status, 404)
})

t.test('one address has no more than its share; this machine may have all', async t => {
  const counts = new ClientCounts({
    ...liveLimits,
    connectionsOfAddress: 2,
    connectionsOfOne: 2,
    connections: 6,
    anonymous: 4,
  })
  const clients = ['192.0.2.1', '192.0.2.1', '::ffff:127.0.0.1', '::1'].map(
    address => ({ origin: { address } }) as Parameters<typeof counts.add>[0],
  )
  for (const each of clients) counts.add(each)
  t.notOk(counts.hasRoom('192.0.2.1', anna))
  t.ok(counts.hasRoom('192.0.2.2', anna))
  t.ok(counts.hasRoom('127.0.0.1', anna))
  const [one, two, own, six] = clients
  if (one === undefined || two === undefined || own === undefined || six === undefined)
    throw new Error('four')
  t.equal(counts.signIn(one, guestPrincipal), undefined)
  t.equal(counts.signIn(two, guestPrincipal), undefined)
  t.equal(counts.signIn(own, guestPrincipal), undefined, 'guests count by their address')
  t.match(counts.signIn({ ...one } as typeof one, guestPrincipal), /At most 2/)
  t.notOk(counts.hasRoom('192.0.2.2', guestPrincipal), 'of strangers there are as many as may be')
  t.notOk(counts.hasRoom('192.0.2.2', undefined))
  counts.remove(one)
  counts.remove(one)
  t.ok(counts.hasRoom('192.0.2.1', anna))
  counts.add(six)
  counts.add({ ...one } as typeof one)
  counts.add({ ...one } as typeof one)
  counts.add({ ...one } as typeof one)
  t.notOk(counts.hasRoom('127.0.0.1', anna))
})
