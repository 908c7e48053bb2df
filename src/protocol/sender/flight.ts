import type { AckState } from '../messages.ts'
import type { Piece } from './segment.ts'

/** A DATA frame on its way. */
export interface Sent {
  readonly seq: number
  readonly piece: Piece
  readonly wireBytes: number
  /** Place of its latest transmission in the order of all transmissions. */
  readonly order: number
  readonly sentAtMs: number
  readonly repeated: boolean
}

export interface AckOutcome {
  readonly delivered: readonly Sent[]
  readonly lost: readonly Sent[]
}

const nothing: AckOutcome = { delivered: [], lost: [] }

/** Signed distance from b to a on the 16-bit circle. */
export const seqDistance = (a: number, b: number): number => ((a - b) << 16) >> 16

/**
 * The frames on the line. A byte stream is first-in-first-out, so what was sent before something that arrived, and did
 * not arrive, is lost (SPEC §5.7); no timer is needed to know.
 */
export class Flight {
  readonly #sent = new Map<number, Sent>()
  #order = 0
  wireBytes = 0

  get size(): number {
    return this.#sent.size
  }

  add(seq: number, piece: Piece, wireBytes: number, nowMs: number, repeated: boolean): void {
    this.#sent.set(seq, { seq, piece, wireBytes, order: this.#order++, sentAtMs: nowMs, repeated })
    this.wireBytes += wireBytes
  }

  /** A mark in the order of transmissions: a PROBE stands here. */
  mark(): number {
    return this.#order++
  }

  /** Applies an ACK; `passedMark` is the mark of the PROBE that this state answers, if any. */
  acknowledge(ack: AckState, passedMark = -1): AckOutcome {
    if (this.#sent.size === 0) return nothing
    const delivered: Sent[] = []
    let newest = passedMark
    for (const sent of this.#sent.values()) {
      if (!isAcknowledged(sent.seq, ack)) continue
      delivered.push(sent)
      newest = Math.max(newest, sent.order)
    }
    for (const sent of delivered) this.#remove(sent)
    const lost: Sent[] = []
    for (const sent of this.#sent.values()) if (sent.order < newest) lost.push(sent)
    for (const sent of lost) this.#remove(sent)
    lost.sort((a, b) => seqDistance(a.seq, b.seq))
    return { delivered, lost }
  }

  #remove(sent: Sent): void {
    this.#sent.delete(sent.seq)
    this.wireBytes -= sent.wireBytes
  }
}

/** The board says that it has this frame (SPEC §5.5). */
export function isAcknowledged(seq: number, { next, bitmap }: AckState): boolean {
  const ahead = seqDistance(seq, next)
  return ahead < 0 || (ahead > 0 && ahead <= 32 && ((bitmap >>> (ahead - 1)) & 1) === 1)
}
