import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import {
  decodeBoardMessage,
  decodeCaps,
  decodeHostMessage,
  encodeBoardMessage,
  encodeCaps,
  encodeHostMessage,
} from '../../src/protocol/message-codec.ts'
import { messageName } from '../../src/protocol/message-name.ts'
import { type BoardMessage, type Caps, type HostMessage, messageTypes } from '../../src/protocol/messages.ts'
import { decodeTlvs, encodeTlvs } from '../../src/protocol/tlv.ts'
import { decodeText, encodeName } from '../../src/protocol/utf8.ts'
import { describeError, errorCodes, errorName, explainError } from '../../src/protocol/wire-errors.ts'

const u8 = fc.integer({ min: 0, max: 0xff })
const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffffffff })
const flag = fc.boolean()
const sized = (size: number) => fc.uint8Array({ minLength: size, maxLength: size })
const some = fc.uint8Array({ maxLength: 80 })
const id = sized(16)
const name = fc.string({ unit: 'grapheme', maxLength: 7 })
const message = <N extends string, F extends object>(
  type: N,
  fields: { [K in keyof F]: fc.Arbitrary<F[K]> },
): fc.Arbitrary<F & { type: N }> => fc.record(fields).map(values => ({ ...values, type }) as F & { type: N })
const ack = { next: u16, bitmap: u32, credit: u16, durable: u16 }
const slotAndId = { slot: u8, id }
const run = fc.record({ slot: u8, oldBlock: u16, newBlock: u16, count: u16 })
const entry = fc.record({ crc32: u32, storedBytes: u16, codec: u8, frames: u8 })
const alone = ['PROBE', 'ROLLBACK', 'PLAY', 'STOP', 'NEXT', 'PREVIOUS', 'STATUS', 'REBOOT'] as const

const hostMessages: fc.Arbitrary<HostMessage> = fc.oneof(
  ...alone.map(type => message(type, {})),
  message('HELLO', { minVersion: u8, maxVersion: u8, hostMaxBody: u16, page: u8 }),
  message('SETBAUD', { baud: u32 }),
  message('LINKTEST', { bytes: some }),
  message('BEGIN', {
    id,
    manifestBytes: u32,
    manifestCrc: u32,
    imageBytes: u32,
    blocks: u16,
    slot: u8,
    fresh: flag,
  }),
  message('HAVEQ', { start: flag, firstSeq: u16, bodyBytes: u16, from: u16 }),
  message('DATA', { bytes: some }),
  message('COPY', { runs: fc.array(run, { minLength: 1, maxLength: 9 }) }),
  message('VERIFY', { alg: u8, key: id, expected: id }),
  message('ACTIVATE', { ...slotAndId, trialSeconds: u16 }),
  message('CONFIRM', slotAndId),
  message('DELETE', slotAndId),
  message('SELECT', slotAndId),
  message('ABORT', { id }),
  message('BLOCKS', { slot: u8, from: u16 }),
  message('LIST', { slot: u8 }),
  message('BRIGHTNESS', { level: u8 }),
  message('IDENTIFY', { ms: u16 }),
  message('SETID', { uuid: id }),
  message('FRAME', { holdMs: u16, offset: u16, show: flag, bytes: some }),
  message('FILL', { holdMs: u16, value: some }),
)

const boardMessages: fc.Arbitrary<BoardMessage> = fc.oneof(
  message('CAPS', { page: u8, pages: u8, bytes: some }),
  message('ERR', { code: u8, requestType: u8, detail: u16 }),
  message('BUSY', { requestType: u8, percent: u8, moreMs: u16 }),
  message('ECHO', ack),
  message('ACK', ack),
  message('SETBAUD', { baud: u32 }),
  message('LINKTEST', { bytes: some }),
  message('BEGIN', { slot: u8, state: u8 }),
  message('HAVE', {
    start: flag,
    firstSeq: u16,
    bodyBytes: u16,
    block: u16,
    offset: u16,
    missing: u16,
    from: u16,
    bitmap: some,
  }),
  message('COPY', { copied: u16, failed: u16 }),
  message('VERIFY', { alg: fc.constant(0), manifestCrc: u32, imageBytes: u32, digest: sized(32) }),
  message('VERIFY', { alg: fc.constant(1), manifestCrc: u32, imageBytes: u32, digest: sized(16) }),
  message('ACTIVATE', { ...slotAndId, trialSeconds: u16 }),
  message('CONFIRM', slotAndId),
  message('ROLLBACK', { slot: u8 }),
  message('ABORT', { id }),
  message('BLOCKS', { slot: u8, from: u16, total: u16, entries: fc.array(entry, { maxLength: 9 }) }),
  message('LIST', {
    slots: u8,
    slot: u8,
    state: u8,
    active: flag,
    trial: flag,
    id,
    imageBytes: u32,
    frames: u32,
    leds: u16,
    blocks: u16,
    name: name.map(text => decodeText(encodeName(text))),
  }),
  message('DELETE', slotAndId),
  message('SELECT', slotAndId),
  message('BRIGHTNESS', { level: u8 }),
  ...(['PLAY', 'STOP', 'NEXT', 'PREVIOUS'] as const).map(type => message(type, { slot: u8, playing: flag })),
  message('STATUS', {
    mode: u8,
    slot: u8,
    id,
    frame: u32,
    brightness: u8,
    transferOpen: flag,
    trialSecondsLeft: u16,
    uptimeSeconds: u32,
    bootId: u32,
    framesReceived: u32,
    bytesDropped: u32,
    framesShown: u32,
  }),
  message('IDENTIFY', { ms: u16 }),
  ...(['REBOOT', 'FRAME', 'FILL'] as const).map(type => message(type, {})),
  message('SETID', { uuid: id }),
  message('LOG', { text: fc.string({ unit: 'grapheme', maxLength: 60 }) }),
)

const capsRecords: fc.Arbitrary<Caps> = fc
  .record({
    version: u8,
    paired: flag,
    transferOpen: flag,
    trialRunning: flag,
    uuid: id,
    bootId: u32,
    maxBody: u16,
    rxBuffer: u16,
    lineRateBaud: u32,
    window: u16,
    codecs: u16,
    digests: u8,
    macs: u8,
    slots: u8,
    slotsFree: u8,
    slotBytes: u32,
    decodeBytes: u32,
    leds: u16,
    width: u16,
    height: u16,
    blockBytes: u16,
    maxBaud: u32,
    maxPowerMa: u16,
    firmwareName: name,
    firmwareVersion: name,
    boardName: name,
  })
  .map(caps => ({
    ...caps,
    boardName: decodeText(encodeName(caps.boardName)),
    firmwareName: decodeText(encodeName(caps.firmwareName)),
    firmwareVersion: decodeText(encodeName(caps.firmwareVersion)),
  }))

t.test('every message of the host comes back as it was sent', async t => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(hostMessages, sent => {
      seen.add(sent.type)
      const back = decodeHostMessage(messageTypes[sent.type], encodeHostMessage(sent))
      return back.ok && isDeepStrictEqual(plain(back.value), plain(sent))
    }),
    { numRuns: 600 },
  )
  t.equal(seen.size, 28, 'all types that a host sends were tried')
})

t.test('every message of the board comes back as it was sent', async t => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(boardMessages, sent => {
      seen.add(sent.type)
      const back = decodeBoardMessage(messageTypes[sent.type], encodeBoardMessage(sent))
      return back.ok && isDeepStrictEqual(plain(back.value), plain(sent))
    }),
    { numRuns: 600 },
  )
  t.equal(seen.size, 31, 'all types that a board sends were tried')
})

/** Bytes as hexadecimal text, so that a Buffer equals a Uint8Array. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `hex ${Buffer.from(value).toString('hex')}`
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]))
}

t.test('any bytes under any type give a message or a fault, never an exception', async () => {
  fc.assert(
    fc.property(u8, fc.uint8Array({ maxLength: 120 }), (type, body) => {
      decodeHostMessage(type, body)
      decodeBoardMessage(type, body)
      decodeCaps(body)
    }),
    { numRuns: 2000 },
  )
})

t.test('a body that decodes encodes to the same bytes, but for flags nobody knows', async () => {
  const flagged = [
    'BEGIN',
    'HAVEQ',
    'FRAME',
    'HELLO',
    'HAVE',
    'LIST',
    'STATUS',
    'PLAY',
    'STOP',
    'NEXT',
    'PREVIOUS',
    'LOG',
  ]
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(messageTypes)),
      fc.uint8Array({ maxLength: 60 }),
      (type, body) => {
        if (flagged.includes(messageName(type) ?? '')) return true
        const host = decodeHostMessage(type, body)
        const board = decodeBoardMessage(type, body)
        return (
          (!host.ok || Buffer.compare(encodeHostMessage(host.value), body) === 0) &&
          (!board.ok || Buffer.compare(encodeBoardMessage(board.value), body) === 0)
        )
      },
    ),
    { numRuns: 1000 },
  )
})

t.test('a field that does not fit its width is a bug of the caller and throws', async t => {
  t.throws(() => encodeHostMessage({ type: 'SETBAUD', baud: 2 ** 32 }), RangeError)
  t.throws(() => encodeHostMessage({ type: 'LIST', slot: -1 }), RangeError)
  t.throws(() => encodeHostMessage({ type: 'IDENTIFY', ms: 1.5 }), RangeError)
  t.throws(() => encodeHostMessage({ type: 'ABORT', id: new Uint8Array(15) }), RangeError)
})

t.test('an identifier that was decoded does not change with the receive buffer', async t => {
  const body = new Uint8Array(17).fill(7)
  const decoded = decodeHostMessage(messageTypes.SELECT, body)
  body.fill(0)
  t.match(decoded, { ok: true, value: { id: new Uint8Array(16).fill(7) } })
})

t.test('the capability record comes back as it was written', async () => {
  fc.assert(
    fc.property(capsRecords, caps => {
      const back = decodeCaps(encodeCaps(caps))
      return back.ok && isDeepStrictEqual(plain(back.value), plain(caps))
    }),
  )
})

t.test('a capability record may carry tags of the future, but must be whole', async t => {
  const [caps] = fc.sample(capsRecords, { numRuns: 1, seed: 5 })
  if (caps === undefined) throw new Error('no sample was drawn')
  const record = encodeCaps({ ...caps, boardName: 'desk' })
  const future = encodeTlvs([[200, Uint8Array.of(1, 2, 3)]])
  t.match(decodeCaps(Buffer.concat([record, future])), { ok: true, value: { boardName: 'desk' } })
  t.match(decodeCaps(record.subarray(0, 61)), {
    fault: { kind: 'too-short', expectedBytes: 62, gotBytes: 61 },
  })
  t.match(decodeCaps(record.subarray(0, -1)), { fault: { kind: 'bad-tlv' } })
  t.match(decodeCaps(Buffer.concat([record, Uint8Array.of(9)])), { fault: { kind: 'bad-tlv' } })
})

t.test('of a TLV that comes twice the last counts', async t => {
  const tlvs = decodeTlvs(
    encodeTlvs([
      [1, Uint8Array.of(5)],
      [2, new Uint8Array(0)],
      [1, Uint8Array.of(6)],
    ]),
  )
  t.strictSame(tlvs.ok && [...tlvs.value].map(([tag, value]) => [tag, ...value]), [[1, 6], [2]])
})

t.test('names are cut between characters, at 32 bytes', async t => {
  t.equal(decodeText(encodeName('ä'.repeat(20))), 'ä'.repeat(16))
  t.equal(decodeText(encodeName(`${'x'.repeat(30)}🔥`)), 'x'.repeat(30))
})

t.test('every ERR code has a name and a text that says what to do', async t => {
  t.equal(Object.keys(errorCodes).length, 21)
  for (const [name, code] of Object.entries(errorCodes)) {
    t.equal(errorName(code), name)
    t.match(explainError(code, 7), /\. .+\.$/, `${name}: what happened, and a second sentence with the cure`)
    t.notMatch(explainError(code, 7), /undefined|NaN/)
  }
  t.match(explainError(errorCodes.DECODE_MEMORY, 0xffff), /65,535 or more/)
  t.equal(errorName(99), undefined)
  t.match(explainError(99, 0), /error 99.*Update the gateway/)
  t.match(
    describeError(errorCodes.TOO_LARGE, messageTypes.BEGIN, 128),
    /^TOO_LARGE for BEGIN \(detail 128\): .*128 KiB/,
  )
  t.match(describeError(99, 0x3f, 0), /^error 99 for type 0x3f/)
})
