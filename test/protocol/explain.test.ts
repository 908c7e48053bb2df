import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { explainFrame } from '../../src/protocol/explain.ts'
import { encodeContent, encodeFrame } from '../../src/protocol/frame.ts'
import { encodeBoardMessage } from '../../src/protocol/message-codec.ts'
import { messageTypes } from '../../src/protocol/messages.ts'

const vectorFile = (name: string) => new URL(`../../firmware-protocol/vectors/${name}.json`, import.meta.url)
const nothing = new Uint8Array(0)
const probe = encodeFrame(messageTypes.PROBE, 5, 300, nothing)
const problemsOf = (bytes: Uint8Array) =>
  explainFrame(bytes)
    .flatMap(({ problems }) => problems)
    .join(' ')

t.test('a sound frame is named with its header, its direction and its fields', async t => {
  const baud = encodeFrame(messageTypes.SETBAUD, 5, 7, Uint8Array.of(0x80, 0x84, 0x1e, 0))
  t.match(explainFrame(baud), [
    {
      offset: 0,
      sizeBytes: baud.length,
      encoding: 'cobs',
      problems: [],
      header: { version: 1, type: 7, name: 'SETBAUD', session: 5, seq: 7, bodyBytes: 4 },
      readings: [{ direction: 'either way', message: { type: 'SETBAUD', baud: 2_000_000 } }],
    },
  ])
  t.match(explainFrame(probe), [{ readings: [{ direction: 'host → board' }], problems: [] }])
  const ack = encodeFrame(messageTypes.ACK, 5, 7, new Uint8Array(10))
  t.match(explainFrame(ack), [{ readings: [{ direction: 'board → host', message: { next: 0 } }] }])
})

t.test(
  'it takes frames without COBS, without a delimiter, and several at once with their places',
  async t => {
    const plain = encodeContent(messageTypes.PROBE, 5, 300, nothing)
    t.match(explainFrame(plain), [{ encoding: 'plain', header: { name: 'PROBE' }, problems: [] }])
    t.match(explainFrame(probe.subarray(0, -1)), [
      { header: { name: 'PROBE' }, problems: [/No 0x00 ends the frame/] },
    ])
    const both = Buffer.concat([Uint8Array.of(0, 0), probe, Uint8Array.of(9, 9, 0), probe])
    t.match(
      explainFrame(both).map(({ offset, sizeBytes }) => [offset, sizeBytes]),
      [
        [2, 10],
        [12, 3],
        [15, 10],
      ],
    )
  },
)

t.test('it says what is wrong', async t => {
  t.strictSame(explainFrame(nothing), [])
  t.match(problemsOf(Uint8Array.of(9, 1, 2, 0)), /COBS code points past the end/)
  t.match(problemsOf(Uint8Array.of(3, 1, 2, 0)), /8 bytes or more; here are 2/)
  const wrong = Uint8Array.from(encodeContent(messageTypes.DATA, 5, 300, new Uint8Array(4).fill(7)))
  wrong[5] = 8
  t.match(explainFrame(wrong), [{ encoding: 'plain', header: { name: 'DATA', seq: 300 }, readings: [] }])
  t.match(problemsOf(wrong), /CRC is wrong: the bytes give 0x[0-9a-f]{8}, the frame says 0x[0-9a-f]{8}/)
  t.match(
    problemsOf(encodeFrame(messageTypes.DATA, 5, 1, new Uint8Array(4097))),
    /4096 bytes at most; here are 4097/,
  )
  t.match(problemsOf(encodeFrame(messageTypes.PROBE, 5, 1, nothing, 2)), /version is 2/)
  t.match(problemsOf(encodeFrame(0x3f, 5, 1, nothing)), /Type 0x3f is not in version 1/)
  t.match(problemsOf(encodeFrame(messageTypes.TIME, 5, 1, nothing)), /TIME is reserved/)
  t.match(problemsOf(encodeFrame(messageTypes.BEGIN, 5, 1, nothing)), /should have 32 or 2 bytes; here are 0/)
  const digest = Buffer.concat([Uint8Array.of(2), new Uint8Array(40)])
  t.match(problemsOf(encodeFrame(messageTypes.VERIFY, 5, 1, digest)), /Byte 0 of the body of VERIFY/)
})

t.test('an error is told in words, and capabilities on one page are read', async t => {
  const refusal = encodeBoardMessage({ type: 'ERR', code: 7, requestType: messageTypes.BEGIN, detail: 128 })
  t.match(explainFrame(encodeFrame(messageTypes.ERR, 5, 1, refusal)), [
    { readings: [{ direction: 'board → host', note: /TOO_LARGE for BEGIN .*128 KiB/ }] },
  ])
  const { messages } = JSON.parse(readFileSync(vectorFile('messages'), 'utf8'))
  const caps = messages.find(({ name }: { name: string }) => name === 'CAPS on one page')
  const body = Buffer.from(caps.body, 'hex')
  t.match(explainFrame(encodeFrame(messageTypes.CAPS, 5, 1, body)), [
    { readings: [{ caps: { leds: 256, paired: true, firmwareName: 'pixelgate' } }] },
  ])
  const withoutCaps = (changed: Uint8Array) =>
    t.equal(explainFrame(encodeFrame(messageTypes.CAPS, 5, 1, changed))[0]?.readings[0]?.caps, undefined)
  withoutCaps(body.subarray(0, 40))
  withoutCaps(Uint8Array.from(body).fill(2, 1, 2))
})

t.test('every frame and message of the vectors is explained without a problem', async t => {
  const read = (file: string) => JSON.parse(readFileSync(vectorFile(file), 'utf8'))
  for (const { name, type, body, direction } of read('messages').messages) {
    const [explanation, ...more] = explainFrame(encodeFrame(type, 1, 1, Buffer.from(body, 'hex')))
    t.equal(more.length, 0, name)
    t.strictSame(explanation?.problems, [], name)
    const from = direction === 'host' ? /host →|either/ : /board →|either/
    t.ok(
      explanation?.readings.some(reading => from.test(reading.direction)),
      name,
    )
  }
  for (const { name, wire } of read('frames').invalid)
    t.ok(
      explainFrame(Buffer.from(wire, 'hex')).every(({ problems }) => problems.length > 0),
      name,
    )
})

t.test('arbitrary bytes are explained, never an exception', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => void problemsOf(bytes)),
    { numRuns: 1000 },
  )
})
