import fc from 'fast-check'
import t, { type Test } from 'tap'
import { guestPrincipal, type Principal } from '../../src/account/principal.ts'
import type { Chat } from '../../src/chat/chat.ts'
import { boardId } from '../../src/kernel/ids.ts'
import type { Log } from '../../src/kernel/log.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { Previews } from '../../src/upload/previews.ts'
import type { BoardView } from '../../src/wire/board.ts'
import type { MessageView, PresenceView } from '../../src/wire/chat.ts'
import type { JobView } from '../../src/wire/job.ts'
import type { BoardPreviewView, ProgressView } from '../../src/wire/live.ts'
import { connectHub } from '../../src/ws/feed.ts'
import { type ChatRig, chatRig, local } from '../chat/chat-rig.ts'
import { ledmFile, numbers } from '../support/pixelgate.ts'
import { eventually, type LiveCaller, liveRig } from './live-rig.ts'

async function feedRig(t: Test, { log = silentLog }: { log?: Log } = {}) {
  const rig = await chatRig(t)
  const { core, clock } = rig.upload
  const live = await liveRig(t, { clock, limits: { incomingPerSecond: 1000 } })
  const previews = new Previews({ store: rig.upload.store, book: core.book, states: core.states, clock })
  t.teardown(() => previews.close())
  const feed = connectHub(live.hub, { core, chat: rig.chat, previews, clock, log })
  t.teardown(() => feed.stop())
  return { rig, live, core, clock }
}

t.test('guests hear of jobs, and not of the people who asked for them', async t => {
  const { rig, live, core } = await feedRig(t)
  const ben = await rig.user('ben', 'operator')
  const config = { boardName: 'Shelf', width: 8, height: 8, leds: 64 }
  await rig.upload.present(rig.upload.board(1, { baudRate: 115_200, config }))
  const [guest, person] = [await live.join(guestPrincipal), await live.join(ben)]
  for (const caller of [guest, person]) await caller.subscribe('jobs')
  await core.uploads.addFile(ledmFile(numbers(0, 200)), 'fire.ledm', false)
  await rig.ask(ben, '/upload fire Shelf')
  const [job] = (await core.uploads.jobs({ limit: 1 })).jobs
  if (job === undefined) throw new Error('there is no job')
  for (const caller of [guest, person]) await caller.subscribe(`jobs/${job.id}`)
  await rig.upload.ends(job, 'done')
  await rig.upload.pass(1000)
  for (const topic of ['jobs', `jobs/${job.id}`]) {
    for (const caller of [guest, person]) await caller.settle()
    const heard = (caller: LiveCaller) => caller.data(topic) as JobView[]
    t.ok(heard(guest).length > 1)
    t.same(
      heard(guest),
      heard(person).map(view => ({ ...view, createdBy: null })),
    )
    t.same([...new Set(heard(person).map(({ createdBy }) => createdBy))], ['ben'])
  }
})

t.test('boards, jobs and progress are told as they happen', async t => {
  const { rig, live, core } = await feedRig(t)
  const anna = await rig.user('anna', 'viewer')
  const bench = rig.upload.board(1, {
    baudRate: 115_200,
    config: { boardName: 'Shelf', width: 8, height: 8, leds: 64 },
  })
  await rig.upload.present(bench)
  const caller = await live.join(anna)
  await caller.subscribe('boards', 'jobs', 'progress')
  const boards = () => caller.data('boards') as BoardView[]
  await caller.until(({ topic }) => topic === 'boards', 'snapshot')
  t.match(boards(), [{ id: bench.id, name: 'Shelf', state: 'connected' }])

  await core.uploads.addFile(ledmFile(numbers(0, 200)), 'fire.ledm', false)
  await rig.ask(local, '/upload fire Shelf')
  const [job] = (await core.uploads.jobs({ limit: 1 })).jobs
  if (job === undefined) throw new Error('there is no job')
  const single = await live.join(anna)
  await single.subscribe(`jobs/${job.id}`, `progress/${job.id}`, 'jobs/00000000-0000-7000-8000-000000000000')
  await single.until(({ topic }) => topic === `jobs/${job.id}`, 'snapshot of the job')
  const began = rig.upload.clock.now()
  await rig.upload.ends(job, 'done')
  await rig.upload.pass(1000)
  const took = rig.upload.clock.now() - began
  await caller.settle()
  const jobs = caller.data('jobs') as JobView[]
  t.same(
    jobs.map(({ state }) => state).filter((state, i, all) => state !== all[i - 1]),
    ['queued', 'transferring', 'verifying', 'trial', 'done'].filter(state =>
      jobs.some(each => each.state === state),
    ),
  )
  t.match(jobs.at(-1), { id: job.id, state: 'done', boardId: bench.id })
  const progress = caller.data('progress') as ProgressView[]
  t.ok(progress.length > 3, `${progress.length} messages of progress`)
  t.ok(progress.length <= took / 100 + 1, `no more than 10 a second in ${took} ms`)
  t.match(progress.at(-1), { jobId: job.id, boardId: bench.id })
  t.notOk('bodyBytes' in (progress.at(-1) ?? {}))
  await rig.upload.when(() => core.states.get(bench.id)?.mode === 'playing', 'status that says so')
  await caller.until(
    ({ topic, data }) => topic === 'boards' && (data as BoardView).status?.patternName === 'fire.ledm',
    'what the board plays',
  )

  await single.settle()
  t.match((single.data(`jobs/${job.id}`) as JobView[]).at(-1), { state: 'done' })
  t.same((single.data(`progress/${job.id}`) as ProgressView[]).at(-1), progress.at(-1))
  t.same(
    single.data('jobs/00000000-0000-7000-8000-000000000000'),
    [],
    'of an unknown job there is nothing to tell',
  )

  const before = boards().length
  await core.book.change(bench.id, { name: 'Attic' })
  await caller.until(
    ({ topic, data }) => topic === 'boards' && (data as BoardView).name === 'Attic',
    'new name',
  )
  await caller.settle()
  t.ok(boards().length - before <= 2)
  bench.unplug()
  await rig.upload.when(() => core.registry.session(bench.id) === undefined, 'the end of the board')
  await caller.until(({ topic, data }) => topic === 'boards' && (data as BoardView).state === 'away', 'away')
  t.equal(boards().at(-1)?.state, 'away')
})

t.test('two boards of one UUID are told of as in quarantine', async t => {
  const { rig, live } = await feedRig(t)
  const anna = await rig.user('anna')
  const first = rig.upload.board(7)
  await rig.upload.present(first)
  const caller = await live.join(anna)
  await caller.subscribe('boards')
  rig.upload.board(7).connection.start()
  await rig.upload.when(() => rig.upload.core.registry.quarantined(first.id), 'quarantine')
  await caller.until(
    ({ topic, data }) => topic === 'boards' && (data as BoardView).state === 'quarantined',
    'quarantine',
  )
  t.pass()
})

t.test('a board that cannot be read is a line in the log; without listeners nothing is read', async t => {
  const lines: string[] = []
  const log: Log = { ...silentLog, warn: (_fields, message) => void lines.push(message) }
  const { rig, live } = await feedRig(t, { log })
  rig.upload.core.bus.emit('board.changed', { boardId: boardId('no-board') })
  const caller = await live.join(await rig.user('anna'))
  await caller.subscribe('boards')
  rig.upload.core.bus.emit('board.changed', { boardId: boardId('no-board') })
  await eventually(() => lines.length > 0, 'a line')
  t.same(lines, ['a change of a board could not be told'])
})

t.test('a snapshot that the database refuses is an error for the client', async t => {
  const { rig, live } = await feedRig(t)
  const caller = await live.join(await rig.user('anna'))
  const { jobs } = rig.upload.store as unknown as { jobs: { get: () => Promise<never> } }
  const get = jobs.get
  jobs.get = () => Promise.reject(new TypeError('secret words'))
  await caller.subscribe('jobs/00000000-0000-7000-8000-000000000000')
  await caller.until(({ type }) => type === 'error', 'error')
  jobs.get = get
  t.notMatch(JSON.stringify(caller.messages), /secret/)
})

t.test('presence follows the connections, and typing reaches the others of the room', async t => {
  const { rig, live, clock } = await feedRig(t)
  const [anna, ben, cora] = [await rig.user('anna'), await rig.user('ben'), await rig.user('cora')]
  const one = await (await live.join(anna)).subscribe('presence', 'typing')
  const two = await (await live.join(ben)).subscribe('typing')
  const three = await (await live.join(cora)).subscribe('typing')
  await one.until(({ data }) => (data as PresenceView).joined?.[0] === 'cora', 'cora')
  const room = await rig.chat.rooms.create(anna, { name: 'Two', members: ['ben'] })
  two.send({ type: 'typing', roomId: room.id })
  await one.until(({ topic }) => topic === 'typing', 'typing')
  three.send({ type: 'typing', roomId: room.id })
  await three.until(({ type }) => type === 'error', 'error')
  t.match(three.data('session', 'error'), [{ code: 'not_found', message: 'There is no room with this id.' }])
  for (const caller of [one, two, three]) await caller.settle()
  t.same(one.data('typing'), [{ roomId: room.id, name: 'ben' }])
  t.same([two.of('typing').length, three.of('typing').length], [0, 0])
  two.socket.close()
  await two.closed
  await eventually(() => live.hub.stats().clients === 2, 'the end of a connection')
  clock.advance(5000)
  await one.until(({ data }) => (data as PresenceView).left?.[0] === 'ben', 'ben has left')
  t.same(
    rig.chat.presence.view().online.map(({ name }) => name),
    ['anna', 'cora'],
  )
})

/** Who may read what, as the chat should see it. */
interface Model {
  readonly people: readonly Principal[]
  readonly rooms: { id: string; members: Set<string> }[]
  /** Texts that each person must have heard, by id. */
  readonly due: Map<string, string[]>
}

const step = fc.record({
  act: fc.constantFrom('post', 'post', 'post', 'add', 'remove', 'leave', 'create', 'delete', 'command'),
  who: fc.nat(3),
  whom: fc.nat(3),
  room: fc.nat(4),
})

async function take(
  { chat }: { chat: Chat },
  model: Model,
  { act, who, whom, room: at }: { act: string; who: number; whom: number; room: number },
  text: string,
): Promise<void> {
  const [principal, other] = [model.people[who], model.people[whom]]
  const room = model.rooms[at % Math.max(1, model.rooms.length)]
  if (principal === undefined || other === undefined) return
  const inside = room?.members.has(principal.id) === true
  const hear = (words: string) => {
    for (const id of room?.members ?? []) model.due.get(id)?.push(words)
  }
  if (act === 'create' || room === undefined) {
    if (model.rooms.length >= 5) return
    const { id } = await chat.rooms.create(principal, { name: text, members: [other.name] })
    model.rooms.push({ id, members: new Set([principal.id, other.id]) })
    return
  }
  const refused = (work: Promise<unknown>) =>
    work.then(
      () => false,
      () => true,
    )
  switch (act) {
    case 'post':
      if (await refused(chat.post(principal, room.id, { text }))) return
      if (!inside) throw new Error('a stranger could write')
      return hear(text)
    case 'command':
      if (await refused(chat.post(principal, room.id, { text: `/${text}` }))) return
      hear(`/${text}`)
      return hear(`reply to ${text}`)
    case 'add': {
      if (await refused(chat.rooms.addMember(principal, room.id, other.name))) return
      if (!inside) throw new Error('a stranger could bring somebody in')
      if (room.members.has(other.id)) return
      room.members.add(other.id)
      return hear(`${principal.name} has added ${other.name}.`)
    }
    case 'remove':
    case 'leave': {
      const gone = act === 'leave' ? principal : other
      if (await refused(chat.rooms.removeMember(principal, room.id, gone.name))) return
      room.members.delete(gone.id)
      if (room.members.size === 0) return void model.rooms.splice(model.rooms.indexOf(room), 1)
      return hear(
        gone === principal ? `${gone.name} has left.` : `${principal.name} has removed ${gone.name}.`,
      )
    }
    case 'delete':
      if (await refused(chat.rooms.remove(principal, room.id))) return
      if (!inside) throw new Error('a stranger could delete')
      model.rooms.splice(model.rooms.indexOf(room), 1)
  }
}

const heardBy = (caller: LiveCaller): string[] =>
  (caller.data('chat', 'message') as MessageView[]).map(({ kind, text }) =>
    kind === 'reply' ? `reply to ${/command \/(\S+)\./.exec(text)?.[1]}` : text,
  )

async function people(rig: ChatRig, run: number): Promise<Principal[]> {
  return Promise.all(
    ['anna', 'ben', 'cora', 'dora'].map((name, i) =>
      rig.user(`${name}-${run}`, i === 3 ? 'viewer' : 'operator'),
    ),
  )
}

t.test('each member of a private room hears every message of it, and nobody else any', async t => {
  const { rig, live, clock } = await feedRig(t)
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async steps => {
      run += 1
      clock.advance(60_000)
      const model: Model = { people: await people(rig, run), rooms: [], due: new Map() }
      const callers = new Map<string, LiveCaller>()
      for (const each of model.people) {
        model.due.set(each.id, [])
        callers.set(each.id, await (await live.join(each)).subscribe('chat', 'typing'))
      }
      for (const [n, each] of steps.entries()) await take(rig, model, each, `w${run}-${n}`)
      for (const [id, caller] of callers) {
        await caller.settle()
        t.same(heardBy(caller), model.due.get(id))
        caller.socket.terminate()
      }
      for (const { id } of model.rooms) await rig.chat.rooms.remove(local, id)
      await eventually(() => live.hub.stats().clients === 0, 'the sockets are gone')
    }),
    { numRuns: 25 },
  )
})

t.test('a board that begins to show another pattern tells its first frame', async t => {
  const { rig, live, core } = await feedRig(t)
  const anna = await rig.user('anna', 'viewer')
  const bench = rig.upload.board(1, {
    baudRate: 115_200,
    config: { boardName: 'Shelf', width: 8, height: 8, leds: 64 },
  })
  await rig.upload.present(bench)
  const caller = await live.join(anna)
  await caller.subscribe('preview')
  await caller.until(({ topic }) => topic === 'preview', 'snapshot')
  const views = () => caller.data('preview') as BoardPreviewView[]
  t.match(views(), [{ boardId: bench.id, imageId: null, pixels: null }])

  const file = ledmFile(numbers(0, 5))
  await core.uploads.addFile(file, 'fire.ledm', false)
  await rig.ask(local, '/upload fire Shelf')
  const [job] = (await core.uploads.jobs({ limit: 1 })).jobs
  if (job === undefined) throw new Error('there is no job')
  await rig.upload.ends(job, 'done')
  await rig.upload.pass(3000)
  await caller.until(
    ({ topic, data }) => topic === 'preview' && (data as BoardPreviewView).pixels !== null,
    'the picture',
  )
  const shown = views().at(-1)
  t.match(shown, { boardId: bench.id, imageId: String, width: 8, height: 8 })
  t.same(
    Buffer.from(shown?.pixels ?? '', 'base64'),
    Buffer.from(file.subarray(16, 16 + 192)),
    'of the file itself',
  )
})
