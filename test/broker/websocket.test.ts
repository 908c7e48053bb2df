import fc from 'fast-check'
import t from 'tap'
import { FrameReader, frameHeader } from '../../src/broker/door/websocket-frames.ts'

/** A frame as a client sends it. */
function clientFrame(opcode: number, payload: Buffer, { final = true, mask = [1, 2, 3, 4] } = {}): Buffer {
  const { length } = payload
  const size =
    length < 126
      ? [0x80 | length]
      : length <= 0xffff
        ? [0x80 | 126, length >> 8, length & 0xff]
        : [0x80 | 127, 0, 0, 0, 0, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff]
  const masked = payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0))
  return Buffer.concat([Buffer.from([(final ? 0x80 : 0) | opcode, ...size, ...mask]), masked])
}

const cutUp = (bytes: Buffer, sizes: readonly number[]): Buffer[] => {
  const parts: Buffer[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1
    parts.push(Buffer.from(bytes.subarray(at, at + size)))
    at += size
  }
  return parts
}

const readAll = (parts: readonly Buffer[]) => {
  const reader = new FrameReader()
  return parts.flatMap(part => reader.read(part))
}

t.test('the payload is the same however frames and reads are cut', async () => {
  const frame = fc.record({
    payload: fc.uint8Array({ maxLength: 300 }),
    mask: fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)),
    ping: fc.boolean(),
  })
  const sizes = fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 6 }), sizes, (frames, sizes) => {
      const bytes = Buffer.concat(
        frames.flatMap(({ payload, mask, ping }, i) => [
          clientFrame(i === 0 ? 2 : 0, Buffer.from(payload), { final: i === frames.length - 1, mask }),
          // A control frame may come between the parts of a message (RFC 6455 §5.4).
          ...(ping ? [clientFrame(9, Buffer.from(`ping ${i}`), { mask })] : []),
        ]),
      )
      const events = readAll(cutUp(bytes, sizes))
      const of = (type: 'payload' | 'ping') =>
        events.flatMap(event => (event.type === type ? [event.bytes] : []))
      const wanted = Buffer.concat(frames.map(({ payload }) => payload))
      const pings = frames.flatMap(({ ping }, i) => (ping ? [`ping ${i}`] : []))
      return (
        Buffer.concat(of('payload')).equals(wanted) &&
        JSON.stringify(of('ping').map(String)) === JSON.stringify(pings) &&
        events.every(({ type }) => type === 'payload' || type === 'ping')
      )
    }),
    { numRuns: 2000 },
  )
})

t.test('what is no frame of a client of MQTT ends the connection, and nothing after it is read', async t => {
  const unmasked = Buffer.from([0x82, 1, 7])
  const huge = Buffer.from([0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4])
  const cases: readonly [string, Buffer, number][] = [
    ['text [MQTT-6.0.0-1]', clientFrame(1, Buffer.from('x')), 1003],
    ['no mask (§5.1)', unmasked, 1002],
    ['reserved bits (§5.2)', Buffer.from([0xc2, 0x80, 1, 2, 3, 4]), 1002],
    ['an unknown kind (§5.2)', clientFrame(3, Buffer.alloc(0)), 1002],
    ['an unknown control frame (§5.2)', clientFrame(11, Buffer.alloc(0)), 1002],
    ['a ping in parts (§5.4)', clientFrame(9, Buffer.alloc(1), { final: false }), 1002],
    ['a ping of 126 bytes (§5.5)', clientFrame(9, Buffer.alloc(126)), 1002],
    ['a part of nothing (§5.4)', clientFrame(0, Buffer.alloc(1)), 1002],
    [
      'a message within another (§5.4)',
      Buffer.concat([clientFrame(2, Buffer.alloc(0), { final: false }), clientFrame(2, Buffer.alloc(1))]),
      1002,
    ],
    ['a length with its highest bit set (§5.2)', huge, 1002],
  ]
  for (const [name, bytes, code] of cases) {
    const events = readAll([Buffer.concat([bytes, clientFrame(2, Buffer.from('later'))])])
    t.match(events, [{ type: 'fault', code }], name)
    t.equal(events.length, 1, name)
  }
  const closed = readAll([
    Buffer.concat([clientFrame(8, Buffer.from([3, 232])), clientFrame(2, Buffer.from('later'))]),
  ])
  t.same(closed, [{ type: 'close' }])
})

t.test('frames of the server say their length in the shortest way', async t => {
  for (const [size, hex] of [
    [0, '8200'],
    [125, '827d'],
    [126, '827e007e'],
    [65_535, '827effff'],
    [65_536, '827f0000000000010000'],
  ] as const)
    t.equal(frameHeader('binary', size).toString('hex'), hex)
})
