import { encodeBoardMessage, encodeCaps, encodeHostMessage } from '../../src/protocol/message-codec.ts'
import { type BoardMessage, type Caps, type HostMessage, messageTypes } from '../../src/protocol/messages.ts'
import { counting, hex, plain, unhex } from './hex.ts'
import { refusedMessages } from './refused-messages.ts'

const id = counting(16, 0x10)
const key = counting(16, 0x20)
const zeroId = new Uint8Array(16)

const fromHost: readonly (readonly [name: string, message: HostMessage])[] = [
  ['HELLO opens a session', { type: 'HELLO', minVersion: 1, maxVersion: 1, hostMaxBody: 4096, page: 0 }],
  [
    'HELLO asks for a further page',
    { type: 'HELLO', minVersion: 1, maxVersion: 3, hostMaxBody: 64, page: 2 },
  ],
  ['PROBE', { type: 'PROBE' }],
  ['SETBAUD', { type: 'SETBAUD', baud: 2_000_000 }],
  ['LINKTEST', { type: 'LINKTEST', bytes: counting(20) }],
  ['LINKTEST without bytes', { type: 'LINKTEST', bytes: new Uint8Array(0) }],
  [
    'BEGIN, the board chooses',
    {
      type: 'BEGIN',
      id,
      manifestBytes: 304,
      manifestCrc: 0xdeadbeef,
      imageBytes: 123_456,
      blocks: 25,
      slot: 255,
      fresh: false,
    },
  ],
  [
    'BEGIN afresh in slot 1',
    { type: 'BEGIN', id, manifestBytes: 112, manifestCrc: 1, imageBytes: 1, blocks: 1, slot: 1, fresh: true },
  ],
  ['HAVEQ opens a segment', { type: 'HAVEQ', start: true, firstSeq: 0xfff0, bodyBytes: 1024, from: 0 }],
  ['HAVEQ reads a page', { type: 'HAVEQ', start: false, firstSeq: 7, bodyBytes: 32, from: 4096 }],
  ['DATA', { type: 'DATA', bytes: counting(32, 0xf0) }],
  ['COPY of one run', { type: 'COPY', runs: [{ slot: 0, oldBlock: 3, newBlock: 4, count: 60 }] }],
  [
    'COPY of two runs',
    {
      type: 'COPY',
      runs: [
        { slot: 0, oldBlock: 0, newBlock: 0, count: 2 },
        { slot: 1, oldBlock: 300, newBlock: 2, count: 1 },
      ],
    },
  ],
  ['VERIFY with SHA-256', { type: 'VERIFY', alg: 0, key: zeroId, expected: zeroId }],
  ['VERIFY with SipHash', { type: 'VERIFY', alg: 1, key, expected: id }],
  ['ACTIVATE', { type: 'ACTIVATE', slot: 1, id, trialSeconds: 3600 }],
  ['CONFIRM', { type: 'CONFIRM', slot: 1, id }],
  ['ROLLBACK', { type: 'ROLLBACK' }],
  ['ABORT', { type: 'ABORT', id }],
  ['BLOCKS', { type: 'BLOCKS', slot: 0, from: 510 }],
  ['LIST', { type: 'LIST', slot: 2 }],
  ['DELETE', { type: 'DELETE', slot: 2, id }],
  ['SELECT', { type: 'SELECT', slot: 0, id }],
  ['BRIGHTNESS', { type: 'BRIGHTNESS', level: 128 }],
  ['PLAY', { type: 'PLAY' }],
  ['STOP', { type: 'STOP' }],
  ['NEXT', { type: 'NEXT' }],
  ['PREVIOUS', { type: 'PREVIOUS' }],
  ['STATUS', { type: 'STATUS' }],
  ['IDENTIFY', { type: 'IDENTIFY', ms: 5000 }],
  ['REBOOT', { type: 'REBOOT' }],
  ['SETID', { type: 'SETID', uuid: id }],
  ['FRAME shown', { type: 'FRAME', holdMs: 1000, offset: 768, show: true, bytes: counting(12) }],
  ['FRAME not shown', { type: 'FRAME', holdMs: 0, offset: 0, show: false, bytes: new Uint8Array(0) }],
  ['FILL with three channels', { type: 'FILL', holdMs: 2000, value: unhex('ff8000') }],
  ['FILL with four channels', { type: 'FILL', holdMs: 0, value: unhex('000000ff') }],
]

const caps: Caps = {
  version: 1,
  paired: true,
  transferOpen: false,
  trialRunning: true,
  uuid: id,
  bootId: 70_000,
  maxBody: 1024,
  rxBuffer: 4096,
  lineRateBaud: 2_000_000,
  window: 8192,
  codecs: 0b1111,
  digests: 0b11,
  macs: 1,
  slots: 2,
  slotsFree: 1,
  slotBytes: 1_048_576,
  decodeBytes: 16_384,
  leds: 256,
  width: 16,
  height: 16,
  blockBytes: 16_448,
  maxBaud: 4_000_000,
  maxPowerMa: 2500,
  firmwareName: 'pixelgate',
  firmwareVersion: '1.0.0',
  boardName: 'Büro',
}

const capsRecords: readonly (readonly [name: string, caps: Caps])[] = [
  ['all names', caps],
  [
    'no names and nothing known',
    {
      ...caps,
      paired: false,
      trialRunning: false,
      transferOpen: true,
      uuid: zeroId,
      lineRateBaud: 0,
      width: 0,
      height: 0,
      maxBaud: 0,
      maxPowerMa: 0,
      firmwareName: '',
      firmwareVersion: '',
      boardName: '',
    },
  ],
  ['a name of 32 bytes', { ...caps, boardName: 'abcdefghijklmnopqrstuvwxyz012345' }],
]

const ack = { next: 0xfffe, bitmap: 0x80000005, credit: 4096, durable: 17 }
const fromBoard: readonly (readonly [name: string, message: BoardMessage])[] = [
  ['CAPS on one page', { type: 'CAPS', page: 0, pages: 1, bytes: encodeCaps(caps) }],
  [
    'CAPS, the second of three pages',
    { type: 'CAPS', page: 1, pages: 3, bytes: encodeCaps(caps).slice(62, 80) },
  ],
  ['ERR', { type: 'ERR', code: 7, requestType: messageTypes.BEGIN, detail: 1024 }],
  ['BUSY', { type: 'BUSY', requestType: messageTypes.VERIFY, percent: 40, moreMs: 600 }],
  ['BUSY without a measure', { type: 'BUSY', requestType: messageTypes.BEGIN, percent: 255, moreMs: 65535 }],
  ['ECHO', { type: 'ECHO', ...ack }],
  ['ACK', { type: 'ACK', ...ack }],
  ['SETBAUD', { type: 'SETBAUD', baud: 500_000 }],
  ['LINKTEST', { type: 'LINKTEST', bytes: counting(20) }],
  ['BEGIN fresh', { type: 'BEGIN', slot: 1, state: 0 }],
  ['BEGIN complete', { type: 'BEGIN', slot: 0, state: 2 }],
  [
    'HAVE of a segment at the manifest',
    {
      type: 'HAVE',
      start: true,
      firstSeq: 100,
      bodyBytes: 128,
      block: 0xffff,
      offset: 0,
      missing: 25,
      from: 0,
      bitmap: new Uint8Array(0),
    },
  ],
  [
    'HAVE with a bitmap',
    {
      type: 'HAVE',
      start: true,
      firstSeq: 200,
      bodyBytes: 128,
      block: 3,
      offset: 0,
      missing: 20,
      from: 0,
      bitmap: unhex('f8ffff00'),
    },
  ],
  [
    'HAVE with nothing missing',
    {
      type: 'HAVE',
      start: false,
      firstSeq: 200,
      bodyBytes: 128,
      block: 25,
      offset: 0,
      missing: 0,
      from: 0,
      bitmap: unhex('00000000'),
    },
  ],
  ['COPY', { type: 'COPY', copied: 61, failed: 1 }],
  [
    'VERIFY with SHA-256',
    { type: 'VERIFY', alg: 0, manifestCrc: 0xdeadbeef, imageBytes: 123_456, digest: counting(32) },
  ],
  [
    'VERIFY with SipHash',
    { type: 'VERIFY', alg: 1, manifestCrc: 0xdeadbeef, imageBytes: 123_456, digest: counting(16) },
  ],
  ['ACTIVATE', { type: 'ACTIVATE', slot: 1, id, trialSeconds: 60 }],
  ['CONFIRM', { type: 'CONFIRM', slot: 1, id }],
  ['ROLLBACK', { type: 'ROLLBACK', slot: 255 }],
  ['ABORT', { type: 'ABORT', id }],
  [
    'BLOCKS',
    {
      type: 'BLOCKS',
      slot: 0,
      from: 2,
      total: 4,
      entries: [
        { crc32: 0xcbf43926, storedBytes: 65535, codec: 2, frames: 21 },
        { crc32: 1, storedBytes: 1, codec: 0, frames: 255 },
      ],
    },
  ],
  ['BLOCKS beyond the last', { type: 'BLOCKS', slot: 0, from: 4, total: 4, entries: [] }],
  [
    'LIST of a verified slot',
    {
      type: 'LIST',
      slots: 2,
      slot: 0,
      state: 2,
      active: true,
      trial: false,
      id,
      imageBytes: 123_456,
      frames: 300,
      leds: 256,
      blocks: 25,
      name: 'Feuer 🔥',
    },
  ],
  [
    'LIST of an empty slot',
    {
      type: 'LIST',
      slots: 2,
      slot: 1,
      state: 0,
      active: false,
      trial: false,
      id: zeroId,
      imageBytes: 0,
      frames: 0,
      leds: 0,
      blocks: 0,
      name: '',
    },
  ],
  ['DELETE', { type: 'DELETE', slot: 2, id }],
  ['SELECT', { type: 'SELECT', slot: 0, id }],
  ['BRIGHTNESS', { type: 'BRIGHTNESS', level: 255 }],
  ['PLAY', { type: 'PLAY', slot: 0, playing: true }],
  ['STOP', { type: 'STOP', slot: 0, playing: false }],
  ['NEXT', { type: 'NEXT', slot: 1, playing: true }],
  ['PREVIOUS', { type: 'PREVIOUS', slot: 0, playing: true }],
  [
    'STATUS',
    {
      type: 'STATUS',
      mode: 2,
      slot: 1,
      id,
      frame: 299,
      brightness: 200,
      transferOpen: true,
      trialSecondsLeft: 59,
      uptimeSeconds: 86_400,
      bootId: 70_000,
      framesReceived: 5_000_000,
      bytesDropped: 12,
      framesShown: 4_294_967_295,
    },
  ],
  ['IDENTIFY', { type: 'IDENTIFY', ms: 5000 }],
  ['REBOOT', { type: 'REBOOT' }],
  ['FRAME', { type: 'FRAME' }],
  ['FILL', { type: 'FILL' }],
  ['SETID', { type: 'SETID', uuid: id }],
  ['LOG', { type: 'LOG', text: 'flash: 3 sectors erased – ok' }],
]

const described = (
  direction: 'host' | 'board',
  name: string,
  message: HostMessage | BoardMessage,
  body: Uint8Array,
) => {
  const { type, ...fields } = message
  return { name, direction, message: type, type: messageTypes[type], body: hex(body), fields: plain(fields) }
}

/** firmware-protocol/vectors/messages.json */
export const messageVectors = () => ({
  messages: [
    ...fromHost.map(([name, message]) => described('host', name, message, encodeHostMessage(message))),
    ...fromBoard.map(([name, message]) => described('board', name, message, encodeBoardMessage(message))),
  ],
  lenient: [
    {
      name: 'HELLO with an unknown TLV',
      direction: 'host',
      message: 'HELLO',
      type: messageTypes.HELLO,
      body: '0101001000c80102',
      fields: { minVersion: 1, maxVersion: 1, hostMaxBody: 4096, page: 0 },
    },
    {
      name: 'HAVEQ with unknown flags',
      direction: 'host',
      message: 'HAVEQ',
      type: messageTypes.HAVEQ,
      body: 'ff010040000000',
      fields: { start: true, firstSeq: 1, bodyBytes: 64, from: 0 },
    },
  ],
  invalid: refusedMessages(
    fromHost.map(([, message]) => message),
    fromBoard.map(([, message]) => message),
  ),
  caps: capsRecords.map(([name, fields]) => ({
    name,
    record: hex(encodeCaps(fields)),
    fields: plain(fields),
  })),
})
