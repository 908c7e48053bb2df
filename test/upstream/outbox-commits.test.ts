import t from 'tap'
import { CourierRig, message, state } from './courier-rig.ts'
import { turns } from './fake-above.ts'

/** With an outbox that is open, and calls to its store that wait for `step`. */
async function opened(rows: readonly string[] = []) {
  const rig = new CourierRig()
  rows.forEach((text, at) => {
    const row = { ...message('old', text), seq: at + 1, epoch: 'old', livedMs: 0 }
    rig.store.rows.set(row.seq, row)
  })
  rig.store.stepped = true
  const opening = rig.outbox.open()
  await rig.store.step()
  await opening
  return rig
}

t.test('what is noted while a commit is under way is written behind it', async t => {
  const { outbox, store, clock } = await opened()
  outbox.note(message('a', 'first'))
  clock.advance(500)
  await turns()
  outbox.note(message('b', 'second'))
  // Its time comes while the first is still being written.
  clock.advance(500)
  t.same(store.texts, [])
  await store.steps()
  t.same(store.texts, ['first', 'second'])
})

t.test('what arrives while a commit is under way is struck off behind it', async t => {
  const rig = await opened(['1', '2'])
  const { store, clock, outbox } = rig
  await store.steps()
  rig.connect()
  outbox.note(message('other', '3'))
  clock.advance(500)
  t.same((await rig.arrive()).get('old'), ['1', '2'])
  clock.advance(20)
  await store.steps()
  t.same(store.texts, [])
})

t.test('what a failed commit puts back is sent, though a page was read meanwhile', async t => {
  for (const kind of ['noted', 'kept'] as const) {
    const rig = await opened(['old'])
    const { outbox, store, clock } = rig
    store.full = true
    let refused = false
    if (kind === 'noted') outbox.note(message('end', 'new'))
    else
      outbox.keep(message('end', 'new')).catch(() => {
        refused = true
      })
    clock.advance(500)
    await store.steps()
    store.full = false
    rig.connect()
    const first = await rig.arrive()
    clock.advance(60_000)
    await store.steps()
    const arrived = new Map([...first, ...(await rig.arrive())])
    t.same([...arrived.keys()], kind === 'noted' ? ['old', 'end'] : ['old'])
    t.equal(refused, kind === 'kept', 'what was not promised is not sent')
    clock.advance(60_000)
    await store.steps()
    t.same(store.texts, [])
  }
})

t.test('what is to be struck off a disk that fails takes no more room with each connection', async t => {
  const rig = new CourierRig()
  const { outbox, store, clock } = rig
  rig.retain('lamp', 'on')
  await outbox.open()
  outbox.note(state('lamp', 'on'))
  await outbox.settle()
  store.full = true
  for (let connection = 0; connection < 20; connection++) {
    rig.connect()
    await rig.arrive()
    rig.cut()
    clock.advance(5_000)
    await turns()
  }
  t.match(store.batch?.outdated, { length: 1 })
  store.full = false
  clock.advance(5_000)
  await turns()
  t.same(store.texts, [])
})
