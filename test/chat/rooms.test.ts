import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { Principal } from '../../src/account/principal.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { roomOperations } from '../../src/http/routes/rooms.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { apiOf, doorFor } from '../support/api-of.ts'
import { type ChatRig, chatRig, local } from './chat-rig.ts'

const noRoom = { code: 'not_found', message: 'There is no room with this id.' }

t.test('a room is known to its members alone; for others it is as if it were not', async t => {
  const rig = await chatRig(t)
  const { chat, heard } = rig
  const [anna, ben, cora] = [await rig.user('Anna'), await rig.user('ben'), await rig.user('cora', 'admin')]
  const room = await chat.rooms.create(anna, { name: 'Workshop', members: ['BEN', 'anna', 'ben'] })
  t.match(room, { name: 'Workshop', kind: 'group', members: ['Anna', 'ben'], createdBy: 'Anna' })
  t.same(heard['chat.room'].at(-1)?.audience, [anna.id, ben.id])
  const said = await rig.say(ben, 'only us', room.id)
  t.same(heard['chat.message'].at(-1), { audience: [anna.id, ben.id].sort(), message: said })

  t.same(
    (await chat.rooms.list(cora)).map(({ kind }) => kind),
    ['common'],
  )
  t.same(
    (await chat.rooms.list(ben)).map(({ name }) => name),
    ['Common room', 'Workshop'],
  )
  t.same(
    (await chat.rooms.list(local)).map(({ name }) => name),
    ['Common room', 'Workshop'],
  )
  t.same(await rig.texts(local, room.id), ['only us'], 'the console sees it')
  for (const id of [room.id, 'nowhere', '0'.repeat(36)]) {
    await t.rejects(chat.rooms.get(cora, id), noRoom)
    await t.rejects(chat.messages(cora, id), noRoom)
    await t.rejects(rig.say(cora, 'let me in', id), noRoom)
    await t.rejects(chat.rooms.addMember(cora, id, 'cora'), noRoom)
    await t.rejects(chat.rooms.removeMember(cora, id, 'ben'), noRoom)
  }
  await t.rejects(chat.rooms.remove(ben, 'nowhere'), noRoom)
  await t.rejects(chat.rooms.remove(cora, 'nowhere'), noRoom)
  await t.rejects(chat.rooms.create(anna, { name: 'x', members: ['dora'] }), {
    code: 'not_found',
    message: 'There is nobody called "dora".',
  })
  t.equal((await chat.rooms.list(anna)).length, 2, 'a refused room was not made')
})

t.test('members bring others in and leave; who made the room removes them', async t => {
  const rig = await chatRig(t)
  const { chat, heard } = rig
  const [anna, ben, cora] = [await rig.user('anna'), await rig.user('ben'), await rig.user('cora')]
  const { id } = await chat.rooms.create(anna, { name: 'Workshop', members: ['ben'] })
  t.same((await chat.rooms.addMember(ben, id, 'Cora')).members, ['anna', 'ben', 'cora'])
  t.same((await chat.rooms.addMember(ben, id, 'cora')).members.length, 3, 'twice is once')
  await t.rejects(chat.rooms.addMember(ben, id, 'nobody'), { code: 'not_found' })
  await t.rejects(chat.rooms.removeMember(ben, id, 'anna'), { code: 'forbidden' })
  await t.rejects(chat.rooms.removeMember(anna, id, 'nobody'), { message: 'nobody is not in this room.' })
  await chat.rooms.removeMember(anna, id, 'CORA')
  t.same(heard['chat.left'], [{ audience: [cora.id], roomId: id }])
  await t.rejects(chat.messages(cora, id), noRoom)
  await chat.rooms.removeMember(ben, id, 'ben')
  t.same(await rig.texts(anna, id), ['ben has added cora.', 'anna has removed cora.', 'ben has left.'])
  t.same(heard['chat.room'].at(-1), { audience: [anna.id], room: await chat.rooms.get(anna, id) })
  t.ok(heard['chat.message'].every(({ message }) => message.kind === 'system' && message.author === null))

  await chat.rooms.addMember(local, id, 'ben')
  await chat.rooms.removeMember(local, id, 'ben')
  await chat.rooms.removeMember(anna, id, 'anna')
  await t.rejects(chat.rooms.get(local, id), noRoom, 'the last member takes the room along')
  t.same(heard['chat.left'].at(-1), { audience: [anna.id], roomId: id })
})

t.test('a room is deleted with its messages by who made it or by an admin', async t => {
  const rig = await chatRig(t)
  const { chat, heard, upload } = rig
  const [anna, ben] = [await rig.user('anna'), await rig.user('ben')]
  const admin = await rig.user('admin', 'admin')
  const make = () => chat.rooms.create(anna, { name: 'Room', members: ['ben'] })
  for (const who of [anna, admin, local]) {
    const { id } = await make()
    for (let n = 0; n < 40; n++) await rig.say(ben, `${n}`, id)
    upload.clock.advance(60_000)
    await t.rejects(chat.rooms.remove(ben, id), { code: 'forbidden' })
    await chat.rooms.remove(who, id)
    await t.rejects(chat.rooms.get(anna, id), noRoom)
    t.same(heard['chat.left'].at(-1), { audience: [anna.id, ben.id], roomId: id })
    t.equal(await upload.store.messages.border({ roomId: id, keep: 0 }), undefined)
  }
})

t.test('nobody deletes, joins or leaves the common room', async t => {
  const rig = await chatRig(t)
  const { chat } = rig
  const anna = await rig.user('anna', 'admin')
  const id = chat.commonRoomId
  await t.rejects(chat.rooms.remove(anna, id), { code: 'conflict', message: /everybody/i })
  await t.rejects(chat.rooms.addMember(anna, id, 'anna'), { code: 'conflict' })
  await t.rejects(chat.rooms.removeMember(anna, id, 'anna'), { code: 'conflict' })
  t.equal(await rig.upload.store.rooms.remove(id), false, 'nor does the database')
})

t.test('rooms and members have their limits', async t => {
  const rig = await chatRig(t)
  const { chat } = rig
  const anna = await rig.user('anna')
  const names: string[] = []
  for (let n = 0; n < 256; n++) names.push((await rig.user(`guest-${n}`)).name)
  await t.rejects(chat.rooms.create(anna, { name: 'x', members: names }), {
    code: 'conflict',
    message: 'A room has at most 256 members.',
  })
  const { id } = await chat.rooms.create(anna, { name: 'x', members: names.slice(1) })
  await t.rejects(chat.rooms.addMember(anna, id, names[0] ?? ''), { code: 'conflict' })
  t.equal((await chat.rooms.get(anna, id)).members.length, 256)
  for (let n = 1; n < 32; n++) await chat.rooms.create(anna, { name: `${n}`, members: [] })
  await t.rejects(chat.rooms.create(anna, { name: 'x', members: [] }), {
    code: 'conflict',
    message: /32 rooms/,
  })
  for (let n = 32; n < 256; n++) await chat.rooms.create(local, { name: `${n}`, members: [] })
  await t.rejects(chat.rooms.create(local, { name: 'x', members: [] }), {
    code: 'conflict',
    message: /256 rooms/,
  })
})

t.test('what somebody wrote stays under the name when the user is removed; an empty room goes', async t => {
  const rig = await chatRig(t)
  const { chat, upload } = rig
  const [anna, ben] = [await rig.user('anna'), await rig.user('ben')]
  const both = await chat.rooms.create(anna, { name: 'Both', members: ['ben'] })
  const alone = await chat.rooms.create(anna, { name: 'Alone', members: [] })
  await chat.post(anna, both.id, { text: 'I was here', clientId: '1' })
  await upload.store.users.remove('anna')
  const { messages } = await chat.messages(ben, both.id)
  t.match(messages, [{ author: 'anna', text: 'I was here' }])
  t.match(await chat.rooms.get(ben, both.id), { members: ['ben'], createdBy: null })
  await t.rejects(chat.rooms.get(local, alone.id), noRoom)
})

type Call = (
  who: Principal | undefined,
  method: string,
  path: string,
  body?: unknown,
) => Promise<{ status: number; json: Record<string, unknown> }>

/**
 * The routes behind a real server; the name of the caller stands for the session that the account module finds.
 */
async function serve(t: Test, rig: ChatRig): Promise<Call> {
  const people = new Map<string, Principal>()
  const lan = {
    ...doorFor(undefined),
    identify: async (request: IncomingMessage) => people.get(String(request.headers['x-test-caller'])),
  }
  const api = apiOf(roomOperations({ chat: rig.chat }))
  const listener = createHttp({ log: silentLog, clock: new VirtualClock(), api, lan })
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const { port } = server.address() as AddressInfo
  return async (who, method, path, body) => {
    if (who !== undefined) people.set(who.id, who)
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-test-caller': who?.id ?? 'nobody' },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, json: text === '' ? {} : JSON.parse(text) }
  }
}

t.test('the routes answer with rooms, pages and problems', async t => {
  const rig = await chatRig(t)
  const call = await serve(t, rig)
  const [anna, ben] = [await rig.user('anna'), await rig.user('ben', 'viewer')]
  await rig.user('cora')
  const common = rig.chat.commonRoomId

  const made = await call(anna, 'POST', '/rooms', { name: ' Workshop ', members: ['ben'] })
  t.match(made, { status: 201, json: { room: { name: 'Workshop', members: ['anna', 'ben'] } } })
  const { id } = made.json['room'] as { id: string }
  t.match(await call(ben, 'GET', '/rooms'), { status: 200, json: { rooms: [{ id: common }, { id }] } })
  t.match(await call(ben, 'GET', `/rooms/${id}`), { status: 200, json: { room: { id } } })
  t.match(await call(ben, 'POST', '/rooms', { name: 'x' }), { status: 403, json: { code: 'forbidden' } })
  t.match(await call(ben, 'POST', `/rooms/${id}/members`, { name: 'cora' }), { status: 403 })
  t.match(await call(ben, 'DELETE', `/rooms/${id}`), { status: 403 })
  t.match(await call(anna, 'POST', `/rooms/${id}/members`, { name: 'cora' }), {
    status: 200,
    json: { room: { members: ['anna', 'ben', 'cora'] } },
  })
  t.match(await call(anna, 'DELETE', `/rooms/${id}/members/cora`), { status: 204 })
  t.match(await call(ben, 'DELETE', `/rooms/${id}/members/ben`), { status: 204 }, 'a viewer may leave')

  const foreign = await call(ben, 'GET', `/rooms/${id}/messages`)
  const unknown = await call(ben, 'GET', '/rooms/nowhere/messages')
  t.match(foreign, { status: 404 })
  t.same({ ...foreign.json, requestId: '' }, { ...unknown.json, requestId: '' })

  const post = (text: unknown, more = {}) => call(ben, 'POST', `/rooms/${common}/messages`, { text, ...more })
  t.match(await post('Hello', { clientId: 'a' }), {
    status: 201,
    json: { message: { text: 'Hello', author: 'ben', clientId: 'a' } },
  })
  t.match(await post('Hello', { clientId: 'a' }), { status: 200 })
  t.match(await post('  '), { status: 400, json: { detail: 'Message cannot be empty' } })
  const tooLong = 'Message too long (max 10000 characters)'
  t.match(await post('a'.repeat(10_001)), { status: 400, json: { detail: tooLong } })
  t.match(await post('a'.repeat(220_000)), { status: 400, json: { detail: tooLong } })
  t.match(await post('a'.repeat(300_000)), { status: 413, json: { detail: tooLong } })
  t.match(await post(7), { status: 422, json: { code: 'invalid' } })
  t.match(await post('x', { extra: 1 }), { status: 422 })
  t.match(await call(ben, 'POST', `/rooms/${common}/messages`, '{"text":'), { status: 400 })
  for (let n = 0; n < 119; n++) await post(`${n}`)
  t.match(await post('one too many'), { status: 429, json: { code: 'rate_limited', retryAfterMs: 60_000 } })

  const first = await call(anna, 'GET', `/rooms/${common}/messages?limit=2`)
  t.match(first.json, { messages: [{ text: '118' }, { text: '117' }], nextBefore: /./ })
  const next = await call(anna, 'GET', `/rooms/${common}/messages?limit=1&before=${first.json['nextBefore']}`)
  t.match(next.json, { messages: [{ text: '116' }] })
  for (const query of ['limit=0', 'limit=101', 'limit=x', 'after=1'])
    t.match(await call(anna, 'GET', `/rooms/${common}/messages?${query}`), { status: 422 }, query)

  t.equal(first.json['total'], 120)
  t.equal(first.json['nextCursor'], first.json['nextBefore'])
  const texts = (answer: { json: Record<string, unknown> }) =>
    (answer.json['messages'] as { text: string }[]).map(({ text }) => text)
  const standard = await call(anna, 'GET', `/rooms/${common}/messages`)
  t.equal(texts(standard).length, 50, 'fifty unless told')
  t.same(texts(await call(anna, 'GET', `/rooms/${common}/messages?limit=2&skip=1`)), ['117', '116'])
  const read = texts(standard)
  let cursor = standard.json['nextCursor']
  while (typeof cursor === 'string') {
    const page = await call(anna, 'GET', `/rooms/${common}/messages?cursor=${cursor}`)
    read.push(...texts(page))
    cursor = page.json['nextCursor']
  }
  t.same(read, [...Array.from({ length: 119 }, (_, n) => `${118 - n}`), 'Hello'])

  const listed = await call(anna, 'GET', '/rooms?limit=1')
  t.match(listed.json, { rooms: [{ id: common }], total: 2, nextCursor: common })
  t.match((await call(anna, 'GET', `/rooms?limit=1&cursor=${common}`)).json, {
    rooms: [{ id }],
    nextCursor: null,
  })
  t.match((await call(ben, 'GET', '/rooms')).json, { rooms: [{ id: common }], total: 1 }, 'ben has left')
  t.match(await call(ben, 'GET', `/rooms?cursor=${id}`), { status: 422 }, 'nor does a cursor tell of it')

  const depart = rig.chat.presence.arrive(anna)
  t.match(await call(ben, 'GET', '/presence'), { status: 200, json: { online: [{ name: 'anna' }] } })
  depart()
  t.match(await call(anna, 'DELETE', `/rooms/${id}`), { status: 204 })
  for (const path of ['/rooms', `/rooms/${id}`, `/rooms/${common}/messages`, '/presence'])
    t.match(await call(undefined, 'GET', path), { status: 401, json: { code: 'unauthenticated' } }, path)
})
