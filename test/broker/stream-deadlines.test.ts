import t from 'tap'
import { StreamDeadlines } from '../../src/broker/connection/stream-deadlines.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'

/** Deadlines of a client that was let in, and why it was cut off. */
function start() {
  const clock = new VirtualClock()
  const reasons: string[] = []
  const outgoing = { stalledSinceMs: undefined, fullSinceMs: undefined }
  const deadlines = new StreamDeadlines(clock, outgoing, ({ reason }) => reasons.push(reason))
  deadlines.letIn()
  /** A deadline is looked at twice, a turn between. */
  const pass = async (ms: number) => {
    clock.advance(ms)
    await new Promise(setImmediate)
    return reasons
  }
  return { clock, deadlines, pass }
}

t.test('a client is not silent while nothing of it is read, but others wait for 10 s at most', async t => {
  const one = start()
  const nowMs = one.clock.now()
  one.deadlines.awaited = { fullSinceMs: nowMs, silentSinceMs: nowMs }
  one.deadlines.watch()
  one.deadlines.reads(false)
  t.same(await one.pass(5000), [])
  one.deadlines.reads(true)
  t.same(await one.pass(400), [], 'the half second begins anew')
  t.same(await one.pass(100), ['acknowledges nothing of what was sent to it'])

  const other = start()
  const sinceMs = other.clock.now()
  other.deadlines.awaited = { fullSinceMs: sinceMs, silentSinceMs: sinceMs }
  other.deadlines.reads(false)
  other.deadlines.watch()
  t.same(await other.pass(9900), [])
  t.same(await other.pass(100), ['acknowledges too little of what was sent to it, for 10 s'])
})

t.test('keep alive and the minute for a packet begin anew when it is read on', async t => {
  const one = start()
  one.deadlines.keepAlive(10)
  one.deadlines.reads(false)
  t.same(await one.pass(100_000), [])
  one.deadlines.reads(true)
  t.same(await one.pass(14_900), [])
  t.same(await one.pass(100), ['silent for 15 s, beyond its keep alive'])

  const other = start()
  other.deadlines.midPacket(true, other.clock.now())
  other.deadlines.reads(false)
  t.same(await other.pass(100_000), [])
  other.deadlines.reads(true)
  t.same(await other.pass(59_900), [])
  t.same(await other.pass(100), ['a packet that is not complete within 60 s'])
})
