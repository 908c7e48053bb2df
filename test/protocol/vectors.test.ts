import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { decodeBlock } from '../../src/protocol/block/block.ts'
import { cobsDecode } from '../../src/protocol/cobs.ts'
import { crc32 } from '../../src/protocol/crc32.ts'
import { decodeContent, encodeFrame, type Frame, maxBodyBytes } from '../../src/protocol/frame.ts'
import { FrameDecoder } from '../../src/protocol/frame-decoder.ts'
import { decodeManifest, encodeManifest, refuseManifest, transferId } from '../../src/protocol/manifest.ts'
import {
  decodeBoardMessage,
  decodeCaps,
  decodeHostMessage,
  encodeBoardMessage,
  encodeCaps,
  encodeHostMessage,
} from '../../src/protocol/message-codec.ts'
import { messageTypes } from '../../src/protocol/messages.ts'
import { sipHash128 } from '../../src/protocol/siphash.ts'

interface Vector {
  readonly name: string
  readonly [field: string]: unknown
}

const vectors = (file: string): Record<string, readonly Vector[]> =>
  JSON.parse(readFileSync(new URL(`../../firmware-protocol/vectors/${file}.json`, import.meta.url), 'utf8'))
const field = (vector: Vector, name: string) => vector[name]
const number = (vector: Vector, name: string) => Number(field(vector, name))
const bytes = (vector: Vector, name: string) =>
  new Uint8Array(Buffer.from(String(field(vector, name)), 'hex'))
const hex = (value: Uint8Array) => Buffer.from(value).toString('hex')

/** Fields as the vectors write them: bytes as hexadecimal text. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]))
}

function receive(wire: Uint8Array): Frame[] {
  const frames: Frame[] = []
  new FrameDecoder(maxBodyBytes).push(wire, frame => void frames.push(frame))
  return frames
}

t.test('frames.json: every frame encodes to its wire bytes and decodes from them', async t => {
  const { valid = [], invalid = [], streams = [] } = vectors('frames')
  for (const vector of valid) {
    const { version, type, session, seq } = vector as unknown as Frame
    t.equal(
      hex(encodeFrame(type, session, seq, bytes(vector, 'body'), version)),
      field(vector, 'wire'),
      vector.name,
    )
    t.match(
      receive(bytes(vector, 'wire')).map(plain),
      [{ version, type, session, seq, body: field(vector, 'body') }],
      vector.name,
    )
  }
  for (const vector of invalid) {
    t.strictSame(receive(bytes(vector, 'wire')), [], vector.name)
    const code = cobsDecode(bytes(vector, 'wire').subarray(0, -1))
    const content = code.ok ? decodeContent(code.value) : undefined
    t.equal(
      content === undefined ? 'cobs' : !content.ok && content.fault.kind,
      field(vector, 'reason'),
      vector.name,
    )
  }
  for (const vector of streams) {
    const expected = field(vector, 'frames') as Frame[]
    const received = receive(bytes(vector, 'wire'))
    t.match(received.map(plain), expected, vector.name)
    t.equal(received.length, expected.length, vector.name)
  }
})

t.test('messages.json: every message decodes to its fields and encodes to its body', async t => {
  const { messages = [], lenient = [], invalid = [], caps = [] } = vectors('messages')
  for (const vector of [...messages, ...lenient]) {
    const decode = field(vector, 'direction') === 'host' ? decodeHostMessage : decodeBoardMessage
    const decoded = decode(number(vector, 'type'), bytes(vector, 'body'))
    const expected = { type: field(vector, 'message'), ...(field(vector, 'fields') as object) }
    t.ok(decoded.ok && isDeepStrictEqual(plain(decoded.value), expected), vector.name)
    if (!decoded.ok || lenient.includes(vector)) continue
    const body =
      field(vector, 'direction') === 'host'
        ? encodeHostMessage(decoded.value as never)
        : encodeBoardMessage(decoded.value as never)
    t.equal(hex(body), field(vector, 'body'), vector.name)
  }
  for (const vector of invalid) {
    const decode = field(vector, 'direction') === 'host' ? decodeHostMessage : decodeBoardMessage
    const decoded = decode(number(vector, 'type'), bytes(vector, 'body'))
    t.match(decoded, { ok: false, fault: { error: field(vector, 'error') } }, vector.name)
    if (field(vector, 'error') === 'BAD_LENGTH' && field(vector, 'detail') !== undefined)
      t.match(decoded, { fault: { expectedBytes: field(vector, 'detail') } }, vector.name)
  }
  for (const vector of caps) {
    const decoded = decodeCaps(bytes(vector, 'record'))
    t.ok(decoded.ok && isDeepStrictEqual(plain(decoded.value), field(vector, 'fields')), vector.name)
    if (decoded.ok) t.equal(hex(encodeCaps(decoded.value)), field(vector, 'record'), vector.name)
  }
  const covered = new Set(messages.map(vector => field(vector, 'message')))
  const reserved = ['TIME', 'TEST']
  t.strictSame(
    Object.keys(messageTypes).filter(name => !covered.has(name)),
    reserved,
    'every type has a vector',
  )
})

t.test('blocks.json: every block decodes to its pixels and delays, every broken one is refused', async t => {
  const { valid = [], invalid = [] } = vectors('blocks')
  const decode = (vector: Vector) =>
    decodeBlock(
      number(vector, 'codec'),
      bytes(vector, 'stored'),
      number(vector, 'frames'),
      number(vector, 'leds'),
      number(vector, 'channels'),
    )
  for (const vector of valid) {
    const decoded = decode(vector)
    t.ok(decoded.ok && hex(decoded.value.pixels) === field(vector, 'decoded'), vector.name)
    t.ok(decoded.ok && isDeepStrictEqual(decoded.value.delaysMs, field(vector, 'delays')), vector.name)
  }
  for (const vector of invalid)
    t.match(decode(vector), { ok: false, fault: field(vector, 'reason') }, vector.name)
})

t.test(
  'manifests.json: sound manifests decode to their fields, others are refused as the board refuses',
  async t => {
    const { valid = [], invalid = [] } = vectors('manifests')
    for (const vector of valid) {
      const decoded = decodeManifest(bytes(vector, 'bytes'))
      t.ok(decoded.ok && isDeepStrictEqual(plain(decoded.value), field(vector, 'fields')), vector.name)
      if (decoded.ok) t.equal(hex(encodeManifest(decoded.value)), field(vector, 'bytes'), vector.name)
      t.equal(hex(transferId(bytes(vector, 'bytes'))), field(vector, 'id'), vector.name)
    }
    for (const vector of invalid) {
      const decoded = decodeManifest(bytes(vector, 'bytes'))
      if (field(vector, 'beginBlocks') !== undefined || field(vector, 'beginImageBytes') !== undefined) {
        const contradicts =
          !decoded.ok ||
          decoded.value.blocks.length !== field(vector, 'beginBlocks') ||
          decoded.value.imageBytes !== field(vector, 'beginImageBytes')
        t.ok(contradicts, vector.name)
        continue
      }
      const limits = {
        leds: number(vector, 'boardLeds'),
        ...(vector as never as { codecs: number; decodeBytes: number; blockBytes: number }),
      }
      const fault = decoded.ok ? refuseManifest(decoded.value, limits) : decoded.fault
      t.equal(fault?.error, field(vector, 'error'), vector.name)
      if (fault?.error === 'BAD_MANIFEST') t.equal(fault.offset, field(vector, 'detail'), vector.name)
    }
  },
)

t.test('digests.json: CRC-32, SipHash and SHA-256', async t => {
  const { crc32: crcs = [], sipHash128: sips = [], sha256: shas = [] } = vectors('digests')
  for (const vector of crcs) t.equal(crc32(bytes(vector, 'bytes')), field(vector, 'crc32'))
  for (const vector of sips)
    t.equal(hex(sipHash128(bytes(vector, 'key'), bytes(vector, 'bytes'))), field(vector, 'digest'))
  for (const vector of shas)
    t.equal(createHash('sha256').update(bytes(vector, 'bytes')).digest('hex'), field(vector, 'digest'))
})

t.test('SipHash-2-4-128 gives the vectors of its authors (vectors_sip128)', async t => {
  const key = Uint8Array.from({ length: 16 }, (_, at) => at)
  const reference = [
    'a3817f04ba25a8e66df67214c7550293',
    'da87c1d86b99af44347659119b22fc45',
    '8177228da4a45dc7fca38bdef60affe4',
    '9c70b60c5267a94e5f33b6b02985ed51',
  ]
  for (const [size, digest] of reference.entries())
    t.equal(
      hex(
        sipHash128(
          key,
          Uint8Array.from({ length: size }, (_, at) => at),
        ),
      ),
      digest,
    )
  t.equal(
    hex(
      sipHash128(
        key,
        Uint8Array.from({ length: 63 }, (_, at) => at),
      ),
    ),
    '5150d1772f50834a503e069a973fbd7c',
  )
  t.throws(() => sipHash128(new Uint8Array(15), key), RangeError)
})

t.test(
  'handshake.json, transfer.json and pairing.json: all that the board says are messages with these very bytes',
  async t => {
    for (const dialogue of ['handshake', 'transfer', 'pairing'].flatMap(file =>
      Object.values(vectors(file)).flat(),
    )) {
      const steps = field(dialogue, 'steps') as { board?: string }[]
      const frames = receive(Buffer.from(steps.map(step => step.board ?? '').join(''), 'hex'))
      t.ok(frames.length > 0, dialogue.name)
      for (const { type, body } of frames) {
        const decoded = decodeBoardMessage(type, body)
        t.ok(decoded.ok && hex(encodeBoardMessage(decoded.value)) === hex(body), dialogue.name)
      }
    }
  },
)
