import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import type { BridgeSettings } from '../../src/bridge/bridge-settings.ts'
import { createFraming } from '../../src/bridge/create-framing.ts'
import type { Frame, Framing, LostReason } from '../../src/bridge/framing.ts'
import { fromPayload, toPayload } from '../../src/bridge/payload.ts'

type Settings = Parameters<typeof createFraming>[0]
const settings: Settings = {
  framing: 'line',
  newline: '\n',
  idleMs: undefined,
  lengthBytes: 2,
  lengthEndian: 'big',
  maxFrameBytes: 64,
}

class Reader {
  readonly framing: Framing
  readonly frames: string[] = []
  readonly lost: (readonly [LostReason, number])[] = []

  constructor(more: Partial<Settings>) {
    this.framing = createFraming({ ...settings, ...more }, (reason, size) => this.lost.push([reason, size]))
  }

  push(bytes: Uint8Array | string): this {
    // A reader may use its memory again.
    const chunk = Buffer.from(bytes)
    this.take(this.framing.push(chunk))
    chunk.fill(0xee)
    return this
  }

  silence(): this {
    this.take(this.framing.silence())
    return this
  }

  restart(): this {
    this.take(this.framing.restart())
    return this
  }

  take(frames: readonly Frame[]): void {
    for (const { bytes, partial } of frames)
      this.frames.push(`${partial ? 'partial ' : ''}${Buffer.from(bytes).toString('latin1')}`)
  }
}

const framings: readonly Partial<Settings>[] = [
  { framing: 'line' },
  { framing: 'line', newline: '\r\n' },
  { framing: 'line', newline: '\r' },
  { framing: 'cobs' },
  { framing: 'length', lengthBytes: 1 },
  { framing: 'length', lengthBytes: 2 },
  { framing: 'length', lengthBytes: 2, lengthEndian: 'little' },
  { framing: 'length', lengthBytes: 4 },
  { framing: 'length', lengthBytes: 4, lengthEndian: 'little' },
]
const name = ({ framing, newline, lengthBytes, lengthEndian }: Partial<Settings>): string =>
  JSON.stringify([framing, newline, lengthBytes, lengthEndian].filter(part => part !== undefined))

/** Bytes that mean something to some framing come often. */
const bytes = (maxLength: number) =>
  fc
    .uint8Array({ maxLength })
    .chain(random =>
      fc
        .array(fc.constantFrom(0, 1, 2, 3, 10, 13, 64, 65), { maxLength })
        .map(telling =>
          telling.length > 0
            ? Uint8Array.from(telling, (byte, at) => (at % 3 === 0 ? (random[at] ?? byte) : byte))
            : random,
        ),
    )
const cuts = fc.array(fc.nat(400), { maxLength: 20 })

function chunksOf(all: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [...new Set(at.map(cut => Math.min(cut, all.length)))].sort((a, b) => a - b)
  return [0, ...places].map((from, i) => all.subarray(from, places[i] ?? all.length))
}

t.test('however the bytes are cut, the frames and the losses are the same', async t => {
  for (const each of framings) {
    fc.assert(
      fc.property(bytes(400), cuts, (all, at) => {
        const one = new Reader(each).push(all).silence()
        const many = new Reader(each)
        for (const chunk of chunksOf(all, at)) many.push(chunk)
        many.silence()
        return isDeepStrictEqual([many.frames, many.lost], [one.frames, one.lost])
      }),
      { numRuns: 400 },
    )
    t.pass(name(each))
  }
})

t.test(
  'what one end encodes the other end reads, frame for frame, also after garbage and a pause',
  async t => {
    for (const each of framings) {
      fc.assert(
        fc.property(fc.array(bytes(80), { maxLength: 8 }), bytes(100), cuts, (messages, garbage, at) => {
          const reader = new Reader(each)
          reader.push(garbage)
          reader.silence()
          reader.frames.length = 0
          const sent: string[] = []
          const line: Uint8Array[] = []
          for (const message of messages) {
            const encoded = reader.framing.encode(message)
            if (!encoded.ok) continue
            sent.push(Buffer.from(message).toString('latin1'))
            line.push(encoded.value)
          }
          for (const chunk of chunksOf(Buffer.concat(line), at)) reader.push(chunk)
          return isDeepStrictEqual(reader.frames, sent)
        }),
        { numRuns: 300 },
      )
      const refused = new Reader(each).framing.encode(new Uint8Array(65))
      t.notOk(refused.ok, `${name(each)}: a message beyond the cap is refused`)
      t.ok(new Reader(each).framing.encode(new Uint8Array(64).fill(65)).ok, 'one at the cap is not')
    }
  },
)

t.test('no byte is lost without being counted', async t => {
  for (const each of framings) {
    fc.assert(
      fc.property(bytes(300), cuts, (all, at) => {
        const reader = new Reader(each)
        for (const chunk of chunksOf(all, at)) reader.push(chunk)
        reader.restart()
        const framed = reader.frames.reduce((sum, frame) => sum + frame.replace(/^partial /, '').length, 0)
        const lost = reader.lost.reduce((sum, [, size]) => sum + size, 0)
        // What frames them is the rest: at most the code and the end of each frame.
        const overhead =
          (reader.frames.length + reader.lost.length) * 6 + all.filter(byte => byte === 0).length
        return framed + lost <= all.length && framed + lost + overhead >= all.length
      }),
      { numRuns: 300 },
    )
    t.pass(name(each))
  }
})

t.test('lines end where they are told to, and only there', async t => {
  const read = (newline: BridgeSettings['newline'], ...chunks: string[]) => {
    const reader = new Reader({ newline })
    for (const chunk of chunks) reader.push(chunk)
    return reader.frames
  }
  t.same(read('\n', 'one\ntwo\r\n\nthr', 'ee\n'), ['one', 'two\r', '', 'three'])
  t.same(read('\r\n', 'one\ntwo\r', '\nthree\r\r\n'), ['one\ntwo', 'three\r'])
  t.same(read('\r', 'one\n\rtwo\r'), ['one\n', 'two'])
  const { framing } = new Reader({})
  t.match(framing.encode(Buffer.from('two\nlines')), { ok: false, fault: /line end/ })
  t.same(framing.encode(Buffer.from('one')), { ok: true, value: Buffer.from('one\n') })
})

t.test('a line that is too long is lost as a whole, and the next one is read', async t => {
  const reader = new Reader({ maxFrameBytes: 4 }).push('1234\n12345\nabcd\n')
  for (const byte of 'a line that does not end for a long time'.repeat(50)) reader.push(byte)
  reader.push('\nnext\n')
  t.same(reader.frames, ['1234', 'abcd', 'next'])
  t.same(reader.lost, [
    ['too_long', 6],
    ['too_long', 2001],
  ])
})

t.test('a line that falls silent before its end is a partial frame', async t => {
  const reader = new Reader({ idleMs: 50 }).push('login: ').silence().push('ok\n').silence()
  t.same(reader.frames, ['partial login: ', 'ok'])
  t.equal(reader.framing.idleMs, 50)
  t.equal(new Reader({}).framing.idleMs, undefined, 'unless it is told, it waits')
  t.same(new Reader({}).push('half').restart().push('new\n').frames, ['partial half', 'new'])
})

t.test('COBS comes back into step at the next zero', async t => {
  const reader = new Reader({ framing: 'cobs', maxFrameBytes: 8 })
  reader.push([9, 1, 0, 0, 0, 3, 65, 66, 0].map(byte => String.fromCharCode(byte)).join(''))
  t.same([reader.frames, reader.lost], [['AB'], [['malformed', 2]]])
  reader.push(Buffer.concat([Buffer.from([10]), Buffer.alloc(9, 1), Buffer.from([0])]))
  t.same(reader.lost[1], ['too_long', 11])
  reader.push(Buffer.alloc(500, 1)).push(Buffer.from([0, 2, 67, 0]))
  t.same(
    [reader.frames, reader.lost.at(-1)],
    [
      ['AB', 'C'],
      ['too_long', 501],
    ],
  )
  reader.push('\x05ab').silence()
  t.same(reader.lost.at(-1), ['unfinished', 3])
})

t.test('behind a length that cannot be, nothing is taken until the line is silent', async t => {
  const reader = new Reader({ framing: 'length' })
  reader.push('\x00\x02hi\x00\x00').push('\xff\xff and \x00\x01x').push('\x00\x01y')
  t.same([reader.frames, reader.lost], [['hi', ''], []])
  reader.silence().push('\x00\x01z')
  t.same(reader.frames, ['hi', '', 'z'])
  t.match(reader.lost, [['malformed', Number]])
  reader.push('\x00\x05ab').silence().push('\x00\x01!')
  t.same(reader.lost.at(-1), ['unfinished', 4])
  t.same(reader.frames.at(-1), '!')
  t.ok((reader.framing.idleMs ?? 0) > 0)
})

t.test('silence ends a frame where nothing else does', async t => {
  const reader = new Reader({ framing: 'idle' }).push('\x01\x03').push('\x00').silence().silence()
  t.same(reader.frames, ['\x01\x03\x00'])
  reader.push('x'.repeat(65)).silence().push('y').silence()
  t.same([reader.frames.at(-1), reader.lost], ['y', [['too_long', 65]]])
  t.match(reader.framing.encode(new Uint8Array(0)), { ok: false })
})

t.test('without frames every byte goes through, in pieces of at most the cap', async t => {
  const each = { framing: 'raw', maxFrameBytes: 7 } as const
  fc.assert(
    fc.property(bytes(100), cuts, (all, at) => {
      const reader = new Reader(each)
      for (const chunk of chunksOf(all, at)) reader.push(chunk)
      return (
        reader.frames.join('') === Buffer.from(all).toString('latin1') &&
        reader.frames.every(({ length }) => length > 0 && length <= 7)
      )
    }),
  )
  t.equal(new Reader(each).framing.idleMs, undefined)
})

t.test('a payload gives back the bytes of its frame; what is no text says so', async t => {
  fc.assert(
    fc.property(bytes(40), fc.constantFrom('utf-8', 'base64', 'binary'), (frame, encoding) => {
      const { bytes: payload, substituted } = toPayload(frame, encoding)
      const back = fromPayload(payload, substituted ? 'base64' : encoding)
      return back.ok && Buffer.compare(back.value, frame) === 0 && (!substituted || encoding === 'utf-8')
    }),
  )
  t.same(toPayload(Buffer.from('21 °C'), 'utf-8').bytes.toString(), Buffer.from('21 °C').toString())
  t.match(toPayload(Uint8Array.of(0xff, 0x00), 'utf-8'), { substituted: true, bytes: Buffer.from('/wA=') })
  t.match(toPayload(Buffer.from('\ufeffx'), 'utf-8'), { substituted: false, bytes: Buffer.from('\ufeffx') })
  t.match(fromPayload(Uint8Array.of(0xff), 'utf-8'), { ok: false, fault: /UTF-8/ })
  for (const wrong of ['/wA', '/w A=', '%%%%', '_wA=', '/wA=\n', 'A'])
    t.match(fromPayload(Buffer.from(wrong), 'base64'), { ok: false, fault: /base64/ }, JSON.stringify(wrong))
})
