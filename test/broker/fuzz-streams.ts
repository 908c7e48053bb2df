import fc from 'fast-check'

/** How a stream of packets is damaged before it is sent. */
export type Damage =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'set'; readonly at: number; readonly value: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'cut'; readonly at: number; readonly length: number }
  | { readonly kind: 'repeat'; readonly at: number; readonly length: number }
  /** The remaining length of the packet, whatever it is then. */
  | { readonly kind: 'length'; readonly packet: number; readonly value: number }

export interface Stream {
  /** Few, so that connections take over from each other. */
  readonly client: number
  readonly lasts: boolean
  readonly user: 'room' | 'anonymous' | 'wrong'
  readonly keepAlive: number
  readonly will: boolean
  readonly packets: readonly Uint8Array[]
  readonly damages: readonly Damage[]
  /** Shares of the whole, where it is cut into chunks. */
  readonly cuts: readonly number[]
  /** What it answers to messages: nothing, what it should, or anything. */
  readonly answers: 'none' | 'right' | 'any'
  readonly reads: boolean
  readonly end: 'fin' | 'reset' | 'stay'
}

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 255), bytes])
}
const word = (value: number): Buffer => Buffer.of(value >> 8, value & 255)

/** A packet with its fixed header; `length` instead of the true one. */
export function packetOf(first: number, body: Buffer, length = body.length): Buffer {
  const header = [first]
  let rest = length
  do {
    header.push((rest & 127) | (rest > 127 ? 128 : 0))
    rest >>= 7
  } while (rest > 0)
  return Buffer.concat([Buffer.from(header), body])
}

const level = fc.constantFrom(
  'a',
  'b',
  'ü',
  '😀',
  '',
  'constructor',
  '__proto__',
  '$x',
  ' ',
  '\ufeff',
  'x'.repeat(200),
)
const wildcard = fc.oneof(
  { weight: 4, arbitrary: level },
  { weight: 1, arbitrary: fc.constantFrom('+', '#') },
)
const topic = fc.array(level, { minLength: 1, maxLength: 5 }).map(levels => `fuzz/${levels.join('/')}`)
const anyTopic = fc.oneof(
  { weight: 8, arbitrary: topic },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '$SYS/broker/uptime',
      'pixelgate/0badcafe/cmd/play',
      '#',
      '/',
      'x'.repeat(600),
    ),
  },
)
const filter = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.array(wildcard, { minLength: 1, maxLength: 5 }).map(levels => `fuzz/${levels.join('/')}`),
  },
  { weight: 2, arbitrary: fc.constantFrom('#', '+/#', 'fuzz/#', 'fuzz/+', '$SYS/#', 'pixelgate/#', '+', '') },
)
const id = fc.oneof(fc.nat({ max: 8 }), fc.nat({ max: 65_535 }))
const payload = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.nat({ max: 20_000 }).map(length => new Uint8Array(length)) },
)

const publish = fc
  .record({
    topic: anyTopic,
    payload,
    qos: fc.constantFrom(0, 1, 2),
    retain: fc.boolean(),
    dup: fc.boolean(),
    id,
  })
  .map(({ topic: name, payload: bytes, qos, retain, dup, id: number }) =>
    packetOf(
      0x30 | (dup && qos > 0 ? 8 : 0) | (qos << 1) | (retain ? 1 : 0),
      Buffer.concat([text(name), ...(qos > 0 ? [word(number)] : []), bytes]),
    ),
  )
const subscribe = fc
  .tuple(id, fc.array(fc.tuple(filter, fc.constantFrom(0, 1, 2)), { minLength: 1, maxLength: 6 }))
  .map(([number, filters]) =>
    packetOf(
      0x82,
      Buffer.concat([word(number), ...filters.flatMap(([each, qos]) => [text(each), Buffer.of(qos)])]),
    ),
  )
const unsubscribe = fc
  .tuple(id, fc.array(filter, { minLength: 1, maxLength: 4 }))
  .map(([number, filters]) => packetOf(0xa2, Buffer.concat([word(number), ...filters.map(text)])))
const acknowledgement = fc
  .tuple(fc.constantFrom(0x40, 0x50, 0x62, 0x70), id)
  .map(([first, number]) => packetOf(first, word(number)))
const rest = fc.constantFrom(
  Buffer.from('c000', 'hex'),
  Buffer.from('e000', 'hex'),
  packetOf(0x10, Buffer.concat([text('MQTT'), Buffer.of(4, 2, 0, 0), text('again')])),
)
const anyPacket = fc.oneof(
  { weight: 6, arbitrary: publish },
  { weight: 3, arbitrary: subscribe },
  { weight: 1, arbitrary: unsubscribe },
  { weight: 3, arbitrary: acknowledgement },
  { weight: 1, arbitrary: rest },
)

const at = fc.nat({ max: 100_000 })
const damage: fc.Arbitrary<Damage> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('flip' as const), at, bit: fc.nat({ max: 7 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('set' as const),
      at,
      value: fc.constantFrom(0, 1, 0x7f, 0x80, 0xff),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('insert' as const),
      at,
      bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('cut' as const), at, length: fc.integer({ min: 1, max: 30 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('repeat' as const),
      at,
      length: fc.integer({ min: 1, max: 60 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('length' as const),
      packet: fc.nat({ max: 20 }),
      value: fc.constantFrom(0, 1, 2, 3, 127, 128, 1024, 1025, 16_384, 262_143, 262_145, 268_435_455),
    }),
  },
)

/** Sound packets in any order, most of them damaged somewhere, over connections of every kind. */
export const streams: fc.Arbitrary<Stream> = fc.record({
  client: fc.nat({ max: 15 }),
  lasts: fc.boolean(),
  user: fc.constantFrom('room', 'room', 'room', 'anonymous', 'wrong'),
  keepAlive: fc.constantFrom(0, 1, 60, 65_535),
  will: fc.boolean(),
  packets: fc.array(anyPacket, { maxLength: 14 }),
  damages: fc.oneof(fc.constant([]), fc.array(damage, { minLength: 1, maxLength: 4 })),
  cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }),
  answers: fc.constantFrom('none', 'right', 'any'),
  reads: fc.boolean(),
  end: fc.constantFrom('fin', 'reset', 'stay'),
})

/** The bytes of a stream, with the CONNECT in front. */
export function bytesOf(stream: Stream, connect: Buffer): Buffer {
  const packets: Buffer[] = [connect, ...stream.packets.map(each => Buffer.from(each))]
  for (const each of stream.damages) {
    if (each.kind !== 'length') continue
    const index = each.packet % packets.length
    const packet = packets[index]
    if (packet !== undefined)
      packets[index] = packetOf(packet[0] ?? 0, packet.subarray(bodyStart(packet)), each.value)
  }
  return stream.damages.reduce(damaged, Buffer.concat(packets))
}

function bodyStart(packet: Buffer): number {
  let start = 1
  while ((packet[start] ?? 0) > 127) start++
  return start + 1
}

function damaged(bytes: Buffer, each: Damage): Buffer {
  if (each.kind === 'length' || bytes.length === 0) return bytes
  const place = each.at % bytes.length
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)]
  switch (each.kind) {
    case 'flip':
    case 'set': {
      const changed = Buffer.from(bytes)
      changed[place] = each.kind === 'set' ? each.value : (changed[place] ?? 0) ^ (1 << each.bit)
      return changed
    }
    case 'insert':
      return Buffer.concat([before, each.bytes, after])
    case 'cut':
      return Buffer.concat([before, after.subarray(each.length)])
    case 'repeat':
      return Buffer.concat([before, after.subarray(0, each.length), after])
  }
}
