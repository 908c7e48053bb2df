import { crc32 } from '../../src/protocol/crc32.ts'
import type { BuiltImage } from '../../src/protocol/image.ts'
import { buildOpaqueImage } from '../../src/protocol/image.ts'
import { decodeManifest, transferId } from '../../src/protocol/manifest.ts'
import { decodeCaps } from '../../src/protocol/message-codec.ts'
import { messageTypes } from '../../src/protocol/messages.ts'
import {
  changeOfKey,
  clearingProof,
  type MacType,
  macTypes,
  type Proofs,
  proofsOf,
  sealOf,
} from '../../src/protocol/pairing.ts'
import { errorCodes } from '../../src/protocol/wire-errors.ts'
import { counting, hex } from './hex.ts'
import { Recorder, recordedBoard } from './recorder.ts'

const uuid = counting(16, 0xa0)
const key = counting(16, 0x31)
const otherKey = counting(16, 0x51)
const noProof = new Uint8Array(16)
const unauthorized = (name: keyof typeof messageTypes) => ({
  type: 'ERR' as const,
  code: errorCodes.UNAUTHORIZED,
  requestType: messageTypes[name],
  detail: 0,
})
const bad = (name: keyof typeof errorCodes, detail = 0) => ({
  type: 'ERR' as const,
  code: errorCodes[name],
  requestType: messageTypes.PAIR,
  detail,
})

function greet(recorder: Recorder) {
  const page = { minVersion: 1, maxVersion: 1, hostMaxBody: 4096, page: 0 }
  const [said] = recorder.ask({ type: 'HELLO', ...page }, { type: 'CAPS', page: 0, pages: 1 })
  const caps = decodeCaps(said?.type === 'CAPS' ? said.bytes : new Uint8Array(0))
  if (!caps.ok) throw new Error('CAPS cannot be read')
  return caps.value
}

/** HELLO and CHALLENGE; checks the board's proof. */
function challenge(recorder: Recorder, mac: MacType, under: Uint8Array, hostNonce: Uint8Array): Proofs {
  const caps = greet(recorder)
  const [said] = recorder.ask(
    { type: 'PAIR', op: 'challenge', mac, nonce: hostNonce },
    { type: 'PAIR', op: 'challenge', mac },
  )
  if (said?.type !== 'PAIR' || said.op !== 'challenge') throw new Error('no answer to CHALLENGE')
  const { nonce: boardNonce, generation, proof } = said
  const proofs = proofsOf(under, { mac, session: recorder.session, hostNonce, boardNonce, generation, caps })
  if (hex(proofs.board) !== hex(proof)) throw new Error('the board does not prove itself as SPEC §9.3 says')
  return proofs
}

const pair = (recorder: Recorder) => {
  greet(recorder)
  recorder.ask({ type: 'SETID', uuid }, { type: 'SETID' })
  recorder.ask({ type: 'PAIR', op: 'set', key, proof: noProof }, { type: 'PAIR', op: 'set' })
}

const board = { ...recordedBoard, macs: 3 }

function life(mac: MacType, name: string) {
  const recorder = new Recorder(`a key is given, proved, changed and taken back (${name})`, board)
  greet(recorder)
  recorder.ask({ type: 'PAIR', op: 'challenge', mac, nonce: counting(16) }, bad('BAD_STATE'))
  recorder.ask({ type: 'PAIR', op: 'set', key, proof: noProof }, bad('BAD_STATE'))
  recorder.ask({ type: 'SETID', uuid }, { type: 'SETID', uuid })
  recorder.ask({ type: 'PAIR', op: 'set', key: noProof, proof: noProof }, bad('BAD_ARGUMENT', 1))
  recorder.ask({ type: 'PAIR', op: 'set', key, proof: noProof }, { type: 'PAIR', op: 'set' })
  recorder.ask({ type: 'BRIGHTNESS', level: 3 }, unauthorized('BRIGHTNESS'))
  recorder.ask({ type: 'STATUS' }, { type: 'STATUS' })
  recorder.session = 2
  const first = challenge(recorder, mac, key, counting(16, 1))
  recorder.ask({ type: 'PAIR', op: 'prove', proof: first.host }, { type: 'PAIR', op: 'prove' })
  recorder.ask({ type: 'BRIGHTNESS', level: 3 }, { type: 'BRIGHTNESS', level: 3 })
  const change = changeOfKey(mac, key, first.host, otherKey)
  recorder.ask({ type: 'PAIR', op: 'set', ...change }, { type: 'PAIR', op: 'set' })
  recorder.ask({ type: 'BRIGHTNESS', level: 4 }, unauthorized('BRIGHTNESS'))
  recorder.session = 3
  const second = challenge(recorder, mac, otherKey, counting(16, 2))
  recorder.ask({ type: 'PAIR', op: 'prove', proof: first.host }, unauthorized('PAIR'))
  recorder.ask({ type: 'PAIR', op: 'prove', proof: second.host }, unauthorized('PAIR'))
  const third = challenge(recorder, mac, otherKey, counting(16, 2))
  recorder.ask({ type: 'PAIR', op: 'prove', proof: third.host }, { type: 'PAIR', op: 'prove' })
  recorder.ask({ type: 'PAIR', op: 'clear', proof: second.host }, unauthorized('PAIR'))
  const proof = clearingProof(mac, otherKey, third.host)
  recorder.ask({ type: 'PAIR', op: 'clear', proof }, { type: 'PAIR', op: 'clear' })
  recorder.ask({ type: 'BRIGHTNESS', level: 5 }, { type: 'BRIGHTNESS', level: 5 })
  return recorder.finish()
}

/** An opaque image of one block under the key, or under none. */
function sealed(mac: MacType | undefined, generation: number): Omit<BuiltImage, 'blocks'> {
  const built = buildOpaqueImage(
    counting(40, generation),
    'sealed',
    { codecs: 1, decodeBytes: 0, blockBytes: 4096 },
    generation,
  )
  if (!built.ok) throw new Error('no image')
  if (mac === undefined) return built.value
  const fields = decodeManifest(built.value.manifest)
  if (!fields.ok) throw new Error('no manifest')
  const manifest = sealOf(mac, key, uuid).manifest(fields.value)
  return { ...built.value, manifest, id: transferId(manifest) }
}

function send(recorder: Recorder, image: Omit<BuiltImage, 'blocks'>, seq: number) {
  const { id, manifest, image: bytes } = image
  const sizes = {
    manifestBytes: manifest.length,
    manifestCrc: crc32(manifest),
    imageBytes: bytes.length,
    blocks: 1,
  }
  recorder.ask({ type: 'BEGIN', id, ...sizes, slot: 255, fresh: false }, { type: 'BEGIN', state: 0 })
  const start = { type: 'HAVEQ', start: true, bodyBytes: 256, from: 0 } as const
  recorder.ask({ ...start, firstSeq: seq }, { type: 'HAVE', missing: 1 })
  recorder.send({ type: 'DATA', bytes: manifest }, seq)
  return () => {
    recorder.expect({ type: 'ACK', durable: 0 })
    recorder.ask({ ...start, firstSeq: seq + 40 }, { type: 'HAVE', block: 0 })
    recorder.send({ type: 'DATA', bytes }, seq + 40)
    recorder.expect({ type: 'ACK', durable: 1 })
    const none = new Uint8Array(16)
    recorder.ask({ type: 'VERIFY', alg: 0, key: none, expected: none }, { type: 'VERIFY', alg: 0 })
    const [listed] = recorder.ask({ type: 'LIST', slot: 0 }, { type: 'LIST', slot: 0 })
    const slot = listed?.type === 'LIST' && hex(listed.id) === hex(id) ? 0 : 1
    recorder.ask({ type: 'ACTIVATE', slot, id, trialSeconds: 9 }, { type: 'ACTIVATE', slot })
    recorder.ask({ type: 'CONFIRM', slot, id }, { type: 'CONFIRM', slot })
  }
}

function manifests(mac: MacType, name: string) {
  const recorder = new Recorder(`manifests that a paired board takes and refuses (${name})`, board)
  const refused = (code: keyof typeof errorCodes, seq: number) => {
    const err = { type: 'ERR' as const, code: errorCodes[code], requestType: messageTypes.BEGIN, detail: 0 }
    recorder.expect(err, { type: 'ACK' })
    recorder.ask({ type: 'HAVEQ', start: true, firstSeq: seq + 40, bodyBytes: 256, from: 0 }, err)
  }
  pair(recorder)
  recorder.session = 2
  const { host } = challenge(recorder, mac, key, counting(16, 9))
  recorder.ask({ type: 'PAIR', op: 'prove', proof: host }, { type: 'PAIR', op: 'prove' })
  send(recorder, sealed(undefined, 6), 100)
  refused('UNAUTHORIZED', 100)
  send(recorder, sealed(mac, 5), 200)()
  send(recorder, sealed(mac, 4), 300)
  refused('OLD_GENERATION', 300)
  send(recorder, sealed(mac, 7), 400)()
  recorder.session = 3
  challenge(recorder, mac, key, counting(16, 10))
  return recorder.finish()
}

/** firmware-protocol/vectors/pairing.json */
export const pairingVectors = () => ({
  cases: [
    life(macTypes.sipHash, 'SipHash'),
    life(macTypes.hmac, 'HMAC'),
    manifests(macTypes.sipHash, 'SipHash'),
    manifests(macTypes.hmac, 'HMAC'),
  ],
})
