import Database from 'better-sqlite3'
import fc from 'fast-check'
import t from 'tap'
import { Chat } from '../../src/chat/chat.ts'
import { PostLimit } from '../../src/chat/post-limit.ts'
import { leaveAfterMs } from '../../src/chat/presence.ts'
import { Typing, typingEveryMs } from '../../src/chat/typing.ts'
import { uuidV7 } from '../../src/kernel/ids.ts'
import { type Log, silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { countBorderSql, messagePageSql, repeatedMessageSql } from '../../src/store/tables/messages.ts'
import { chatRig, local } from './chat-rig.ts'

const noRoom = { code: 'not_found', message: 'There is no room with this id.' }

t.test('there is one common room, made at the first start, where everybody reads and writes', async t => {
  const rig = await chatRig(t)
  const { chat } = rig
  const anna = await rig.user('anna', 'viewer')
  const again = new Chat({
    store: rig.upload.store,
    clock: rig.upload.clock,
    log: silentLog,
    tools: { core: rig.upload.core, clock: rig.upload.clock, version: '', startedMs: 0 },
  })
  await again.start()
  t.teardown(() => again.stop())
  t.equal(again.commonRoomId, chat.commonRoomId)
  const [common, ...others] = await chat.rooms.list(anna)
  t.match(common, { id: chat.commonRoomId, kind: 'common', members: [], createdBy: null })
  t.same(others, [])
  const said = await rig.say(anna, 'Hello')
  t.match(said, { author: 'anna', kind: 'text', text: 'Hello', clientId: null, roomId: chat.commonRoomId })
  t.match(await rig.say(local, 'Hello from the console'), { author: 'local' })
  t.same(await rig.texts(local), ['Hello', 'Hello from the console'])
  t.match(rig.heard['chat.message'], [{ audience: 'everyone', message: said }, { audience: 'everyone' }])
})

t.test('an empty and a too long message are refused in the words that people know', async t => {
  const rig = await chatRig(t)
  const anna = await rig.user('anna')
  for (const text of ['', ' ', '\n\t \u00a0\u3000', '\u200b\u2060', '\ufeff'])
    await t.rejects(rig.say(anna, text), { code: 'usage', message: 'Message cannot be empty' })
  const tooLong = { code: 'usage', message: 'Message too long (max 10000 characters)' }
  await t.rejects(rig.say(anna, 'a'.repeat(10_001)), tooLong)
  await t.rejects(rig.say(anna, '🔥'.repeat(10_001)), tooLong)
  await t.rejects(rig.say(anna, ' '.repeat(10_001)), { message: 'Message cannot be empty' })
  t.equal((await rig.say(anna, 'a'.repeat(10_000))).text.length, 10_000)
  t.equal((await rig.say(anna, '🔥'.repeat(10_000))).text, '🔥'.repeat(10_000), 'characters are code points')
  t.equal((await rig.say(anna, 'half \ud83d of a pair')).text, 'half \ufffd of a pair')
  t.equal((await rig.say(anna, '<b>&amp;\u0000')).text, '<b>&amp;\u0000', 'nothing is rewritten')
})

t.test('a repeated request posts once: for one author in one room, the console too', async t => {
  const rig = await chatRig(t)
  const { chat } = rig
  const [anna, ben] = [await rig.user('anna'), await rig.user('ben')]
  const room = await chat.rooms.create(anna, { name: 'Two', members: ['ben'] })
  const post = (who: typeof anna, text: string, roomId = chat.commonRoomId) =>
    chat.post(who, roomId, { text, clientId: 'c-1' })
  for (const who of [anna, ben, local]) {
    const first = await post(who, 'first')
    t.equal(first.repeated, false)
    t.same(await post(who, 'second'), { message: first.message, repeated: true })
  }
  t.equal((await post(anna, 'elsewhere', room.id)).message.text, 'elsewhere')
  const both = await Promise.all(['a', 'b'].map(text => chat.post(anna, room.id, { text, clientId: 'c-2' })))
  t.equal(both.filter(({ repeated }) => repeated).length, 1, 'also when both are under way at once')
  t.same(await rig.texts(anna), ['first', 'first', 'first'])
})

t.test('120 messages a minute and no more; what came to nothing does not count', async t => {
  const rig = await chatRig(t)
  const { chat, upload } = rig
  const [anna, ben] = [await rig.user('anna'), await rig.user('ben')]
  const post = (n: number) => chat.post(anna, chat.commonRoomId, { text: `${n}`, clientId: `${n}` })
  for (let n = 0; n < 60; n++) await post(n)
  for (let n = 0; n < 60; n++) await post(n)
  await t.rejects(chat.post(anna, 'nowhere', { text: 'x' }), noRoom)
  upload.clock.advance(30_000)
  for (let n = 60; n < 120; n++) await post(n)
  const refused = await post(120).catch((thrown: unknown) => thrown)
  t.match(refused, {
    code: 'rate_limited',
    message: 'You may write 120 messages a minute. Wait 30 s, then try again.',
    detail: { retryAfterMs: 30_000 },
  })
  t.ok(await rig.say(ben, 'I may still write'))
  upload.clock.advance(30_000)
  for (let n = 120; n < 180; n++) await post(n)
  await t.rejects(post(180), { code: 'rate_limited' })
  t.equal((await rig.texts(anna)).length, 100)
})

t.test('a message that could not be written does not count', async t => {
  const rig = await chatRig(t)
  const { store, clock, core } = rig.upload
  const broken = { ...store, messages: { ...store.messages, post: () => Promise.reject(new Error('full')) } }
  const tools = { core, clock, version: '1', startedMs: 0 }
  const chat = new Chat({ store: broken, clock, log: silentLog, tools })
  await chat.start()
  t.teardown(() => chat.stop())
  for (let n = 0; n < 130; n++)
    await t.rejects(chat.post(local, chat.commonRoomId, { text: 'x' }), { message: 'full' })
})

t.test('the limit and the typing notes remember so many people and no more', async t => {
  const clock = new VirtualClock()
  const limit = new PostLimit({ limit: 1, perMs: 1000, maxPeople: 2 }, clock)
  t.same(
    ['a', 'b', 'a', 'c', 'a'].map(who => limit.take(who)),
    [0, 0, 1000, 0, 0],
  )
  limit.giveBack('nobody')
  const typing = new Typing(clock)
  t.ok(typing.due('a', 'r'))
  t.notOk(typing.due('a', 'r'))
  for (let n = 0; n < 1000; n++) typing.due(`${n}`, 'r')
  t.ok(typing.due('a', 'r'), 'forgotten')
})

t.test('pages follow each other without a gap, whatever their size', async t => {
  const rig = await chatRig(t)
  const { chat, upload } = rig
  const anna = await rig.user('anna')
  const all: string[] = []
  for (let n = 0; n < 130; n++) {
    all.unshift((await rig.say(anna, `${n}`)).id)
    upload.clock.advance(500)
  }
  const standard = await chat.messages(anna, chat.commonRoomId)
  t.same(
    standard.messages.map(({ id }) => id),
    all.slice(0, 50),
    '50 unless told, newest first',
  )
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 100 }), async limit => {
      const read: string[] = []
      let before: string | undefined
      do {
        const page = await chat.messages(anna, chat.commonRoomId, { before, limit })
        read.push(...page.messages.map(({ id }) => id))
        before = page.nextBefore ?? undefined
      } while (before !== undefined)
      t.same(read, all)
    }),
    { numRuns: 20 },
  )
  t.same(await chat.messages(anna, chat.commonRoomId, { before: 'no-message' }), {
    messages: [],
    nextBefore: null,
    nextCursor: null,
    total: 130,
  })
  const skipped = await chat.messages(anna, chat.commonRoomId, { skip: 3, limit: 2 })
  t.same(
    skipped.messages.map(({ id }) => id),
    all.slice(3, 5),
  )
  const room = await chat.rooms.create(anna, { name: 'Alone', members: [] })
  await rig.say(anna, 'here', room.id)
  t.same((await chat.messages(anna, room.id, { before: all[0] })).messages, [], 'a cursor of another room')
})

t.test('a page out of 100,000 messages comes from the index, within 100 ms', async t => {
  const rig = await chatRig(t)
  const { chat, upload } = rig
  const anna = await rig.user('anna')
  const db = new Database(upload.path)
  t.teardown(() => db.close())
  const insert = db.prepare(
    `INSERT INTO messages (id, roomId, author, authorId, kind, text, createdMs) VALUES (?, ?, 'anna', ?, 'text', ?, 0)`,
  )
  const ids: string[] = []
  db.transaction(() => {
    for (let n = 0; n < 100_000; n++) {
      const id = uuidV7(n)
      ids.push(id)
      insert.run(id, chat.commonRoomId, anna.id, `message ${n} `.repeat(8))
    }
  })()
  db.pragma('wal_checkpoint(TRUNCATE)')
  for (const before of [undefined, ids[50_000], ids[60]]) {
    const took: number[] = []
    for (let n = 0; n < 9; n++) {
      const began = performance.now()
      const { messages } = await chat.messages(anna, chat.commonRoomId, { before })
      took.push(performance.now() - began)
      t.equal(messages.length, 50)
    }
    const median = took.sort((a, b) => a - b)[4] ?? Infinity
    t.ok(median < 100, `${median.toFixed(1)} ms in the median, ${took.at(-1)?.toFixed(1)} ms at most`)
  }
  const plan = (sql: string) => {
    const values = {
      roomId: '',
      before: '',
      skip: 0,
      limit: 1,
      keep: 1,
      clientId: '',
      author: '',
      authorId: '',
    }
    const rows = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(values)
    return rows.map(({ detail }) => detail).join('\n')
  }
  for (const older of [false, true]) {
    t.match(plan(messagePageSql(older)), /SEARCH messages USING INDEX messagesByRoom \(roomId=\?/)
    t.notMatch(plan(messagePageSql(older)), /SCAN|TEMP B-TREE/)
  }
  t.match(plan(countBorderSql), /SEARCH messages USING COVERING INDEX messagesByRoom/)
  t.match(plan(repeatedMessageSql), /SEARCH messages USING INDEX messagesOnce/)
})

t.test('a room keeps its newest messages, by number and by size', async t => {
  const rig = await chatRig(t, { keep: 40, keepBytes: 4_000_000 })
  const { chat, upload } = rig
  const anna = await rig.user('anna')
  const count = async () => (await rig.texts(anna)).length
  for (let n = 0; n < 41; n++) await rig.say(anna, `${n}`)
  t.equal(await count(), 41, 'a few too many are left for a while')
  upload.clock.advance(60_000)
  for (let n = 41; n < 501; n++) {
    upload.clock.advance(501)
    await rig.say(anna, `${n}`)
  }
  await upload.when(() => upload.store.pending.calls === 0, 'pruning')
  await chat.stop()
  t.equal((await rig.texts(anna))[0], '461')
  t.equal(await count(), 40)

  const large = await chatRig(t, { keepBytes: 1_000_000 })
  const ben = await large.user('ben')
  for (let n = 0; n < 211; n++) {
    large.upload.clock.advance(501)
    await large.say(ben, '🔥'.repeat(10_000))
  }
  await large.chat.stop()
  const left = (await large.texts(ben)).length
  t.ok(left >= 25 && left <= 27, `${left} messages of 40 KB are left`)
})

t.test('a room that cannot be pruned or written to is a line in the log, and no more', async t => {
  const lines: string[] = []
  const note = (_fields: object, message: string) => void lines.push(message)
  const log: Log = { debug: () => undefined, info: note, warn: note, error: note }
  const base = await chatRig(t)
  const { store, clock, core } = base.upload
  const broken = {
    ...store,
    messages: { ...store.messages, border: () => Promise.reject(new Error('the disk is full')) },
  }
  const tools = { core, clock, version: '1', startedMs: 0 }
  const chat = new Chat({ store: broken, clock, log, tools })
  await chat.start()
  const anna = await base.user('anna')
  await chat.post(anna, chat.commonRoomId, { text: 'x' })
  await chat.stop()
  t.same(lines, ['old messages could not be removed'])
  t.same(await base.texts(anna), ['x'])

  let refused = 0
  const full = {
    ...store,
    messages: {
      ...store.messages,
      post: (post: Parameters<typeof store.messages.post>[0]) => {
        if (post.message.kind === 'text') return store.messages.post(post)
        refused += 1
        return Promise.reject(new Error('the disk is full'))
      },
    },
  }
  const silenced = new Chat({ store: full, clock, log, tools })
  await silenced.start()
  const ben = await base.user('ben')
  await silenced.post(anna, silenced.commonRoomId, { text: '/help' })
  const room = await silenced.rooms.create(anna, { name: 'Room', members: [] })
  await silenced.rooms.addMember(anna, room.id, ben.name)
  await silenced.stop()
  t.equal(refused, 2)
  t.same(lines.slice(1), Array(2).fill('the gateway could not write in a room'))
})

t.test('presence counts people, not tabs, and overlooks a page that is loaded anew', async t => {
  const rig = await chatRig(t)
  const { chat, heard } = rig
  const { clock } = rig.upload
  const [anna, ben] = [await rig.user('anna'), await rig.user('ben')]
  const first = chat.presence.arrive(anna)
  const second = chat.presence.arrive(anna)
  const other = chat.presence.arrive(ben)
  const since = new Date(clock.wallTime()).toISOString()
  t.same(heard['chat.presence'], [
    { online: [{ name: 'anna', since }], joined: ['anna'] },
    {
      online: [
        { name: 'anna', since },
        { name: 'ben', since },
      ],
      joined: ['ben'],
    },
  ])
  first()
  first()
  clock.advance(leaveAfterMs)
  t.equal(heard['chat.presence'].length, 2, 'one tab is left')
  second()
  clock.advance(leaveAfterMs - 1)
  const third = chat.presence.arrive(anna)
  clock.advance(leaveAfterMs)
  t.equal(heard['chat.presence'].length, 2, 'loaded anew')
  third()
  clock.advance(leaveAfterMs)
  t.same(heard['chat.presence'].at(-1), { online: [{ name: 'ben', since }], left: ['anna'] })
  t.same(chat.presence.view(), { online: [{ name: 'ben', since }] })
  other()
})

t.test('typing is told every two seconds, to those who may read the room', async t => {
  const rig = await chatRig(t)
  const { chat, heard } = rig
  const [anna, ben, cora] = [await rig.user('anna'), await rig.user('ben'), await rig.user('cora')]
  const room = await chat.rooms.create(anna, { name: 'Two', members: ['ben'] })
  for (let n = 0; n < 3; n++) await chat.typing(anna, room.id)
  t.equal(heard['chat.typing'].length, 1)
  t.same(heard['chat.typing'][0], {
    audience: [anna.id, ben.id].sort(),
    byId: anna.id,
    typing: { roomId: room.id, name: 'anna' },
  })
  await chat.typing(ben, room.id)
  await chat.typing(anna, chat.commonRoomId)
  t.equal(heard['chat.typing'].length, 3, 'each person and room on its own')
  rig.upload.clock.advance(typingEveryMs)
  await chat.typing(anna, room.id)
  t.equal(heard['chat.typing'].length, 4)
  await rig.say(anna, 'sent', room.id)
  await chat.typing(anna, room.id)
  t.equal(heard['chat.typing'].length, 5, 'after a message typing is news')
  await t.rejects(chat.typing(cora, room.id), noRoom)
  await t.rejects(chat.typing(cora, 'nowhere'), noRoom)
})
