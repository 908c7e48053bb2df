import { encodeFrame } from '../../src/protocol/frame.ts'
import { decodeCaps } from '../../src/protocol/message-codec.ts'
import { messageTypes } from '../../src/protocol/messages.ts'
import { errorCodes } from '../../src/protocol/wire-errors.ts'
import { counting, unhex } from './hex.ts'
import { Recorder, recordedBoard } from './recorder.ts'

const uuid = counting(16, 0xa0)
const nothing = new Uint8Array(0)

export function greet(recorder: Recorder): void {
  const page = { minVersion: 1, maxVersion: 1, hostMaxBody: 4096, page: 0 }
  recorder.ask({ type: 'HELLO', ...page }, { type: 'CAPS', page: 0, pages: 1 })
}

function capabilitiesInPages() {
  const recorder = new Recorder('capabilities in pages of 62 bytes, then on one page')
  const pages: Uint8Array[] = []
  const hello = (page: number, hostMaxBody: number, count: number) => {
    const [caps] = recorder.ask(
      { type: 'HELLO', minVersion: 1, maxVersion: 1, hostMaxBody, page },
      { type: 'CAPS', page, pages: count },
    )
    if (caps?.type === 'CAPS' && 'bytes' in caps) pages.push(caps.bytes)
  }
  hello(0, 64, 2)
  hello(1, 64, 2)
  const record = decodeCaps(Buffer.concat(pages))
  const { leds, maxBody, codecs, firmwareName, boardName } = recordedBoard
  const expected = {
    version: 1,
    leds,
    maxBody,
    codecs,
    firmwareName,
    boardName,
    bootId: 1,
    slots: 2,
    slotsFree: 2,
  }
  for (const [name, value] of Object.entries(expected))
    if (!record.ok || record.value[name as keyof typeof expected] !== value)
      throw new Error(`CAPS: ${name} is not ${value}`)
  recorder.session = 2
  hello(0, 4096, 1)
  return recorder.finish()
}

function strangers() {
  const recorder = new Recorder('frames outside a session are answered by NO_SESSION, once in 20 ms')
  const refused = {
    type: 'ERR',
    code: errorCodes.NO_SESSION,
    requestType: messageTypes.STATUS,
    detail: 1,
  } as const
  recorder.ask({ type: 'STATUS' }, refused)
  recorder.ask({ type: 'STATUS' })
  recorder.advance(20)
  recorder.ask({ type: 'STATUS' }, refused)
  greet(recorder)
  recorder.ask({ type: 'STATUS' }, { type: 'STATUS', bootId: 1, mode: 0 })
  recorder.session = 9
  recorder.advance(20)
  recorder.ask({ type: 'STATUS' }, refused)
  return recorder.finish()
}

function versions() {
  const recorder = new Recorder('versions that do not meet')
  const refused = { type: 'ERR', code: errorCodes.BAD_VERSION, detail: 1 } as const
  const page = { hostMaxBody: 64, page: 0 }
  recorder.ask(
    { type: 'HELLO', minVersion: 2, maxVersion: 3, ...page },
    { ...refused, requestType: messageTypes.HELLO },
  )
  greet(recorder)
  recorder.raw(encodeFrame(messageTypes.STATUS, recorder.session, 77, nothing, 2))
  recorder.expect({ ...refused, requestType: messageTypes.STATUS })
  return recorder.finish()
}

function identity() {
  const recorder = new Recorder('a board without a UUID takes one, once')
  greet(recorder)
  recorder.ask({ type: 'SETID', uuid }, { type: 'SETID', uuid })
  recorder.ask({ type: 'SETID', uuid }, { type: 'SETID', uuid })
  const other = { type: 'SETID', uuid: counting(16, 1) } as const
  recorder.ask(other, { type: 'ERR', code: errorCodes.BAD_STATE, requestType: messageTypes.SETID })
  recorder.session = 2
  greet(recorder)
  return recorder.finish()
}

function requests() {
  const recorder = new Recorder('requests that need no storage')
  greet(recorder)
  recorder.ask({ type: 'PROBE' }, { type: 'ECHO', bitmap: 0, durable: 0 })
  recorder.ask({ type: 'LINKTEST', bytes: counting(40) }, { type: 'LINKTEST', bytes: counting(40) })
  recorder.ask({ type: 'LINKTEST', bytes: nothing }, { type: 'LINKTEST', bytes: nothing })
  recorder.ask({ type: 'BRIGHTNESS', level: 100 }, { type: 'BRIGHTNESS', level: 100 })
  recorder.ask({ type: 'IDENTIFY', ms: 10 }, { type: 'IDENTIFY', ms: 10 })
  recorder.ask({ type: 'STATUS' }, { type: 'STATUS', mode: 3, brightness: 100, transferOpen: false })
  recorder.ask({ type: 'FILL', holdMs: 50, value: unhex('ff0000') }, { type: 'FILL' })
  recorder.ask({ type: 'FRAME', holdMs: 50, offset: 0, show: true, bytes: counting(12) }, { type: 'FRAME' })
  recorder.ask(
    { type: 'LIST', slot: 1 },
    { type: 'LIST', slots: 2, slot: 1, state: 0, active: false, name: '' },
  )
  recorder.ask({ type: 'ROLLBACK' }, { type: 'ROLLBACK', slot: 255 })
  return recorder.finish()
}

function refusals() {
  const recorder = new Recorder('requests that are refused')
  greet(recorder)
  const refused = (name: keyof typeof errorCodes, requestType: number, detail?: number) => ({
    type: 'ERR' as const,
    code: errorCodes[name],
    requestType,
    ...(detail === undefined ? {} : { detail }),
  })
  const raw = (type: number, body: Uint8Array) =>
    recorder.raw(encodeFrame(type, recorder.session, 900 + type, body))
  for (const type of [0x3e, messageTypes.PAIR, messageTypes.TIME, messageTypes.TEST]) {
    raw(type, nothing)
    recorder.expect(refused('UNSUPPORTED', type))
  }
  raw(messageTypes.STATUS, Uint8Array.of(1))
  recorder.expect(refused('BAD_LENGTH', messageTypes.STATUS, 0))
  raw(messageTypes.BEGIN, new Uint8Array(31))
  recorder.expect(refused('BAD_LENGTH', messageTypes.BEGIN, 32))
  const id = counting(16)
  recorder.ask({ type: 'BLOCKS', slot: 0, from: 0 }, refused('NOT_FOUND', messageTypes.BLOCKS))
  recorder.ask(
    { type: 'ACTIVATE', slot: 0, id, trialSeconds: 60 },
    refused('NOT_VERIFIED', messageTypes.ACTIVATE),
  )
  recorder.ask({ type: 'CONFIRM', slot: 0, id }, refused('BAD_STATE', messageTypes.CONFIRM))
  const begin = {
    type: 'BEGIN',
    id,
    manifestBytes: 112,
    manifestCrc: 0,
    imageBytes: 1_000_000,
    blocks: 1,
    slot: 255,
    fresh: false,
  } as const
  recorder.ask(begin, refused('TOO_LARGE', messageTypes.BEGIN))
  return recorder.finish()
}

function noise() {
  const recorder = new Recorder('noise is dropped without an answer')
  greet(recorder)
  const probe = encodeFrame(messageTypes.PROBE, recorder.session, 500, nothing)
  recorder.raw(unhex('c35a1109ff00'))
  recorder.expect()
  recorder.raw(Buffer.concat([unhex('00000000'), probe]))
  recorder.expect({ type: 'ECHO' })
  const damaged = Uint8Array.from(probe)
  damaged[2] = (damaged[2] ?? 0) ^ 0x40
  recorder.raw(damaged)
  recorder.raw(new Uint8Array(600).fill(0x33))
  recorder.expect()
  recorder.advance(20)
  recorder.ask({ type: 'STATUS' }, { type: 'STATUS', framesReceived: 3 })
  return recorder.finish()
}

/** firmware-protocol/vectors/handshake.json */
export const handshakeVectors = () => ({
  cases: [capabilitiesInPages(), strangers(), versions(), identity(), requests(), refusals(), noise()],
})
