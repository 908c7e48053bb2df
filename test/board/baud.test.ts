import t from 'tap'
import { changeBaudRate } from '../../src/board/change-baud-rate.ts'
import { type BaudState, baudDeadlineMs, stepBaud } from '../../src/protocol/sender/baud-switch.ts'
import { BoardRig } from '../support/board-rig.ts'

t.test('a line goes to a higher rate, is proven there and carries a session on', async t => {
  const rig = new BoardRig({ baudRate: 115_200 })
  const session = await rig.greet()
  t.equal(await rig.settle(changeBaudRate(session, 1_000_000, rig.clock)), true)
  t.equal(session.channel.link.baudRate, 1_000_000)
  t.match(await rig.settle(session.request({ type: 'STATUS' })), { type: 'STATUS' })
  session.end()
})

t.test(
  'a rate that the board accepts and does not reach is given up: both sides are back within a second',
  async t => {
    const rig = new BoardRig({ baudRate: 115_200, deafTo: 2_000_000 })
    const session = await rig.greet()
    const startedMs = rig.clock.now()
    t.equal(await rig.settle(changeBaudRate(session, 2_000_000, rig.clock)), false)
    t.ok(rig.clock.now() - startedMs < 1000, `${rig.clock.now() - startedMs} ms`)
    t.equal(session.channel.link.baudRate, 115_200)
    t.match(await rig.settle(session.request({ type: 'STATUS' })), { type: 'STATUS' })
    session.end()
  },
)

t.test("a rate above the board's, or the same rate, changes nothing", async t => {
  const rig = new BoardRig({ baudRate: 115_200, config: { maxBaud: 500_000 } })
  const session = await rig.greet()
  t.equal(await rig.settle(changeBaudRate(session, 1_000_000, rig.clock)), false)
  t.equal(await rig.settle(changeBaudRate(session, 115_200, rig.clock)), true)
  session.end()
})

t.test('the machine: a refusal ends it, silence reverts it, and the end is the end', async t => {
  t.same(stepBaud({ value: 'asking' }, { type: 'refused' }, 0), {
    state: { value: 'done', switched: false },
    act: 'none',
  })
  t.same(stepBaud({ value: 'asking' }, { type: 'time' }, 0).act, 'none')
  let state: BaudState = stepBaud({ value: 'asking' }, { type: 'accepted' }, 0).state
  const acts: string[] = []
  for (let steps = 0; state.value !== 'done' && steps < 100; steps++) {
    const step = stepBaud(state, { type: 'time' }, baudDeadlineMs(state))
    const nowMs = Number.isFinite(baudDeadlineMs(state)) ? baudDeadlineMs(state) : 20
    const taken = Number.isFinite(baudDeadlineMs(state)) ? step : stepBaud(state, { type: 'time' }, nowMs)
    if (taken.act !== 'none') acts.push(taken.act)
    state = taken.state
  }
  t.same(acts, ['switch', 'probe', 'probe', 'probe', 'probe', 'probe', 'restore'])
  t.same(stepBaud(state, { type: 'heard' }, 9999), { state, act: 'none' })
  t.equal(baudDeadlineMs(state), Number.POSITIVE_INFINITY)
})
