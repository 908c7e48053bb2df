import t from 'tap'
import { CourierRig, message, state } from './courier-rig.ts'

t.test('what was cut twice among the current values does not hold up the others', async t => {
  const rig = new CourierRig(330)
  const { outbox, clock } = rig
  await outbox.open()
  outbox.note(message('backlog', 'x'))
  for (let cut = 0; cut < 2; cut++) {
    rig.connect()
    rig.cut()
    clock.advance(1000)
  }
  rig.connect()
  const arrived = await rig.arrive()
  t.equal(arrived.size, 331)
  t.ok(arrived.has('backlog'))
})

t.test('a state that changes while its value is under way arrives last', async t => {
  const rig = new CourierRig()
  const { outbox } = rig
  rig.retain('lamp', 'off')
  // More than are read ahead.
  for (let i = 0; i < 100; i++) rig.retain(`value/${i}`, 'x')
  await outbox.open()
  rig.connect()
  const value = rig.hold('lamp')
  t.equal(value?.text, 'off')
  rig.retain('lamp', 'on')
  outbox.note(state('lamp', 'on'))
  t.notOk((await rig.arrive()).has('lamp'), 'one of the topic at a time')
  value?.arrive()
  t.same((await rig.arrive()).get('lamp'), ['on'])
})

t.test('values that change faster than they are sent do not hold up the backlog', async t => {
  const rig = new CourierRig(100)
  const { outbox } = rig
  await outbox.open()
  outbox.note(message('backlog', 'x'))
  rig.connect()
  let count = 0
  for (let next = rig.sent.shift(); next !== undefined && count < 1000; next = rig.sent.shift()) {
    if (next.topic === 'backlog') break
    rig.retain(next.topic, `${++count}`)
    next.arrive()
  }
  t.equal(count, 100, 'each is sent once, then comes the backlog')
})

t.test('a retained message that the broker does not show yet is newer than the value it shows', async t => {
  const rig = new CourierRig()
  const { outbox, store } = rig
  rig.retain('lamp', 'off')
  await outbox.open()
  await outbox.settle()
  store.stepped = true
  const kept = outbox.keep(state('lamp', 'on'))
  rig.connect()
  t.same((await rig.arrive()).get('lamp'), ['off', 'on'])
  store.stepped = false
  await store.steps()
  await kept
  await outbox.settle()
  t.same(store.texts, [], 'both have arrived')
})

t.test('a kept state counts as unshown until the broker shows it, and not for ever', async t => {
  const of = async (then: (rig: CourierRig) => void) => {
    const rig = new CourierRig()
    await rig.outbox.open()
    // Another broker above has not taken it yet.
    await rig.outbox.keep(state('lamp', 'on'))
    rig.retain('lamp', 'off')
    then(rig)
    rig.connect()
    const texts = (await rig.arrive()).get('lamp')
    await rig.outbox.settle()
    t.same(rig.store.texts, [])
    return texts
  }
  t.same(await of(() => undefined), ['off', 'on'])
  const shown = (rig: CourierRig) => {
    rig.retain('lamp', 'on')
    rig.outbox.shown('lamp')
  }
  t.same(await of(shown), ['on'], 'once')
  t.same(await of(({ clock }) => clock.advance(60_000)), ['off'], 'its sender was cut off')
})

t.test('a state is struck off whose value arrives while it is being written', async t => {
  const rig = new CourierRig()
  const { outbox, store, clock } = rig
  await outbox.open()
  await outbox.settle()
  store.stepped = true
  rig.retain('lamp', 'on')
  outbox.note(state('lamp', 'on'))
  clock.advance(500)
  rig.connect()
  t.same((await rig.arrive()).get('lamp'), ['on'])
  await store.steps()
  t.same(store.texts, ['on'])
  clock.advance(1000)
  await store.steps()
  t.same(store.texts, [])
})
