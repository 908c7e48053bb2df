import fc from 'fast-check'
import t from 'tap'
import { cobsBound, cobsDecode, cobsEncode } from '../../src/protocol/cobs.ts'
import { crc32 } from '../../src/protocol/crc32.ts'
import {
  decodeContent,
  encodeContent,
  encodeFrame,
  type Frame,
  maxBodyBytes,
  wireBytes,
} from '../../src/protocol/frame.ts'
import { FrameDecoder } from '../../src/protocol/frame-decoder.ts'

/** Bytes in which zeros and long runs without one are both frequent: what COBS finds hard. */
const bytes = (maxLength: number) =>
  fc.oneof(
    fc.uint8Array({ maxLength }),
    fc.array(fc.constantFrom(0, 0, 1, 255), { maxLength }).map(values => Uint8Array.from(values)),
    fc.integer({ min: 0, max: maxLength }).map(size => new Uint8Array(size).fill(7)),
  )

const u8 = fc.integer({ min: 0, max: 255 })
const frames = (maxBody: number) =>
  fc.record({
    version: fc.integer({ min: 0, max: 3 }),
    type: fc.integer({ min: 0, max: 63 }),
    session: u8,
    seq: fc.integer({ min: 0, max: 0xffff }),
    body: bytes(maxBody),
  })
const wireOf = (frame: Frame) => encodeFrame(frame.type, frame.session, frame.seq, frame.body, frame.version)
const plain = (frame: Frame) => ({ ...frame, body: Buffer.from(frame.body).toString('hex') })

function decodeAll(chunks: readonly Uint8Array[], maxBody = maxBodyBytes) {
  const decoder = new FrameDecoder(maxBody)
  const received: ReturnType<typeof plain>[] = []
  for (const chunk of chunks) decoder.push(chunk, frame => void received.push(plain(frame)))
  return { received, decoder }
}

/** Cuts `whole` at the given shares of its length. */
function cut(whole: Uint8Array, shares: readonly number[]): Uint8Array[] {
  const places = [
    0,
    ...shares.map(share => Math.floor(share * whole.length)).sort((a, b) => a - b),
    whole.length,
  ]
  return places.slice(1).map((end, index) => whole.slice(places[index], end))
}

t.test('the CRC is CRC-32/ISO-HDLC and can be taken piece by piece', async t => {
  const text = new TextEncoder().encode('123456789')
  t.equal(crc32(text), 0xcbf43926)
  t.equal(crc32(text.subarray(4), crc32(text.subarray(0, 4))), 0xcbf43926)
  t.equal(crc32(new Uint8Array(0)), 0)
})

t.test('COBS gives back any bytes, holds no zero and never passes its bound', async () => {
  fc.assert(
    fc.property(bytes(1200), content => {
      const code = cobsEncode(content)
      const back = cobsDecode(code)
      return (
        !code.includes(0) &&
        code.length <= cobsBound(content.length) &&
        back.ok &&
        Buffer.compare(back.value, content) === 0
      )
    }),
  )
})

t.test('COBS says why a code is none, and never throws', async t => {
  t.match(cobsDecode(new Uint8Array(0)), { ok: false, fault: 'empty' })
  t.match(cobsDecode(Uint8Array.of(3, 1, 0)), { ok: false, fault: 'zero-byte' })
  t.match(cobsDecode(Uint8Array.of(3, 1)), { ok: false, fault: 'truncated' })
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), code => void cobsDecode(code)))
})

t.test(
  'a frame comes back as it was sent, on a stream and over MQTT, within its worst-case size',
  async () => {
    fc.assert(
      fc.property(frames(1100), frame => {
        const wire = wireOf(frame)
        const content = encodeContent(frame.type, frame.session, frame.seq, frame.body, frame.version)
        const decoded = decodeContent(content)
        const stream = decodeAll([wire]).received
        return (
          wire.length <= wireBytes(frame.body.length) &&
          wire.indexOf(0) === wire.length - 1 &&
          decoded.ok &&
          JSON.stringify(plain(decoded.value)) === JSON.stringify(plain(frame)) &&
          JSON.stringify(stream) === JSON.stringify([plain(frame)])
        )
      }),
    )
  },
)

t.test('the worst case is reached by a frame without a zero byte', async t => {
  const body = new Uint8Array(1008).fill(0xa5)
  let seq = 0x0101
  while (encodeContent(0x13, 1, seq, body).includes(0)) seq++
  t.equal(encodeFrame(0x13, 1, seq, body).length, wireBytes(body.length))
})

t.test('decodeContent names the fault', async t => {
  const content = encodeContent(1, 2, 3, new Uint8Array(10))
  t.match(decodeContent(content.subarray(0, 7)), { fault: { kind: 'too-short', sizeBytes: 7 } })
  t.match(decodeContent(content, 9), { fault: { kind: 'too-long', bodyBytes: 10, maxBody: 9 } })
  const received = new DataView(content.buffer, content.byteOffset).getUint32(14, true)
  content[5] = 1
  t.match(decodeContent(content), {
    fault: { kind: 'bad-crc', received, computed: crc32(content.subarray(0, 14)) },
  })
})

t.test('frames come out whole however the stream is cut', async () => {
  fc.assert(
    fc.property(
      fc.array(frames(300), { maxLength: 8 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
      (sent, shares) => {
        const { received, decoder } = decodeAll(cut(Buffer.concat(sent.map(wireOf)), shares))
        return (
          decoder.droppedBytes === 0 &&
          decoder.droppedFrames === 0 &&
          JSON.stringify(received) === JSON.stringify(sent.map(plain))
        )
      },
    ),
  )
})

t.test('a body outlives the chunk it came in', async t => {
  const chunk = Uint8Array.from(encodeFrame(8, 1, 1, Uint8Array.of(1, 2, 3)))
  const bodies: Uint8Array[] = []
  new FrameDecoder(64).push(chunk, frame => void bodies.push(frame.body))
  chunk.fill(0xee)
  t.same(
    bodies.map(body => [...body]),
    [[1, 2, 3]],
  )
})

t.test('after any noise the next frame behind a delimiter is received', async () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 3000 }),
      frames(64),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }),
      (noise, frame, shares) => {
        const { received } = decodeAll(
          cut(Buffer.concat([noise, Uint8Array.of(0), wireOf(frame)]), shares),
          64,
        )
        return JSON.stringify(received.at(-1)) === JSON.stringify(plain(frame))
      },
    ),
  )
})

t.test('a frame with flipped bits is never accepted with another content', async () => {
  const flips = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
    minLength: 1,
    maxLength: 12,
  })
  fc.assert(
    fc.property(frames(200), flips, (frame, places) => {
      const wire = Uint8Array.from(wireOf(frame))
      for (const place of places) {
        const bit = Math.floor(place * wire.length * 8)
        wire[bit >> 3] = (wire[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      }
      const { received } = decodeAll([wire, Uint8Array.of(0)])
      return received.every(other => JSON.stringify(other) === JSON.stringify(plain(frame)))
    }),
    { numRuns: 2000 },
  )
})

t.test('a truncated frame is never accepted', async () => {
  fc.assert(
    fc.property(frames(100), fc.double({ min: 0, max: 1, noNaN: true }), (frame, share) => {
      const wire = wireOf(frame)
      const kept = Math.min(wire.length - 2, Math.floor(share * wire.length))
      return decodeAll([wire.subarray(0, kept), Uint8Array.of(0)]).received.length === 0
    }),
  )
})

t.test('what is dropped is counted, and memory stays bounded without a delimiter', async t => {
  const decoder = new FrameDecoder(64)
  const fail = () => t.fail('noise is no frame')
  decoder.push(Uint8Array.of(3, 1, 0, 0, 0), fail)
  t.equal(decoder.droppedBytes, 2)
  t.equal(decoder.droppedFrames, 1)
  for (let megabyte = 0; megabyte < 4; megabyte++) decoder.push(new Uint8Array(1 << 20).fill(9), fail)
  t.equal(decoder.droppedBytes, 2 + 4 * (1 << 20))
  t.equal(decoder.droppedFrames, 1, 'the stretch has not ended yet')
  decoder.push(Uint8Array.of(9, 9, 0), fail)
  t.equal(decoder.droppedBytes, 2 + 4 * (1 << 20) + 2)
  t.equal(decoder.droppedFrames, 2)
  const received: Frame[] = []
  decoder.push(encodeFrame(5, 1, 9, new Uint8Array(0)), frame => void received.push(frame))
  t.match(received, [{ type: 5, session: 1, seq: 9 }])
})

t.test('a body above the limit of the receiver is dropped, one at the limit is not', async t => {
  t.equal(decodeAll([encodeFrame(8, 1, 1, new Uint8Array(65).fill(1))], 64).received.length, 0)
  t.equal(decodeAll([encodeFrame(8, 1, 1, new Uint8Array(64).fill(1))], 64).received.length, 1)
})
