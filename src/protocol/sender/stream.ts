import { wireBytes } from '../frame.ts'
import { type AckState, messageTypes } from '../messages.ts'
import type { BodySize } from './body-size.ts'
import { Flight, isAcknowledged, type Sent, seqDistance } from './flight.ts'
import type { RttEstimator } from './rtt.ts'
import type { Piece } from './segment.ts'

/** A frame that wants to be sent; the session adds version, session and CRC. */
export interface Outgoing {
  readonly type: number
  readonly seq: number
  readonly body: Uint8Array
}

/** Frames beyond the cumulative point that a board takes (SPEC §5.5). */
const reorderFrames = 33
/** Nothing new acknowledged for so long, though the board answers: it will not come to an end. */
const stalledMs = 30_000
/** So many rounds of repetitions in a row may be lost by chance; a board that takes none of more is not to be flooded. */
const barrenRounds = 3
/** More than this on a line only adds delay: an event loop's longest usual pause, and the adapter's latency, fit in. */
const lineAheadMs = 250

/**
 * Where frames are lost often, a repetition must not wait behind a full queue: the board takes no frame further than
 * `reorderFrames` beyond a gap, so a gap that needs several repetitions would stop the line.
 */
const lossyAheadFrames = 12
/** But never so little that the line falls idle between two turns of the event loop. */
const lossyAheadMs = 10

export interface StreamOptions {
  readonly pieces: Iterator<Piece, undefined>
  readonly firstSeq: number
  readonly windowBytes: number
  /** Speed of the line, bytes a ms; undefined where nothing paces (TCP). */
  readonly bytesPerMs: number | undefined
  readonly rtt: RttEstimator
  readonly bodySize: BodySize
  readonly mayResize: boolean
  readonly takeSeq: () => number
  readonly nowMs: number
}

export interface StreamCounts {
  deliveredBytes: number
  retransmittedBytes: number
  retransmittedFrames: number
}

/**
 * One segment on its way (SPEC §5): keeps the line full within the board's credit, infers losses from the order of
 * arrival, asks with PROBE when nothing is heard. No I/O and no clock: time comes in, frames are polled out.
 */
export class Stream {
  readonly #options: StreamOptions
  readonly #flight = new Flight()
  #repeat: Sent[] = []
  readonly #probes = new Map<number, { mark: number; sentAtMs: number }>()
  #upcoming: Piece | undefined
  #credit: number
  #next: number
  #expiries = 0
  #sinceMs: number
  #progressMs: number
  #probeWanted = false
  #resizing = false
  #markedOrder = -1
  #lastOrder = -1
  #repeatedLast = false
  /** Rounds in a row in which something was lost and nothing delivered. */
  #barren = 0
  /** Nothing is sent before, after such rounds. */
  #restUntilMs: number | undefined
  readonly counts: StreamCounts = {
    deliveredBytes: 0,
    retransmittedBytes: 0,
    retransmittedFrames: 0,
  }
  nextSeq: number
  durable: number | undefined
  firstDataMs: number | undefined
  lastAckMs: number | undefined

  constructor(options: StreamOptions) {
    this.#options = options
    this.#credit = options.windowBytes
    this.#next = options.firstSeq
    this.#sinceMs = options.nowMs
    this.#progressMs = options.nowMs
    this.nextSeq = options.firstSeq
    this.#advance()
  }

  /** Every byte of the segment was acknowledged. */
  get complete(): boolean {
    return this.#upcoming === undefined && this.#repeat.length === 0 && this.#flight.size === 0
  }

  /**
   * Another body size would pay, and nothing is under way any more that a new segment would forget (SPEC §5.2): the
   * caller opens one. Where hardly a frame gets through, what is lost is not waited for.
   */
  get wantsResize(): boolean {
    const { mayResize, bodySize } = this.#options
    this.#resizing ||= mayResize && bodySize.best() !== bodySize.current
    return this.#resizing && this.#flight.size === 0 && (this.#repeat.length === 0 || bodySize.hopeless)
  }

  stalled(nowMs: number): boolean {
    return nowMs - this.#progressMs > stalledMs
  }

  /** The next frame to send now, if the window and the line admit one. */
  poll(nowMs: number): Outgoing | undefined {
    if (this.#restUntilMs !== undefined) return undefined
    if (this.#probeWanted) return this.#probe(nowMs)
    const again = this.#resizing && this.#options.bodySize.hopeless ? undefined : this.#repeat[0]
    if (again !== undefined) {
      if (!this.#admits(again.piece)) return undefined
      this.#repeat.shift()
      this.counts.retransmittedBytes += again.wireBytes
      this.counts.retransmittedFrames++
      return this.#data(again.seq, again.piece, nowMs, true)
    }
    const piece = this.#resizing ? undefined : this.#upcoming
    if (piece === undefined) {
      // The end of the stream has nothing behind it to reveal a loss, so a PROBE stands there.
      if (this.#flight.size > 0 && this.#markedOrder < this.#lastOrder) return this.#probe(nowMs)
      return undefined
    }
    if (seqDistance(this.nextSeq, this.#next) >= reorderFrames) {
      // Nothing new may follow the repetition that fills the gap, so a PROBE must tell whether it was lost as well.
      return this.#repeatedLast && this.#markedOrder < this.#lastOrder ? this.#probe(nowMs) : undefined
    }
    if (!this.#admits(piece)) return undefined
    const seq = this.nextSeq
    this.nextSeq = (seq + 1) & 0xffff
    this.#advance()
    return this.#data(seq, piece, nowMs, false)
  }

  onAck(ack: AckState, nowMs: number): void {
    this.#apply(ack, nowMs, -1)
  }

  onEcho(seq: number, ack: AckState, nowMs: number): void {
    const probe = this.#probes.get(seq)
    if (probe === undefined) return
    this.#probes.clear()
    this.#options.rtt.sample(nowMs - probe.sentAtMs)
    this.#expiries = 0
    this.#apply(ack, nowMs, probe.mark)
  }

  /** When the stream wants `expire` called unless something happens before, absolute ms. */
  deadlineMs(): number {
    if (this.#restUntilMs !== undefined) return this.#restUntilMs
    const { rtt, bytesPerMs } = this.#options
    const onLineMs = bytesPerMs === undefined ? 0 : this.#flight.wireBytes / bytesPerMs
    return this.#sinceMs + onLineMs + rtt.streamTimeoutMs(this.#frameMs(), this.#expiries)
  }

  /** Called when `deadlineMs` has passed: asks the board instead of guessing, or goes on after a rest. */
  expire(nowMs: number): void {
    if (this.#restUntilMs !== undefined) {
      this.#restUntilMs = undefined
      this.#sinceMs = nowMs
      return
    }
    this.#expiries++
    this.#sinceMs = nowMs
    this.#probeWanted = true
  }

  #apply(ack: AckState, nowMs: number, passedMark: number): void {
    const further = seqDistance(ack.next, this.#next) > 0
    if (further) this.#next = ack.next
    this.#credit = ack.credit
    this.durable = ack.durable
    const { delivered: landed, lost } = this.#flight.acknowledge(ack, passedMark)
    // Where frames overtake each other, what was taken for lost may have arrived.
    const late = this.#repeat.filter(({ seq }) => isAcknowledged(seq, ack))
    if (late.length > 0) this.#repeat = this.#repeat.filter(sent => !late.includes(sent))
    const delivered = late.length === 0 ? landed : [...landed, ...late]
    const { bodySize, rtt } = this.#options
    let newest: Sent | undefined
    for (const sent of delivered) {
      bodySize.delivered(sent.wireBytes)
      this.counts.deliveredBytes += sent.piece.bytes.length
      if (!sent.repeated && (newest === undefined || sent.order > newest.order)) newest = sent
    }
    if (newest !== undefined) rtt.sample(nowMs - newest.sentAtMs)
    for (const sent of lost) bodySize.lost(sent.wireBytes)
    this.#repeat.push(...lost)
    if (further || delivered.length > 0) {
      this.#barren = 0
      this.#restUntilMs = undefined
    } else if (lost.length > 0 && ++this.#barren > barrenRounds) {
      const times = this.#barren - barrenRounds - 1
      this.#restUntilMs = nowMs + rtt.streamTimeoutMs(this.#frameMs(), times)
    }
    if (delivered.length === 0) return
    this.#expiries = 0
    this.#sinceMs = nowMs
    this.#progressMs = nowMs
    this.lastAckMs = nowMs
  }

  #admits(piece: Piece): boolean {
    const { windowBytes, bytesPerMs, bodySize } = this.#options
    const wire = wireBytes(piece.bytes.length)
    const onFlight = this.#flight.wireBytes
    const board = Math.min(this.#credit, windowBytes)
    if (onFlight + wire > board) return false
    if (bytesPerMs === undefined) return true
    const ahead = bodySize.lossy
      ? Math.max(lossyAheadFrames * wireBytes(bodySize.current), lossyAheadMs * bytesPerMs)
      : Math.max(4 * wireBytes(bodySize.current), lineAheadMs * bytesPerMs)
    return onFlight + wire <= ahead
  }

  #data(seq: number, piece: Piece, nowMs: number, repeated: boolean): Outgoing {
    this.firstDataMs ??= nowMs
    if (this.#flight.size === 0) this.#sinceMs = nowMs
    this.#flight.add(seq, piece, wireBytes(piece.bytes.length), nowMs, repeated)
    this.#lastOrder++
    this.#repeatedLast = repeated
    return { type: messageTypes.DATA, seq, body: piece.bytes }
  }

  #probe(nowMs: number): Outgoing {
    this.#probeWanted = false
    const seq = this.#options.takeSeq()
    this.#probes.set(seq, { mark: this.#flight.mark(), sentAtMs: nowMs })
    this.#lastOrder++
    this.#markedOrder = this.#lastOrder
    return { type: messageTypes.PROBE, seq, body: new Uint8Array(0) }
  }

  #frameMs(): number {
    const { bytesPerMs, bodySize } = this.#options
    return bytesPerMs === undefined ? 0 : wireBytes(bodySize.current) / bytesPerMs
  }

  #advance(): void {
    this.#upcoming = this.#options.pieces.next().value
  }
}
