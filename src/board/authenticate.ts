import { randomBytes } from 'node:crypto'
import { AppError } from '../kernel/errors.ts'
import { type MacType, proofsOf, sameTag, tagBytes } from '../protocol/pairing.ts'
import type { BoardSession } from './session.ts'

/** A session in which both sides have proved that they hold the key. */
export interface ProvenSession {
  readonly mac: MacType
  readonly key: Uint8Array
  readonly hostProof: Uint8Array
  /** Highest that was active on the board under the key (SPEC §9.7). */
  readonly generation: number
}

/**
 * Challenge and proofs of both sides (SPEC §9.4). Resolves with undefined when the board does not prove that it has the key;
 * then nothing was said that could help it. Rejects when the session ends meanwhile.
 */
export async function authenticate(
  session: BoardSession,
  mac: MacType,
  key: Uint8Array,
): Promise<ProvenSession | undefined> {
  const hostNonce = new Uint8Array(randomBytes(tagBytes))
  const said = await answered(session.request({ type: 'PAIR', op: 'challenge', mac, nonce: hostNonce }))
  if (said?.type !== 'PAIR' || said.op !== 'challenge' || said.mac !== mac) return undefined
  const { nonce: boardNonce, generation, proof } = said
  const caps = { ...session.caps, uuid: session.uuid, paired: true }
  const proofs = proofsOf(key, { mac, session: session.number, hostNonce, boardNonce, generation, caps })
  if (!sameTag(proofs.board, proof)) return undefined
  const believed = await answered(session.request({ type: 'PAIR', op: 'prove', proof: proofs.host }))
  if (believed?.type !== 'PAIR' || believed.op !== 'prove') return undefined
  return { mac, key, hostProof: proofs.host, generation }
}

/** undefined: the board refuses. */
const answered = <T>(request: Promise<T>): Promise<T | undefined> =>
  request.catch((thrown: unknown) => {
    if (thrown instanceof AppError && thrown.code === 'board_refused') return undefined
    throw thrown
  })
