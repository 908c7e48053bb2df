import fc from 'fast-check'
import t from 'tap'
import { wireBytes } from '../../../src/protocol/frame.ts'
import { messageTypes } from '../../../src/protocol/messages.ts'
import { BodySize } from '../../../src/protocol/sender/body-size.ts'
import { copyRuns } from '../../../src/protocol/sender/delta.ts'
import { Flight, seqDistance } from '../../../src/protocol/sender/flight.ts'
import { PendingRequest } from '../../../src/protocol/sender/request.ts'
import { RttEstimator } from '../../../src/protocol/sender/rtt.ts'
import { blockStarts, manifestBlock, type Piece, pieces } from '../../../src/protocol/sender/segment.ts'
import { type Outgoing, Stream, type StreamOptions } from '../../../src/protocol/sender/stream.ts'

const piece = (length: number, block = 0): Piece => ({ block, bytes: new Uint8Array(length), ends: false })

function makeStream(frames: number, overrides: Partial<StreamOptions> = {}): Stream {
  let seq = 1000
  return new Stream({
    pieces: Array.from({ length: frames }, () => piece(64))[Symbol.iterator]() as Iterator<Piece, undefined>,
    firstSeq: 65_530,
    windowBytes: 100_000,
    bytesPerMs: undefined,
    rtt: new RttEstimator(),
    bodySize: new BodySize(64, false),
    mayResize: false,
    takeSeq: () => ++seq,
    nowMs: 0,
    ...overrides,
  })
}

function drain(stream: Stream, nowMs: number): Outgoing[] {
  const out: Outgoing[] = []
  for (let frame = stream.poll(nowMs); frame !== undefined; frame = stream.poll(nowMs)) out.push(frame)
  return out
}

const seqs = (frames: readonly Outgoing[]) => frames.map(({ seq }) => seq)
const isProbe = ({ type }: Outgoing) => type === messageTypes.PROBE
const ack = (next: number, bitmap = 0, credit = 100_000, durable = 0) => ({ next, bitmap, credit, durable })

t.test('sequence numbers wrap without losing their order', async t => {
  t.equal(seqDistance(2, 65_534), 4)
  t.equal(seqDistance(65_534, 2), -4)
})

t.test('a stream keeps within 33 frames and within the credit in bytes', async t => {
  t.equal(drain(makeStream(100), 0).length, 33)
  const narrow = makeStream(100, { windowBytes: 3 * wireBytes(64) })
  t.equal(drain(narrow, 0).length, 3)
  narrow.onAck(ack(65_532, 0, 2 * wireBytes(64)), 5)
  t.equal(drain(narrow, 5).length, 1, 'one is still out, so a credit of two admits one')
})

t.test('a slow line gets a quarter of a second of data ahead, however large the window', async t => {
  const stream = makeStream(100, { bytesPerMs: 1 })
  t.equal(drain(stream, 0).length, 4, 'four frames at least')
  const faster = makeStream(100, { bytesPerMs: 8 })
  const expected = Math.floor((250 * 8) / wireBytes(64))
  t.equal(drain(faster, 0).length, expected)
})

t.test('a frame sent before an acknowledged one and missing goes again at once', async t => {
  const stream = makeStream(10)
  drain(stream, 0)
  stream.onAck(ack(65_531, 0b111), 1)
  const again = drain(stream, 1)
  t.same(seqs(again.filter(frame => !isProbe(frame))), [65_531], 'only the gap, not what follows it')
  t.equal(stream.counts.retransmittedFrames, 1)
  stream.onAck(ack(4), 2)
  t.ok(stream.complete)
})

t.test('the tail of a stream is probed, and the ECHO tells what is missing', async t => {
  const stream = makeStream(3)
  const out = drain(stream, 0)
  t.same(out.map(isProbe), [false, false, false, true])
  stream.onEcho(out[3]?.seq ?? 0, ack(65_531, 0b11), 9)
  const again = drain(stream, 9)
  t.same(seqs(again.slice(0, 1)), [65_531])
  t.ok(again[1] && isProbe(again[1]), 'a repeated tail is probed again')
  stream.onAck(ack(65_533), 12)
  t.ok(stream.complete)
})

t.test(
  'when the board takes nothing beyond the gap, a PROBE follows the repetition that fills it',
  async t => {
    const stream = makeStream(100)
    t.equal(drain(stream, 0).length, 33)
    // Everything but the first arrived, so no new frame may be sent until the repetition is through.
    stream.onAck(ack(65_530, 0xffff_ffff), 1)
    const again = drain(stream, 1)
    t.same(again.map(isProbe), [false, true])
    stream.onEcho(again[1]?.seq ?? 0, ack(65_530, 0xffff_ffff), 2)
    t.same(
      drain(stream, 2).map(isProbe),
      [false, true],
      'it was lost too, and goes again without waiting for a timer',
    )
  },
)

t.test(
  'what is repeated in vain goes again with growing pauses, and at once when something gets through',
  async t => {
    const stream = makeStream(3)
    let out = drain(stream, 0)
    let nowMs = 0
    const pauses: number[] = []
    for (let round = 0; round < 12; round++) {
      // The board answers without delay, and has taken nothing.
      stream.onEcho(out.find(isProbe)?.seq ?? 0, ack(65_530), nowMs)
      const before = nowMs
      for (out = drain(stream, nowMs); out.length === 0; out = drain(stream, nowMs)) {
        nowMs = stream.deadlineMs()
        stream.expire(nowMs)
      }
      t.same(out.map(isProbe), [false, false, false, true])
      pauses.push(nowMs - before)
    }
    t.same(pauses.slice(0, 3), [0, 0, 0], 'chance may take a few')
    t.ok(
      pauses.slice(3).every((pause, i, all) => pause >= 20 && pause >= Math.min(1000, 2 * (all[i - 1] ?? 0))),
      pauses.join(', '),
    )
    t.equal(pauses.at(-1), 1000)
    stream.onEcho(out.find(isProbe)?.seq ?? 0, ack(65_531), nowMs)
    t.equal(drain(stream, nowMs).length, 3, 'two frames and a PROBE')
  },
)

t.test('what turns out to have arrived while it waits to go again is not sent again', async t => {
  const stream = makeStream(3)
  let out = drain(stream, 0)
  // As many vain rounds as chance may take, and one that brings a rest.
  for (let round = 0; round < 4; round++) {
    stream.onEcho(out.find(isProbe)?.seq ?? 0, ack(65_530), 0)
    out = drain(stream, 0)
  }
  t.same(out, [], 'it rests')
  stream.onAck(ack(65_530, 0b1), 1)
  out = drain(stream, 1)
  t.same(seqs(out.filter(frame => !isProbe(frame))), [65_530, 65_532])
  t.equal(stream.counts.deliveredBytes, 64)
  stream.onAck(ack(65_533), 2)
  t.ok(stream.complete)
  t.equal(stream.counts.deliveredBytes, 3 * 64)
})

t.test('a new body size waits until nothing is under way that a new segment would forget', async t => {
  const bodySize = new BodySize(1024, true)
  const stream = makeStream(400, { bodySize, mayResize: true })
  const out = drain(stream, 0)
  const [first, ...others] = out
  t.notOk(stream.wantsResize)
  for (let lost = 0; lost < 20; lost++) bodySize.lost(1038)
  t.notOk(stream.wantsResize, 'frames are under way')
  t.same(
    drain(stream, 1).filter(frame => !isProbe(frame)),
    [],
    'and no new one joins them',
  )
  stream.onAck(ack((first?.seq ?? 0) + others.length + 1 - 65_536), 2)
  t.ok(stream.wantsResize)
})

t.test('silence brings PROBE, never data, with doubling pauses up to a second', async t => {
  const stream = makeStream(40)
  drain(stream, 0)
  let nowMs = 0
  const pauses: number[] = []
  for (let i = 0; i < 7; i++) {
    const due = stream.deadlineMs()
    pauses.push(due - nowMs)
    nowMs = due
    stream.expire(nowMs)
    const out = drain(stream, nowMs)
    t.same(out.map(isProbe), [true])
  }
  t.same(pauses.slice(0, 4), [100, 200, 400, 800])
  t.equal(pauses.at(-1), 1000)
  t.ok(stream.stalled(nowMs + 30_001))
  t.equal(stream.counts.retransmittedBytes, 0)
})

t.test('a zero credit stops the stream until an ECHO brings credit', async t => {
  const stream = makeStream(5, { windowBytes: 2 * wireBytes(64) })
  drain(stream, 0)
  stream.onAck(ack(65_532, 0, 0), 1)
  t.same(drain(stream, 1), [])
  stream.expire(stream.deadlineMs())
  const [probe] = drain(stream, 200)
  stream.onEcho(probe?.seq ?? 0, ack(65_532), 201)
  t.equal(drain(stream, 201).filter(frame => !isProbe(frame)).length, 2)
})

t.test(
  'whatever arrives in whatever order, a stream over a lossy FIFO delivers every frame and resends only losses',
  async () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 120 }),
        fc.array(fc.boolean(), { minLength: 400, maxLength: 400 }),
        (frames, losses) => {
          const stream = makeStream(frames)
          const received = new Set<number>()
          let next = 65_530
          let lostFrames = 0
          let draw = 0
          let nowMs = 0
          let out = 1
          for (let round = 0; round < 2000 && !stream.complete; round++) {
            // Nothing to do before the deadline: jump there.
            nowMs = out === 0 ? Math.max(nowMs + 1, stream.deadlineMs()) : nowMs + 1
            out = 0
            if (nowMs >= stream.deadlineMs()) stream.expire(nowMs)
            for (const frame of drain(stream, nowMs)) {
              out++
              const lost = draw < losses.length && losses[draw++] === true
              if (lost) {
                if (!isProbe(frame)) lostFrames++
                continue
              }
              if (!isProbe(frame)) received.add(frame.seq)
              while (received.has(next)) next = (next + 1) & 0xffff
              let bitmap = 0
              for (let bit = 0; bit < 32; bit++)
                if (received.has((next + 1 + bit) & 0xffff)) bitmap |= 1 << bit
              if (isProbe(frame)) stream.onEcho(frame.seq, ack(next, bitmap >>> 0), nowMs)
              else stream.onAck(ack(next, bitmap >>> 0), nowMs)
            }
          }
          return (
            stream.complete && received.size === frames && stream.counts.retransmittedFrames === lostFrames
          )
        },
      ),
    )
  },
)

t.test('flight: a mark passed by an ECHO makes older frames lost, younger ones not', async t => {
  const flight = new Flight()
  flight.add(1, piece(10), 20, 0, false)
  const mark = flight.mark()
  flight.add(2, piece(10), 20, 0, false)
  const { delivered, lost } = flight.acknowledge(ack(1), mark)
  t.equal(delivered.length, 0)
  t.same(
    lost.map(({ seq }) => seq),
    [1],
  )
  t.equal(flight.wireBytes, 20)
  t.same(
    flight.acknowledge(ack(3)).delivered.map(({ seq }) => seq),
    [2],
  )
  t.same(flight.acknowledge(ack(9)), { delivered: [], lost: [] })
})

t.test('bodies stay large on a clean line, shrink on a bad one and grow back', async t => {
  const clean = new BodySize(1024, true)
  for (let i = 0; i < 100; i++) clean.delivered(1038)
  t.equal(clean.best(), 1024)

  const bad = new BodySize(1024, true)
  for (let i = 0; i < 4; i++) bad.lost(1038)
  t.ok(bad.best() <= 256, `nothing gets through: ${bad.best()}`)
  bad.change(bad.best())
  for (let i = 0; i < 300; i++) {
    if (i % 3 === 0) bad.lost(bad.current + 10)
    else bad.delivered(bad.current + 10)
    if (bad.best() !== bad.current) bad.change(bad.best())
  }
  t.ok(bad.current <= 64, `a third is lost: ${bad.current}`)
  for (let i = 0; i < 3000; i++) {
    bad.delivered(bad.current + 10)
    if (bad.best() !== bad.current) bad.change(bad.best())
  }
  t.ok(bad.current >= 256, `clean again: ${bad.current}`)
})

t.test('at a bit error rate of 1e-5 a 256-byte body is kept', async t => {
  const size = new BodySize(256, true)
  let random = 7
  for (let i = 0; i < 5000; i++) {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0
    if (random / 2 ** 32 < 0.021) size.lost(267)
    else size.delivered(267)
    t.ok(size.best() >= 128)
  }
})

t.test('segments walk the missing blocks in order and never put two blocks into a frame', async t => {
  const sizes = [100, 70, 64, 1]
  const blocks = sizes.map(storedBytes => ({ crc32: 0, storedBytes, codec: 0, frames: 0 }))
  const image = Uint8Array.from({ length: 235 }, (_, i) => i)
  const payload = { manifest: new Uint8Array(130), image, blocks }
  const walk = (block: number, offset: number, missing: number[]) =>
    [
      ...pieces(payload, blockStarts(blocks), {
        block,
        offset,
        bodyBytes: 64,
        isMissing: b => missing.includes(b),
      }),
    ].map(({ block, bytes, ends }) => [block, bytes.length, bytes[0], ends])
  t.same(walk(0, 64, [0, 2, 3]), [
    [0, 36, 64, true],
    [2, 64, 170, true],
    [3, 1, 234, true],
  ])
  t.same(walk(manifestBlock, 64, [0, 1]), [
    [manifestBlock, 64, 0, false],
    [manifestBlock, 2, 0, true],
  ])
})

t.test('copies are joined to runs, and blocks the board lacks nowhere are left to DATA', async t => {
  const entry = (crc32: number) => ({ crc32, storedBytes: 10, codec: 0, frames: 1 })
  const old = [1, 2, 3, 4].map(entry)
  const wanted = [1, 2, 9, 3, 4, 1].map(entry)
  t.same(
    copyRuns(wanted, () => true, [{ slot: 2, blocks: old }]),
    [
      { slot: 2, oldBlock: 0, newBlock: 0, count: 2 },
      { slot: 2, oldBlock: 2, newBlock: 3, count: 2 },
      { slot: 2, oldBlock: 0, newBlock: 5, count: 1 },
    ],
  )
  t.same(
    copyRuns(wanted, block => block === 4, [{ slot: 2, blocks: old }]),
    [{ slot: 2, oldBlock: 3, newBlock: 4, count: 1 }],
  )
  t.same(
    copyRuns([{ ...entry(1), storedBytes: 11 }], () => true, [{ slot: 2, blocks: old }]),
    [],
  )
})

t.test('a request repeats with growing pauses, and BUSY buys it time', async t => {
  const request = new PendingRequest({ type: 'STATUS' }, 5, new RttEstimator(), 0, 0)
  t.ok(request.takeDue(0))
  t.notOk(request.takeDue(99))
  t.ok(request.takeDue(100))
  t.equal(request.deadlineMs(), 300)
  request.busy(2000, 150)
  t.notOk(request.takeDue(2200))
  t.ok(request.takeDue(2250))
  t.notOk(request.overdue(300_000))
  t.ok(request.overdue(300_001))
})
