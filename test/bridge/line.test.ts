import fc from 'fast-check'
import t from 'tap'
import { createFraming } from '../../src/bridge/create-framing.ts'
import type { Frame } from '../../src/bridge/framing.ts'
import {
  LineReceiver,
  type LineReceiverOptions,
  mostUnpublishedBytes,
} from '../../src/bridge/line-receiver.ts'
import { holdMs, LineSender, mostHeld } from '../../src/bridge/line-sender.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { memoryLinkPair } from '../../src/link/memory-link.ts'

const settings = {
  framing: 'line',
  newline: '\n',
  idleMs: undefined,
  lengthBytes: 2,
  lengthEndian: 'big',
  maxFrameBytes: 1024,
} as const

const turn = () => new Promise(setImmediate)

function receiver(
  more: Partial<Omit<LineReceiverOptions, 'framing'>> & { idleMs?: number; framing?: 'idle' | 'raw' } = {},
) {
  const clock = new VirtualClock()
  const heard: string[] = []
  const dropped: string[] = []
  const { idleMs, framing = 'line', ...options } = more
  const made = new LineReceiver({
    clock,
    framing: createFraming({ ...settings, framing, idleMs }, () => undefined),
    maxMessagesPerSecond: 10,
    whenTooFast: 'drop',
    publish: async ({ bytes, partial }: Frame) =>
      void heard.push(`${partial ? 'partial ' : ''}${Buffer.from(bytes)}`),
    onDropped: (reason, sizeBytes) => dropped.push(`${reason} ${sizeBytes}`),
    ...options,
  })
  const say = (text: string) => made.receive(Buffer.from(text))
  return { clock, heard, dropped, made, say }
}

t.test('a line that says too much loses what the settings say, and all of it is counted', async t => {
  const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}`)
  const lines = (from: number, to: number) =>
    numbers(from, to)
      .map(each => `${each}\n`)
      .join('')
  const drop = receiver()
  drop.say(lines(0, 25))
  t.same(drop.heard, numbers(0, 10), 'a second’s worth at once')
  t.equal(drop.dropped.length, 15)
  drop.clock.advance(100)
  drop.say(lines(30, 32))
  t.same(drop.heard.slice(10), ['30'])

  const latest = receiver({ whenTooFast: 'latest' })
  latest.say(lines(0, 25))
  latest.clock.advance(100)
  t.same(latest.heard, [...numbers(0, 10), '24'], 'the newest comes in its turn')
  t.equal(latest.dropped.length, 14)
  latest.say('25\n')
  latest.say('26\n')
  latest.clock.advance(100)
  t.same(latest.heard.slice(11), ['26'])

  const gather = receiver({ whenTooFast: 'gather', framing: 'raw' })
  for (const each of numbers(0, 25)) gather.say(each)
  gather.clock.advance(100)
  t.same(gather.heard, [...numbers(0, 10), numbers(10, 25).join('')], 'joined, and nothing lost')
  t.same(gather.dropped, [])
  for (let i = 0; i < 100; i++) gather.say('x'.repeat(1000))
  t.ok(gather.dropped.length > 0, 'but not for ever')
})

t.test('subscribers that do not keep up cost frames, not memory', async t => {
  let release: () => void = () => undefined
  const slow = receiver({
    maxMessagesPerSecond: 10_000,
    publish: () =>
      new Promise(resolve => {
        release = resolve
      }),
  })
  for (let i = 0; i < 400; i++) slow.say(`${'x'.repeat(1000)}\n`)
  t.ok(slow.made.unpublishedBytes <= mostUnpublishedBytes)
  t.equal(slow.dropped.length, 400 - Math.floor(mostUnpublishedBytes / 1000))
  t.match(slow.dropped[0], 'no_room 1000')
  release()
  await turn()
  slow.say(`${'y'.repeat(100)}\n`)
  t.equal(slow.dropped.length, 400 - Math.floor(mostUnpublishedBytes / 1000), 'there is room again')
})

t.test('silence is measured from the last byte, however they come', async t => {
  const idle = receiver({ framing: 'idle', idleMs: 20, maxMessagesPerSecond: 1000 })
  for (const byte of 'abc') {
    idle.say(byte)
    idle.clock.advance(19)
  }
  t.same(idle.heard, [])
  idle.clock.advance(1)
  t.same(idle.heard, ['abc'])
  idle.say('d')
  idle.made.stop()
  t.same(idle.heard, ['abc', 'd'], 'the end is a silence')
  idle.clock.advance(1000)
  t.same(idle.heard, ['abc', 'd'])
  const line = receiver({ idleMs: 50 })
  line.say('a\nlogin: ')
  line.clock.advance(50)
  t.same(line.heard, ['a', 'partial login: '])
  fc.assert(
    fc.property(fc.array(fc.nat(40), { minLength: 1, maxLength: 30 }), gaps => {
      const { heard, say, clock } = receiver({ framing: 'idle', idleMs: 20, maxMessagesPerSecond: 10_000 })
      const wanted: string[] = []
      let frame = ''
      for (const gapMs of gaps) {
        say('x')
        frame += 'x'
        clock.advance(gapMs)
        if (gapMs < 20) continue
        wanted.push(frame)
        frame = ''
      }
      clock.advance(20)
      if (frame !== '') wanted.push(frame)
      return heard.join() === wanted.join()
    }),
  )
})

function sender({
  baudRate = 9600 as number | null,
  maxQueuedBytes = 256,
  maxMessagesPerSecond = 1000,
} = {}) {
  const clock = new VirtualClock()
  const sent: number[] = []
  const lost: number[] = []
  const made = new LineSender({
    clock,
    maxQueuedBytes,
    maxMessagesPerSecond,
    onSent: size => sent.push(size),
    onLost: size => lost.push(size),
  })
  const plug = () => {
    const line = memoryLinkPair({ clock, baudRate })
    let arrived = ''
    line.board.onData(chunk => {
      arrived += Buffer.from(chunk).toString()
    })
    line.host.onClose(() => made.detach())
    made.attach(line.host)
    return { cut: line.cut, arrived: () => arrived }
  }
  const put = (text: string, promised = false) => made.send(Buffer.from(text), text.length, promised)
  return { clock, made, sent, lost, plug, put }
}

t.test('a line that is slower than MQTT makes those wait who can, and refuses the others', async t => {
  const { clock, made, sent, plug, put } = sender()
  const { arrived } = plug()
  const big = 'a'.repeat(4096 + 2048 + 200)
  t.ok(put(big), 'a frame larger than the queue has it for itself')
  t.ok(put('b'.repeat(200)))
  t.notOk(put('c'.repeat(100)), 'no room for somebody who does not wait')
  let granted = false
  const room = made.room(100)?.then(() => {
    granted = true
  })
  t.equal(made.heldMessages, 1)
  t.notOk(put('d'), 'nobody overtakes who waits')
  await turn()
  t.notOk(granted)
  clock.advance(3000)
  await room
  t.ok(granted, 'there is room')
  t.ok(put('c'.repeat(100), true))
  t.equal(made.room(10), undefined, 'an empty queue asks nobody to wait')
  clock.advance(20_000)
  t.equal(arrived(), `${big}${'b'.repeat(200)}${'c'.repeat(100)}`)
  t.same(sent, [big.length, 200, 100])
  t.equal(made.queuedBytes, 0)
})

t.test('a promised place is kept, and given up when nobody comes for it', async t => {
  const { clock, made, plug, put } = sender({ maxMessagesPerSecond: 1 })
  plug()
  t.ok(put('first'), 'the first goes at once')
  t.equal(made.room(200), undefined)
  t.notOk(put('x'.repeat(100)), 'the place is kept')
  t.ok(put('x'.repeat(40)))
  t.ok(put('y'.repeat(200), true))
  t.ok(made.room(50) instanceof Promise, 'it was used')
  const late = sender()
  late.plug()
  t.equal(late.made.room(200), undefined)
  late.clock.advance(5_000)
  t.ok(late.put('x'.repeat(200)))
  clock.advance(holdMs)
})

t.test('nothing waits for a line that is not there', async t => {
  const { clock, made, lost, sent, plug, put } = sender()
  t.notOk(put('x'), 'who does not wait is refused')
  let settled = 0
  void made.room(10)?.then(() => settled++)
  clock.advance(holdMs - 1)
  await turn()
  t.equal(settled, 0)
  clock.advance(1)
  await turn()
  t.equal(settled, 1, 'the wait has an end')
  t.notOk(put('y'.repeat(10), true))
  void made.room(10)?.then(() => settled++)
  const line = plug()
  await turn()
  t.equal(settled, 2, 'the line has come back in time')
  t.ok(put('z'.repeat(10), true))
  clock.advance(1000)
  t.equal(line.arrived(), 'z'.repeat(10))
  t.ok(put('a'.repeat(8000)))
  t.ok(put('b'.repeat(20)))
  line.cut()
  t.same([sent, lost], [[10], [8000, 20]], 'what was under way and what waited is lost, and counted')
  t.equal(made.queuedBytes, 0)
  const again = plug()
  clock.advance(10_000)
  t.equal(again.arrived(), '', 'and is not sent to whatever is plugged in next')
})

t.test('as many as are let wait; the end lets all go', async t => {
  const { made } = sender()
  let settled = 0
  for (let i = 0; i < mostHeld; i++) void made.room(1)?.then(() => settled++)
  t.equal(made.heldMessages, mostHeld)
  t.equal(made.room(1), undefined, 'one too many does not wait')
  made.stop()
  await turn()
  t.equal(settled, mostHeld)
})

t.test('frames leave at no more than the rate, in order', async t => {
  const { clock, sent, plug, put } = sender({
    baudRate: null,
    maxQueuedBytes: 10_000,
    maxMessagesPerSecond: 5,
  })
  const { arrived } = plug()
  const texts = Array.from({ length: 20 }, (_, i) => `${i},`)
  for (const text of texts) t.ok(put(text))
  clock.advance(1)
  t.equal(sent.length, 5)
  clock.advance(1000)
  t.equal(sent.length, 10)
  clock.advance(2000)
  t.equal(arrived(), texts.join(''))
})
