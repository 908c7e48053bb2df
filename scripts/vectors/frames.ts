import { cobsEncode } from '../../src/protocol/cobs.ts'
import { crc32 } from '../../src/protocol/crc32.ts'
import { encodeContent, encodeFrame, maxBodyBytes } from '../../src/protocol/frame.ts'
import { messageTypes } from '../../src/protocol/messages.ts'
import { counting, hex, unhex } from './hex.ts'

interface Sent {
  readonly name: string
  readonly version?: number
  readonly type: number
  readonly session: number
  readonly seq: number
  readonly body: Uint8Array
}

const { DATA, ACK, HELLO, PROBE, LINKTEST, STATUS } = messageTypes
const delimiter = Uint8Array.of(0)
const nothing = new Uint8Array(0)
const join = (...parts: Uint8Array[]): Uint8Array => Buffer.concat(parts)

/** A frame whose content, CRC included, holds no zero and is `size` bytes long: the first seq that gives one. */
function zeroFree(name: string, size: number): Sent {
  const body = new Uint8Array(size - 8).fill(0xa5)
  let seq = 0x0101
  while (encodeContent(DATA, 1, seq, body).includes(0)) seq++
  return { name, type: DATA, session: 1, seq, body }
}

const valid: readonly Sent[] = [
  { name: 'an empty body', type: PROBE, session: 1, seq: 0, body: nothing },
  { name: 'the smallest numbers', type: 0, session: 0, seq: 0, body: nothing },
  { name: 'the largest numbers', type: 63, session: 255, seq: 65535, body: Uint8Array.of(255) },
  { name: 'a body of one zero', type: LINKTEST, session: 7, seq: 1, body: Uint8Array.of(0) },
  { name: 'a body of zeros', type: LINKTEST, session: 7, seq: 2, body: new Uint8Array(40) },
  { name: 'a body that ends in a zero', type: LINKTEST, session: 7, seq: 3, body: Uint8Array.of(1, 2, 0) },
  { name: 'every byte value', type: LINKTEST, session: 7, seq: 4, body: counting(256) },
  { name: 'a body of 0xFF', type: LINKTEST, session: 7, seq: 5, body: new Uint8Array(300).fill(255) },
  zeroFree('253 bytes without a zero', 253),
  zeroFree('254 bytes without a zero: one full COBS run', 254),
  zeroFree('255 bytes without a zero', 255),
  zeroFree('508 bytes without a zero: two full COBS runs', 508),
  zeroFree('509 bytes without a zero', 509),
  { name: 'the smallest DATA body of a segment', type: DATA, session: 9, seq: 0x1234, body: counting(32, 1) },
  { name: 'the longest body before CAPS', type: DATA, session: 9, seq: 0x1235, body: counting(64, 1) },
  {
    name: 'the longest body',
    type: DATA,
    session: 9,
    seq: 0x1236,
    body: Uint8Array.from({ length: maxBodyBytes }, (_, at) => at * 7),
  },
  { name: 'version 0', version: 0, type: STATUS, session: 3, seq: 10, body: nothing },
  { name: 'version 2', version: 2, type: STATUS, session: 3, seq: 11, body: nothing },
  { name: 'version 3', version: 3, type: ACK, session: 3, seq: 12, body: counting(10) },
]

const wire = (sent: Sent) => encodeFrame(sent.type, sent.session, sent.seq, sent.body, sent.version)
const frame = ({ type, session, seq, body }: Sent) => ({ type, session, seq, body: hex(body) })
const wrapped = (content: Uint8Array) => join(cobsEncode(content), delimiter)
const changed = (bytes: Uint8Array, at: number, mask: number) =>
  Uint8Array.from(bytes, (byte, place) => (place === (at < 0 ? bytes.length + at : at) ? byte ^ mask : byte))

function withCrc(bytes: Uint8Array): Uint8Array {
  const crc = new DataView(new ArrayBuffer(4))
  crc.setUint32(0, crc32(bytes), true)
  return join(bytes, new Uint8Array(crc.buffer))
}

const sample: Sent = { name: '', type: DATA, session: 5, seq: 300, body: counting(16, 1) }
const other: Sent = { name: '', type: PROBE, session: 5, seq: 301, body: nothing }
const hello: Sent = { name: '', type: HELLO, session: 6, seq: 1, body: unhex('01 01 0010 00') }
const content = encodeContent(sample.type, sample.session, sample.seq, sample.body)
const sampleWire = wire(sample)

const invalid: readonly { name: string; wire: Uint8Array; reason: string }[] = [
  { name: 'a COBS code that points past the end', wire: unhex('05 11 22 00'), reason: 'cobs' },
  { name: 'a lone COBS code of a full run', wire: unhex('ff 00'), reason: 'cobs' },
  {
    name: 'a frame without its last byte',
    wire: join(sampleWire.subarray(0, -2), delimiter),
    reason: 'cobs',
  },
  { name: 'an empty content', wire: unhex('01 00'), reason: 'too-short' },
  { name: 'a content of a CRC alone', wire: wrapped(withCrc(nothing)), reason: 'too-short' },
  {
    name: 'a content of seven bytes with its right CRC',
    wire: wrapped(withCrc(content.subarray(0, 3))),
    reason: 'too-short',
  },
  {
    name: 'a body of 4097 bytes',
    wire: encodeFrame(DATA, 5, 302, new Uint8Array(maxBodyBytes + 1).fill(1)),
    reason: 'too-long',
  },
  { name: 'a changed type', wire: wrapped(changed(content, 0, 0x01)), reason: 'bad-crc' },
  { name: 'a changed version', wire: wrapped(changed(content, 0, 0x80)), reason: 'bad-crc' },
  { name: 'a changed session', wire: wrapped(changed(content, 1, 0x10)), reason: 'bad-crc' },
  { name: 'a changed seq', wire: wrapped(changed(content, 2, 0x01)), reason: 'bad-crc' },
  { name: 'a changed body', wire: wrapped(changed(content, 10, 0x80)), reason: 'bad-crc' },
  { name: 'a changed CRC', wire: wrapped(changed(content, -1, 0x01)), reason: 'bad-crc' },
  {
    name: 'a CRC in big-endian order',
    wire: wrapped(join(content.subarray(0, -4), content.slice(-4).reverse())),
    reason: 'bad-crc',
  },
  {
    name: 'a CRC with initial value 0',
    wire: wrapped(join(content.subarray(0, -4), withCrc(nothing))),
    reason: 'bad-crc',
  },
  { name: 'a content with one byte more', wire: wrapped(join(content, Uint8Array.of(1))), reason: 'bad-crc' },
]

const streams: readonly { name: string; wire: Uint8Array; frames: readonly Sent[] }[] = [
  { name: 'two frames in a row', wire: join(sampleWire, wire(other)), frames: [sample, other] },
  {
    name: 'empty frames between frames are ignored',
    wire: join(delimiter, delimiter, sampleWire, delimiter, delimiter, wire(other), delimiter),
    frames: [sample, other],
  },
  {
    name: 'noise that ends with a delimiter costs nothing',
    wire: join(unhex('c3 5a 11 09 00'), sampleWire),
    frames: [sample],
  },
  {
    name: 'noise right before a frame costs that frame only',
    wire: join(unhex('c3 5a 11 09'), sampleWire, wire(other)),
    frames: [other],
  },
  {
    name: 'a torn frame resynchronises at the next delimiter',
    wire: join(sampleWire.subarray(0, 9), delimiter, wire(other)),
    frames: [other],
  },
  {
    name: 'a torn frame without a delimiter costs the next one',
    wire: join(sampleWire.subarray(0, 9), wire(other), wire(hello)),
    frames: [hello],
  },
  {
    name: 'a frame with a wrong CRC between two good ones',
    wire: join(sampleWire, wrapped(changed(content, 4, 4)), wire(other)),
    frames: [sample, other],
  },
  {
    name: 'a zero byte in the midst of a frame makes two broken ones',
    wire: join(sampleWire.subarray(0, 6), delimiter, sampleWire.subarray(6), wire(other)),
    frames: [other],
  },
  {
    name: 'more noise than any frame is long',
    wire: join(new Uint8Array(9000).fill(0x55), delimiter, sampleWire),
    frames: [sample],
  },
  {
    name: 'a full last COBS run may be followed by an empty one',
    wire: join(wire(zeroFree('', 254)).subarray(0, -1), unhex('01 00')),
    frames: [zeroFree('', 254)],
  },
  {
    name: 'the rest of a cut stream is no frame',
    wire: join(sampleWire, wire(other).subarray(0, -1)),
    frames: [sample],
  },
]

/** firmware-protocol/vectors/frames.json */
export const frameVectors = () => ({
  valid: valid.map(sent => ({
    name: sent.name,
    version: sent.version ?? 1,
    ...frame(sent),
    wire: hex(wire(sent)),
  })),
  invalid: invalid.map(vector => ({ ...vector, wire: hex(vector.wire) })),
  streams: streams.map(vector => ({
    name: vector.name,
    wire: hex(vector.wire),
    frames: vector.frames.map(frame),
  })),
})
