import t from 'tap'
import { parseUuid } from '../../src/kernel/ids.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { messageTypes } from '../../src/protocol/messages.ts'
import { errorCodes, explainError } from '../../src/protocol/wire-errors.ts'
import {
  healthy,
  pass,
  ScriptedBoard,
  silent,
  someCaps,
  status,
  watch,
  wiredSession,
} from './scripted-board.ts'

t.test('a request is answered by its own reply alone', async t => {
  const { clock, session } = wiredSession((board, frame) => {
    board.say({ session: 8, seq: frame.seq }, { type: 'BRIGHTNESS', level: 1 })
    board.say({ session: 9, seq: frame.seq + 100 }, { type: 'BRIGHTNESS', level: 2 })
    board.say(frame, { type: 'LOG', text: 'for the operator' })
    board.say(frame, { type: 'BRIGHTNESS', level: 3 })
  })
  const seen = watch(session.request({ type: 'BRIGHTNESS', level: 3 }))
  await pass(clock, 5)
  t.match(seen.value, { type: 'BRIGHTNESS', level: 3 })
})

t.test('PROBE is answered by ECHO', async t => {
  const { clock, session } = wiredSession((board, frame) =>
    board.say(frame, { type: 'ECHO', next: 1, bitmap: 0, credit: 9, durable: 0 }),
  )
  const seen = watch(session.request({ type: 'PROBE' }))
  await pass(clock, 5)
  t.match(seen.value, { type: 'ECHO', credit: 9 })
})

t.test(
  'an unanswered request is repeated with the same seq, ever more slowly, up to a second apart',
  async t => {
    const { clock, session, board } = wiredSession(silent)
    const at: number[] = []
    board.answer = () => at.push(clock.now())
    const seen = watch(session.request({ type: 'STOP' }))
    await pass(clock, 3200)
    t.equal(new Set(board.frames.map(({ seq }) => seq)).size, 1)
    const gaps = at.slice(1).map((ms, i) => Math.round(ms - (at[i] ?? 0)))
    t.same(gaps, [100, 200, 400, 800, 1000])
    board.answer = (board, frame) => board.say(frame, { type: 'STOP', slot: 0, playing: false })
    await pass(clock, 1000)
    t.match(seen.value, { type: 'STOP' })
  },
)

t.test('BUSY makes the host wait longer before it asks again', async t => {
  const { clock, session, board } = wiredSession((board, frame) => {
    if (frame.type === messageTypes.DELETE)
      board.say(frame, { type: 'BUSY', requestType: frame.type, percent: 10, moreMs: 2000 })
    else healthy()(board, frame)
  })
  const seen = watch(session.request({ type: 'DELETE', slot: 1, id: new Uint8Array(16) }))
  await pass(clock, 2050)
  t.equal(board.heard('DELETE').length, 1)
  await pass(clock, 200)
  t.equal(board.heard('DELETE').length, 2, 'and then it does ask again')
  const [frame] = board.heard('DELETE')
  if (frame !== undefined) board.say(frame, { type: 'DELETE', slot: 1, id: new Uint8Array(16) })
  await pass(clock, 5)
  t.ok(seen.value)
})

t.test('a refusal comes back in plain words with its number', async t => {
  for (const code of [errorCodes.BAD_STATE, errorCodes.NOT_FOUND, 99]) {
    const { clock, session } = wiredSession((board, frame) => board.refuse(frame, code, 7))
    const seen = watch(session.request({ type: 'SELECT', slot: 1, id: new Uint8Array(16) }))
    await pass(clock, 5)
    t.match(seen.error, {
      code: 'board_refused',
      message: explainError(code, 7),
      detail: { code, request: 'SELECT' },
    })
  }
})

t.test('32 commands may wait for a board; the next is turned away', async t => {
  const { clock, session } = wiredSession(silent)
  const waiting = Array.from({ length: 32 }, () => watch(session.request({ type: 'STATUS' })))
  await t.rejects(session.request({ type: 'STATUS' }), { code: 'overloaded' })
  session.end()
  await pass(clock, 1)
  t.ok(waiting.every(({ error }) => error?.code === 'cancelled'))
  await t.rejects(session.request({ type: 'STATUS' }), { code: 'link_lost' })
})

t.test('a board that has restarted ends the session with its reason, and everything that waits', async t => {
  const { clock, session } = wiredSession((board, frame) => board.refuse(frame, errorCodes.NO_SESSION, 6))
  const ends: unknown[] = []
  session.onEnd(error => ends.push(error?.code))
  const seen = watch(session.request({ type: 'STATUS' }))
  t.ok(session.alive)
  await pass(clock, 5)
  t.match(seen.error, { code: 'board_reset', detail: { bootId: 6 } })
  t.same(ends, ['board_reset'])
  t.notOk(session.alive)
  t.equal(session.endError?.code, 'board_reset')
  session.onEnd(error => ends.push(error?.code))
  t.same(ends, ['board_reset', 'board_reset'], 'whoever comes late is told at once')
  await t.rejects(session.request({ type: 'STATUS' }), { code: 'board_reset' })
  t.notOk(clock.step(), 'no timer is left')
})

t.test('a quiet board is asked for its status each second', async t => {
  const { clock, session, board } = wiredSession(healthy())
  await pass(clock, 999)
  t.equal(board.heard('STATUS').length, 0)
  await pass(clock, 5005)
  t.ok(
    board.heard('STATUS').length >= 5 && board.heard('STATUS').length <= 6,
    `${board.heard('STATUS').length}`,
  )
  board.say({ session: 9, seq: 0 }, { type: 'LOG', text: 'I live' })
  await pass(clock, 900)
  const before = board.heard('STATUS').length
  board.say({ session: 9, seq: 0 }, { type: 'LOG', text: 'I live' })
  await pass(clock, 900)
  t.equal(board.heard('STATUS').length, before, 'a frame of the board counts as a sign of life')
  session.end()
})

t.test('five seconds of silence end the session as mute, without a storm of wake-ups before', async t => {
  const clock = new VirtualClock()
  let timers = 0
  const { setTimer } = clock
  clock.setTimer = (delayMs, fire) => {
    timers++
    return setTimer.call(clock, delayMs, fire)
  }
  const { session } = wiredSession(silent, someCaps, clock)
  await pass(clock, 4999)
  t.ok(session.alive)
  await pass(clock, 10)
  t.notOk(session.alive)
  t.match(session.endError, { code: 'board_mute', message: /memory has not answered for 5 s/ })
  t.ok(timers < 100, `${timers} timers`)
})

t.test('a broken or closed link ends the session', async t => {
  const pulled = wiredSession(silent)
  pulled.line.cut()
  t.equal(pulled.session.endError?.code, 'link_lost')
  const closed = wiredSession(silent)
  await closed.line.host.close()
  t.match(closed.session.endError, { code: 'link_lost', message: 'memory was closed.' })
  const ended = wiredSession(silent)
  ended.session.end()
  ended.line.cut()
  t.equal(ended.session.endError, undefined, 'the first end counts')
})

t.test('a board without a UUID gets one that is random, or the one that is given', async t => {
  const { clock, session, board } = wiredSession(healthy(), { ...someCaps, uuid: new Uint8Array(16) })
  t.equal(session.id, '00000000-0000-0000-0000-000000000000')
  watch(session.assignUuid())
  await pass(clock, 5)
  t.match(session.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const given = parseUuid('00112233-4455-4677-8899-aabbccddeeff')
  watch(session.assignUuid(given))
  await pass(clock, 5)
  t.equal(session.id, '00112233-4455-4677-8899-aabbccddeeff')
  t.equal(board.heard('SETID').length, 2)
  session.end()
})

t.test('frames that make no sense are passed over', async t => {
  const { clock, session, board } = wiredSession((board, frame) => {
    board.link.write(Uint8Array.of(1, 2, 3, 0))
    board.say(frame, { type: 'BUSY', requestType: messageTypes.COPY, percent: 0, moreMs: 60_000 })
    board.say(frame, { type: 'ERR', code: 3, requestType: messageTypes.COPY, detail: 0 })
    board.say(frame, { type: 'ACK', next: 0, bitmap: 0, credit: 0, durable: 0 })
    board.say(frame, status)
  })
  const seen = watch(session.request({ type: 'STATUS' }))
  await pass(clock, 5)
  t.match(seen.value, { type: 'STATUS' })
  t.ok(board instanceof ScriptedBoard && session.alive)
  session.end()
})

const plan = {
  caps: someCaps,
  payload: {
    manifest: new Uint8Array(112),
    image: new Uint8Array(10),
    blocks: [{ crc32: 1, storedBytes: 10, codec: 0, frames: 1 }],
  },
  id: new Uint8Array(16),
  sha256: new Uint8Array(32),
  manifestCrc: 1,
  trialSeconds: 10,
  delta: false,
  digestKey: new Uint8Array(16),
}
const options = { plan, maxBody: 1024, adaptBody: true, durableBefore: 0 }

t.test(
  'one transfer at a time; it ends with its outcome, when it is stopped and with the session',
  async t => {
    const { clock, session, board } = wiredSession((board, frame) => {
      if (frame.type === messageTypes.BEGIN) board.refuse(frame, errorCodes.NO_SLOT)
    })
    const refused = watch(session.transfer(options, () => undefined))
    t.throws(() => session.transfer(options, () => undefined), /one transfer at a time/)
    await pass(clock, 5)
    t.match(refused.value?.outcome, { ok: false, fault: { kind: 'refused' } })

    board.answer = silent
    const stopped = watch(session.transfer(options, () => undefined))
    session.stopTransfer()
    session.stopTransfer()
    await pass(clock, 1)
    t.ok(stopped.value !== undefined && stopped.value.outcome === undefined)

    const orphan = watch(session.transfer(options, () => undefined))
    session.end()
    await pass(clock, 1)
    t.ok(orphan.value !== undefined && orphan.value.outcome === undefined)
    const late = watch(session.transfer(options, () => undefined))
    await pass(clock, 1)
    t.ok(late.value !== undefined, 'a transfer on an ended session is over at once')
  },
)

t.test('transfers that are over are not kept for the length of the session', async t => {
  const { clock, session } = wiredSession((board, frame) => board.refuse(frame, errorCodes.NO_SLOT))
  let ends = 0
  const { onEnd } = session
  session.onEnd = listener => {
    ends++
    onEnd.call(session, listener)
  }
  for (let i = 0; i < 5; i++) {
    watch(session.transfer(options, () => undefined))
    await pass(clock, 5)
  }
  t.equal(ends, 0, 'no listener stays behind')
  session.end()
})
