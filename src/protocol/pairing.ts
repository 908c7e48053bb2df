import { createHmac, timingSafeEqual } from 'node:crypto'
import { encodeManifest, type Manifest } from './manifest.ts'
import { encodeCapsRecord } from './message-codec.ts'
import type { Caps } from './messages.ts'
import { sipHash128 } from './siphash.ts'

/** SPEC §10.2, `MAC type`; those that a pairing key serves. */
export const macTypes = { sipHash: 1, hmac: 2 } as const
export type MacType = (typeof macTypes)[keyof typeof macTypes]

/** Bytes of a key, a nonce, a proof and a MAC. */
export const tagBytes = 16

/** First byte of what is authenticated: a tag of one use is worth nothing for another (SPEC §9.3). */
const labels = { board: 1, host: 2, set: 3, mask: 4, clear: 5, manifest: 6, digest: 7 } as const

/** The strongest MAC that a board offers (SPEC §3.2), or undefined: it cannot be paired. */
export function chooseMac(macs: number): MacType | undefined {
  if ((macs & 2) !== 0) return macTypes.hmac
  return (macs & 1) !== 0 ? macTypes.sipHash : undefined
}

/** MAC of 16 bytes over a label and the parts (SPEC §9.3). */
function tag(type: MacType, key: Uint8Array, label: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = Buffer.concat([Uint8Array.of(label), ...parts])
  if (type === macTypes.sipHash) return sipHash128(key, bytes)
  return new Uint8Array(createHmac('sha256', key).update(bytes).digest().subarray(0, tagBytes))
}

/** In a time that does not depend on where they differ. */
export const sameTag = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && timingSafeEqual(a, b)

/** What both sides have said of a session; their proofs are over all of it (SPEC §9.3). */
export interface Transcript {
  readonly mac: MacType
  readonly session: number
  readonly hostNonce: Uint8Array
  readonly boardNonce: Uint8Array
  readonly generation: number
  readonly caps: Caps
}

export interface Proofs {
  /** What a board that has the key answers. */
  readonly board: Uint8Array
  /** What shows the board that the host has it. */
  readonly host: Uint8Array
}

export function proofsOf(key: Uint8Array, said: Transcript): Proofs {
  const { mac, session, hostNonce, boardNonce, generation, caps } = said
  const head = Uint8Array.of(mac, session)
  const floor = new Uint8Array(4)
  new DataView(floor.buffer).setUint32(0, generation, true)
  // What may change within a session is left out.
  const record = encodeCapsRecord({ ...caps, transferOpen: false, trialRunning: false, slotsFree: 0 })
  const parts = [head, hostNonce, floor, boardNonce, record]
  return { board: tag(mac, key, labels.board, ...parts), host: tag(mac, key, labels.host, ...parts) }
}

/** A new key for a board that has one: covered, and proved by the old one. `hostProof` is that of the session. */
export function changeOfKey(mac: MacType, old: Uint8Array, hostProof: Uint8Array, key: Uint8Array) {
  const mask = tag(mac, old, labels.mask, hostProof)
  const covered = key.map((byte, at) => byte ^ (mask[at] ?? 0))
  return { key: covered, proof: tag(mac, old, labels.set, hostProof, covered) }
}

/** Proves to a board that its key may go. */
export const clearingProof = (mac: MacType, key: Uint8Array, hostProof: Uint8Array): Uint8Array =>
  tag(mac, key, labels.clear, hostProof)

/** A key as an upload needs it; whoever holds this cannot read the key. */
export interface Seal {
  /** The manifest with its MAC (SPEC §10.2), encoded. */
  readonly manifest: (fields: Manifest) => Uint8Array
  /** Key of a digest over the image of that transfer (SPEC §7.1). */
  readonly digestKey: (id: Uint8Array, key: Uint8Array) => Uint8Array
}

export function sealOf(mac: MacType, key: Uint8Array, uuid: Uint8Array): Seal {
  return {
    manifest: fields => {
      const blank = encodeManifest({ ...fields, macType: mac, mac: new Uint8Array(tagBytes) })
      const covered = blank.subarray(0, blank.length - tagBytes)
      return Buffer.concat([covered, tag(mac, key, labels.manifest, uuid, covered)])
    },
    digestKey: (id, said) => tag(mac, key, labels.digest, id, said),
  }
}
