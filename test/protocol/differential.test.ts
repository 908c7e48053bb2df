import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { decodeBlock, encodeBlock } from '../../src/protocol/block/block.ts'
import { cobsEncode } from '../../src/protocol/cobs.ts'
import { decodeContent, encodeContent, encodeFrame, type Frame } from '../../src/protocol/frame.ts'
import { FrameDecoder } from '../../src/protocol/frame-decoder.ts'
import { decodeManifest, encodeManifest, manifestKinds, refuseManifest } from '../../src/protocol/manifest.ts'
import {
  decodeBoardMessage,
  decodeHostMessage,
  encodeBoardMessage,
} from '../../src/protocol/message-codec.ts'
import { messageTypes } from '../../src/protocol/messages.ts'
import { errorCodes } from '../../src/protocol/wire-errors.ts'

/**
 * The board library, under ASan and UBSan, and the gateway's decoder are given the same bytes and compared verdict by
 * verdict. They differ by design in this, and in nothing else:
 *
 * - Dropped bytes: the board counts a frame's delimiter, the gateway does not.
 * - ERR: the board never answers it (SPEC §2.1), so it gives no verdict on one.
 * - Meaning: what has the right form but a value the board refuses (BAD_ARGUMENT, BAD_STATE, …) is a message to the
 *   gateway. FILL with other than 3 or 4 channels is refused for that before its length is looked at.
 * - COPY: the board states the length of one run as the expected one, the gateway that of whole runs.
 * - Manifests: the gateway also refuses a wrong `decodedBytes` and a coded block of opaque bytes, which a board that
 *   plays neither need not look at (SPEC §10.3 does not name them). Which of several faults is told first may differ.
 * - The board has no decoder for messages of a board; what it says itself must be whole and the same to the gateway.
 */
const folder = fileURLToPath(new URL('../../firmware-protocol/fuzz/', import.meta.url))
const built = spawnSync('make', ['-s', 'decode'], { cwd: folder, encoding: 'utf8', timeout: 120_000 })
const noCompiler = built.error !== undefined || /not found/.test(built.stderr)
const skip = noCompiler ? 'there is no make or C compiler here' : false
const seed = 20_240
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** One answer a request, in order. */
function board(requests: readonly string[]): unknown[] {
  const { stdout, stderr, status } = spawnSync(`${folder}build/decode`, {
    input: `${requests.join('\n')}\n`,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    timeout: 120_000,
  })
  if (status !== 0) throw new Error(`the board library failed: ${stderr}`)
  return stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
}

const sample = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number): T[] =>
  fc.sample(arbitrary, { numRuns, seed })

/** Compares all pairs and reports the first few that differ, with the request that shows it. */
function agree(
  t: Test,
  requests: readonly string[],
  theirs: readonly unknown[],
  ours: readonly unknown[],
): void {
  t.equal(theirs.length, requests.length, 'an answer for each request')
  const differing = requests
    .map((request, at) => ({ request, board: theirs[at], gateway: ours[at] }))
    .filter(({ board, gateway }) => !isDeepStrictEqual(board, gateway))
  t.same(differing.slice(0, 5), [], `${requests.length} verdicts are the same, ${differing.length} are not`)
}

const u8 = fc.nat(0xff)
const u16 = fc.nat(0xffff)
const u32 = fc.integer({ min: 0, max: 0xffffffff })
const bytes = (minLength: number, maxLength: number) =>
  fc.oneof(
    fc.uint8Array({ minLength, maxLength }),
    fc.array(fc.constantFrom(0, 0, 1, 2, 0xff), { minLength, maxLength }).map(list => Uint8Array.from(list)),
  )
const sized = (...sizes: number[]) =>
  fc
    .constantFrom(...sizes)
    .chain(size => fc.oneof(bytes(size, size), fc.constant(new Uint8Array(size).fill(7))))
const body = fc.oneof(
  { weight: 8, arbitrary: bytes(0, 40) },
  { weight: 2, arbitrary: sized(244, 245, 246, 247, 248, 249, 250, 500, 501, 502) },
  { weight: 1, arbitrary: sized(4094, 4095, 4096, 4097, 4098, 4110) },
)
const header = { version: fc.nat(3), type: fc.nat(63), session: u8, seq: u16 }
const content = fc
  .record({ ...header, body })
  .map(({ version, type, session, seq, body }) => encodeContent(type, session, seq, body, version))
const short = bytes(0, 9)

/** A change of one place: another byte, one less, one more, the rest cut off. */
const change = fc.record({
  at: fc.nat(10_000),
  how: fc.nat(3),
  byte: fc.oneof(u8, fc.constantFrom(0, 1, 255)),
})
function changed(
  bytes: Uint8Array,
  { at, how, byte }: { at: number; how: number; byte: number },
): Uint8Array {
  const place = bytes.length === 0 ? 0 : at % bytes.length
  const middle = how < 2 ? [byte] : []
  const rest = how === 3 ? [] : [...bytes.subarray(place + (how === 1 ? 0 : 1))]
  return Uint8Array.from([...bytes.subarray(0, place), ...middle, ...rest])
}

const delimited = (code: Uint8Array) => Uint8Array.from([...code, 0])
const wire = fc.oneof(
  { weight: 4, arbitrary: content.map(content => delimited(cobsEncode(content))) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(content, change)
      .map(([content, how]) => changed(delimited(cobsEncode(content)), how)),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(content, change)
      .map(([content, how]) => delimited(cobsEncode(changed(content, how)))),
  },
  { weight: 1, arbitrary: short.map(content => delimited(cobsEncode(content))) },
  { weight: 1, arbitrary: bytes(0, 30) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      Uint8Array.of(0),
      Uint8Array.of(0, 0),
      Uint8Array.of(255),
      Uint8Array.of(1, 0),
    ),
  },
  // An encoder may end a full last run with an empty one, and may forget to; the former is sound.
  {
    weight: 1,
    arbitrary: sized(246, 500, 4094).map(body =>
      Uint8Array.from([...cobsEncode(encodeContent(8, 1, 1, body)), 1, 0]),
    ),
  },
)

t.test('both sides find the same frames in a stream, and drop the same bytes', { skip }, async t => {
  const streams = sample(
    fc.tuple(fc.array(wire, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 300 })),
    12_000,
  )
  const requests: string[] = []
  const ours: unknown[] = []
  let accepted = 0
  let refused = 0
  for (const [parts, chunk] of streams) {
    const stream = Buffer.concat(parts)
    const decoder = new FrameDecoder(4096)
    const frames: Frame[] = []
    for (let at = 0; at < stream.length; at += chunk)
      decoder.push(stream.subarray(at, at + chunk), frame => void frames.push(frame))
    decoder.push(Uint8Array.of(0), frame => void frames.push(frame))
    requests.push(`stream ${hex(stream)}00`)
    ours.push({
      frames: frames.map(frame => {
        const { version, type, session, seq, body } = frame
        const wire = hex(encodeFrame(type, session, seq, body, version))
        return { version, type, session, seq, body: hex(body), wire }
      }),
      dropped: decoder.droppedBytes + decoder.droppedFrames,
    })
    accepted += frames.length
    refused += decoder.droppedFrames
  }
  agree(t, requests, board(requests), ours)
  t.ok(accepted > 8_000 && refused > 8_000, `${accepted} frames accepted, ${refused} dropped`)
})

t.test('both sides accept the same contents without COBS', { skip }, async t => {
  const contents = sample(
    fc.oneof(
      content,
      fc.tuple(content, change).map(([content, how]) => changed(content, how)),
      short,
    ),
    12_000,
  )
  const requests = contents.map(content => `content ${hex(content)}`)
  agree(
    t,
    requests,
    board(requests),
    contents.map(content => ({ accepted: decodeContent(content).ok })),
  )
})

interface Answer {
  readonly type: number
  readonly seq: number
  readonly body: string
}

/** What the board says of the form of a request; whatever else it says means the form is right. */
function formVerdict({ answers }: { answers: readonly Answer[] }): string {
  const err = answers.find(answer => answer.type === messageTypes.ERR && answer.seq === 2)
  const [code, , low, high] = Buffer.from(err?.body ?? '', 'hex')
  if (code === errorCodes.UNSUPPORTED) return 'UNSUPPORTED'
  if (code === errorCodes.BAD_LENGTH) return `BAD_LENGTH ${(low ?? 0) | ((high ?? 0) << 8)}`
  return 'a message'
}

function gatewayVerdict(type: number, body: Uint8Array): string {
  const message = decodeHostMessage(type, body)
  if (message.ok) return 'a message'
  const { fault } = message
  if (fault.error === 'BAD_ARGUMENT') return 'a message'
  return fault.error === 'BAD_LENGTH' ? `BAD_LENGTH ${fault.expectedBytes}` : fault.error
}

const fixedSizes = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 13, 14, 15, 16, 17, 18, 19, 20, 21, 31, 32, 33, 34, 41, 46, 64, 255, 256, 4096,
]
const refusedFill = (type: number, body: Uint8Array) =>
  type === messageTypes.FILL && body.length >= 3 && body[2] !== 3 && body[2] !== 4

function requestBodies(): (readonly [type: number, body: Uint8Array])[] {
  const all = Array.from({ length: 64 }, (_, type) =>
    fixedSizes.flatMap(size => sample(bytes(size, size), 4).map(body => [type, body] as const)),
  ).flat()
  const known = Object.values(messageTypes)
  const random = sample(fc.tuple(fc.constantFrom(...known), bytes(0, 80)), 6_000)
  const fills = sample(bytes(0, 6), 400).map(
    value => [messageTypes.FILL, Uint8Array.of(1, 0, 3 + (value.length % 2), ...value)] as const,
  )
  const hellos = sample(bytes(0, 12), 400).map(
    tail => [messageTypes.HELLO, Uint8Array.of(1, 1, 0, 16, 0, ...tail)] as const,
  )
  return [...all, ...random, ...fills, ...hellos]
}

t.test(
  'both sides judge the form of every request alike, whatever its type and length',
  { skip },
  async t => {
    const cases = requestBodies().filter(
      ([type, body]) => type !== messageTypes.ERR && !refusedFill(type, body),
    )
    const requests = cases.map(([type, body]) => `message ${type} ${hex(body)}`)
    const answers = board(requests) as { answers: Answer[] }[]
    const loose = (verdict: string, type: number | undefined) =>
      type === messageTypes.COPY ? verdict.replace(/ \d+$/, '') : verdict
    agree(
      t,
      requests,
      answers.map((answer, at) => loose(formVerdict(answer), cases[at]?.[0])),
      cases.map(([type, body]) => loose(gatewayVerdict(type, body), type)),
    )
    const said = answers.flatMap(({ answers }) => answers)
    t.ok(said.length > 10_000, `${said.length} answers`)
    t.same(
      said.filter(({ type, body }) => {
        const message = decodeBoardMessage(type, Buffer.from(body, 'hex'))
        return !message.ok || hex(encodeBoardMessage(message.value)) !== body
      }),
      [],
      'every answer of the board is a message of the board, to the byte',
    )
  },
)

t.test('the board refuses FILL for its channels, and is silent on ERR', { skip }, async t => {
  const cases = requestBodies().filter(([type, body]) => refusedFill(type, body) || type === messageTypes.ERR)
  const answers = board(cases.map(([type, body]) => `message ${type} ${hex(body)}`)) as {
    answers: Answer[]
  }[]
  agree(
    t,
    cases.map(([type, body]) => `message ${type} ${hex(body)}`),
    answers.map(({ answers }) => answers.map(({ body }) => body)),
    cases.map(([type]) => (type === messageTypes.ERR ? [] : ['11310200'])),
  )
})

t.test('both sides refuse a HELLO whose last TLV runs past its end (SPEC §2.2)', { skip }, async t => {
  const requests = ['message 1 010100100001', 'message 1 01010010000105aa']
  agree(
    t,
    requests,
    (board(requests) as { answers: Answer[] }[]).map(formVerdict),
    requests.map(request => gatewayVerdict(messageTypes.HELLO, Buffer.from(request.slice(10), 'hex'))),
  )
})

const limits = { leds: 300, codecs: 0b111, decodeBytes: 5000, blockBytes: 4000 }
const entry = fc.record({
  crc32: u32,
  storedBytes: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 1, max: 4000 }) },
    { weight: 1, arbitrary: u16 },
  ),
  codec: fc.oneof({ weight: 20, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: u8 }),
  frames: fc.oneof(
    { weight: 30, arbitrary: fc.integer({ min: 1, max: 255 }) },
    { weight: 1, arbitrary: fc.constant(0) },
  ),
})
const manifest = fc
  .record({
    kind: fc.nat(1),
    leds: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 300 }) }, { weight: 1, arbitrary: u16 }),
    channels: fc.integer({ min: 3, max: 4 }),
    decodeBytes: fc.oneof({ weight: 9, arbitrary: fc.nat(5000) }, { weight: 1, arbitrary: u32 }),
    mac: bytes(0, 20),
    name: fc.string({ maxLength: 10 }),
    generation: u32,
    blocks: fc.array(entry, { minLength: 1, maxLength: 12 }),
  })
  .map(({ kind, leds, channels, blocks: entries, ...rest }) => {
    const pattern = kind === manifestKinds.pattern
    const blocks = pattern ? entries : entries.map(entry => ({ ...entry, codec: 0, frames: 0 }))
    const frames = blocks.reduce((sum, { frames }) => sum + frames, 0)
    const imageBytes = blocks.reduce((sum, { storedBytes }) => sum + storedBytes, 0)
    const decodedBytes = pattern ? Math.min(frames * leds * channels, 0xffffffff) : imageBytes
    const geometry = pattern ? { leds, channels, frames } : { leds: 0, channels: 0, frames: 0 }
    const constant = { width: 0, height: 0, colorOrder: 0, loopCount: 0, peakMa: 0, macType: 0 }
    return encodeManifest({
      ...rest,
      ...constant,
      ...geometry,
      kind,
      blocks,
      imageBytes,
      decodedBytes,
      sha256: new Uint8Array(32),
    })
  })

/** Only what the gateway refuses beyond SPEC §10.3 is wrong with it. */
function strictOnly(bytes: Uint8Array): boolean {
  const mended = Buffer.from(bytes)
  const [, kind] = mended
  const view = new DataView(mended.buffer, mended.byteOffset, mended.length)
  if (kind === manifestKinds.pattern)
    view.setUint32(8, (view.getUint32(12, true) * view.getUint16(16, true) * (mended[22] ?? 0)) >>> 0, true)
  else {
    view.setUint32(8, view.getUint32(4, true), true)
    for (let at = 104 + 6; at < 104 + 8 * view.getUint16(2, true) && at < mended.length; at += 8)
      mended[at] = 0
  }
  return decodeManifest(mended).ok
}

t.test('both sides accept and refuse the same manifests', { skip }, async t => {
  const flip = fc.record({
    at: fc.oneof(fc.nat(40), fc.nat(400)),
    how: fc.nat(9).map(n => (n < 8 ? 0 : n - 6)),
    byte: fc.oneof(u8, fc.nat(4)),
  })
  // Fields that decide alone, one step to either side of their limits.
  const edge = fc.record({
    at: fc.constantFrom(0, 1, 2, 3, 16, 17, 22, 27, 34, 38, 38),
    how: fc.constant(0),
    byte: fc.constantFrom(0, 1, 2, 3, 4, 5, 31, 32, 33, 44, 45, 255),
  })
  const cases = sample(
    fc.oneof(
      manifest,
      fc.tuple(manifest, edge).map(([manifest, how]) => changed(manifest, how)),
      fc.tuple(manifest, flip).map(([manifest, how]) => changed(manifest, how)),
      bytes(0, 160),
    ),
    10_000,
  )
  const requests = cases.map(
    manifest =>
      `manifest ${limits.leds} ${limits.codecs} ${limits.decodeBytes} ${limits.blockBytes} ${hex(manifest)}`,
  )
  const codes = (board(requests) as { code: number }[]).map(({ code }) => code)
  let accepted = 0
  let stricter = 0
  const differing = cases.flatMap((bytes, at) => {
    const read = decodeManifest(bytes)
    const ours = read.ok && refuseManifest(read.value, limits) === undefined
    const theirs = codes[at] === 0
    if (theirs) accepted++
    if (ours === theirs) return []
    stricter++
    return theirs && !read.ok && strictOnly(bytes)
      ? []
      : [{ request: requests[at], board: codes[at], gateway: read }]
  })
  t.same(differing.slice(0, 5), [])
  t.ok(
    accepted > 1_500 && accepted < 9_000,
    `${accepted} accepted by the board, ${stricter} of them refused by the gateway`,
  )
})

const decodable = fc
  .record({
    leds: fc.integer({ min: 1, max: 20 }),
    channels: fc.integer({ min: 3, max: 4 }),
    delays: fc.array(fc.oneof(fc.constant(40), fc.constant(20), u32), { minLength: 1, maxLength: 9 }),
    colours: fc.array(u32, { minLength: 1, maxLength: 4 }),
    turns: fc.array(fc.nat(9), { minLength: 1, maxLength: 9 }),
    codecs: fc.constantFrom(1, 2, 4, 8, 15),
  })
  .map(({ leds, channels, delays, colours, turns, codecs }) => {
    const pixels = Uint8Array.from({ length: leds * channels * delays.length }, (_, at) => {
      const pixel = Math.floor(at / channels)
      const colour = colours[(turns[pixel % turns.length] ?? 0) % colours.length] ?? 0
      return (colour >>> (8 * (at % channels))) & 0xff
    })
    const { codec, stored } = encodeBlock(pixels, delays, { leds, channels, codecs, decodeBytes: 65_536 })
    return { codec, stored, leds, channels, frames: delays.length }
  })
const noise = fc.record({
  codec: fc.nat(5),
  stored: bytes(1, 40).map(bytes => Uint8Array.from([2, 9, ...bytes])),
  leds: fc.integer({ min: 1, max: 6 }),
  channels: fc.integer({ min: 3, max: 4 }),
  frames: fc.integer({ min: 1, max: 3 }),
})
const bent = fc
  .tuple(decodable, change)
  .map(([block, how]) => ({ ...block, stored: changed(block.stored, how) }))
  .filter(({ stored }) => stored.length > 0)

t.test('both sides decode the same blocks to the same pixels and delays', { skip }, async t => {
  const cases = sample(fc.oneof(decodable, bent, noise), 15_000)
  const requests = cases.map(
    ({ codec, leds, channels, frames, stored }) =>
      `block ${codec} ${leds} ${channels} ${frames} ${hex(stored)}`,
  )
  let whole = 0
  const theirs = (board(requests) as { code: number; delays?: number[]; pixels?: string }[]).map(
    ({ code, delays, pixels }) => (code === 0 ? { delays, pixels } : 'refused'),
  )
  const ours = cases.map(({ codec, stored, frames, leds, channels }) => {
    const block = decodeBlock(codec, stored, frames, leds, channels)
    if (!block.ok) return 'refused'
    whole++
    return { delays: block.value.delaysMs, pixels: hex(block.value.pixels) }
  })
  agree(t, requests, theirs, ours)
  t.ok(whole > 4_000 && whole < 14_000, `${whole} of ${cases.length} were whole`)
})
