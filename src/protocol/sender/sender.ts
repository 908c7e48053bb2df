import { wireBytes } from '../frame.ts'
import { encodeHostMessage } from '../message-codec.ts'
import { type BoardMessage, messageTypes } from '../messages.ts'
import { errorCodes } from '../wire-errors.ts'
import { BodySize } from './body-size.ts'
import {
  type Answer,
  conversation,
  type Have,
  type Notebook,
  type Phase,
  type SenderFault,
  type SenderOutcome,
  type Step,
  type TransferPlan,
} from './conversation.ts'
import { seqDistance } from './flight.ts'
import { PendingRequest } from './request.ts'
import { RttEstimator } from './rtt.ts'
import { blockStarts, manifestBlock, pieces } from './segment.ts'
import { type Outgoing, Stream } from './stream.ts'

/** No valid frame for so long: the board is mute (SPEC §2.3). */
const muteMs = 5000
/** SPEC §5.2. */
const smallestBody = 32

export interface SenderOptions {
  readonly plan: TransferPlan
  /** Bits a second of the line; undefined where nothing paces (TCP). */
  readonly baudRate: number | undefined
  /** Upper bound of DATA bodies, beside the board's. */
  readonly maxBody: number
  /** False keeps the body size as it is, whatever the line does. */
  readonly adaptBody: boolean
  /** Blocks that the board called durable in an earlier session, from the job's checkpoint. */
  readonly durableBefore: number
  /** First seq that no DATA of this session has used (SPEC §5.2). */
  readonly firstDataSeq: number
  /** Next free seq for a request in this session. */
  readonly takeSeq: () => number
  readonly nowMs: number
}

export interface SenderProgress {
  readonly phase: Phase
  readonly blocks: number
  readonly durableBlocks: number
  readonly imageBytes: number
  /** Bytes of the image that the board has acknowledged. */
  readonly doneBytes: number
  /** Bytes of the image that this run has brought to the board: sent and acknowledged, each counted once. */
  readonly payloadBytes: number
  readonly copiedBytes: number
  readonly retransmittedBytes: number
  readonly resentBlocks: number
  readonly resumed: boolean
  readonly bodyBytes: number
  readonly srttMs: number | undefined
  /** First image DATA to last ACK, ms; the time that the share of the line counts. */
  readonly streamMs: number
}

/**
 * The host's side of one upload as a machine without I/O or clock: frames go in by `receive`, come out by `poll`, and
 * `deadlineMs` says when to poll again at the latest. The same inputs give the same outputs, so a simulation can
 * run it in virtual time. Demand comes from ACK and HAVE alike (SPEC §5.9).
 */
export class Sender {
  readonly #options: SenderOptions
  readonly #rtt = new RttEstimator()
  readonly #notes: Notebook
  readonly #talk: Generator<Step, SenderOutcome, Answer>
  readonly #starts: readonly number[]
  readonly #bytesPerMs: number | undefined
  #request: PendingRequest | undefined
  #busy = false
  #stream: Stream | undefined
  #streamIsImage = false
  /** First seq of the segment that the board has opened last. */
  #openedSeq: number | undefined
  /** A segment that the board has opened by itself while something else was asked. */
  #pulled: Have | undefined
  #heardMs: number
  #totals = { payloadBytes: 0, retransmittedBytes: 0 }
  #firstDataMs: number | undefined
  #lastAckMs: number | undefined
  outcome: SenderOutcome | undefined

  constructor(options: SenderOptions) {
    const { plan, baudRate, maxBody, durableBefore, nowMs } = options
    this.#options = options
    this.#heardMs = nowMs
    this.#bytesPerMs = baudRate === undefined ? undefined : baudRate / 10_000
    this.#starts = blockStarts(plan.payload.blocks)
    this.#notes = {
      phase: 'preparing',
      bodySize: new BodySize(Math.min(maxBody, plan.caps.maxBody), options.adaptBody),
      nextDataSeq: options.firstDataSeq,
      durable: durableBefore,
      resentBlocks: 0,
      heldBytes: 0,
      copiedBytes: 0,
      resumed: false,
    }
    this.#talk = conversation(plan, this.#notes)
    this.#take(this.#talk.next(), nowMs)
  }

  /** First seq that no DATA of this session has used, for the next transfer. */
  get nextDataSeq(): number {
    return this.#stream?.nextSeq ?? this.#notes.nextDataSeq
  }

  receive(seq: number, message: BoardMessage, nowMs: number): void {
    if (this.outcome !== undefined) return
    this.#heardMs = nowMs
    switch (message.type) {
      case 'ACK':
        this.#stream?.onAck(message, nowMs)
        return this.#afterAck(nowMs)
      case 'ECHO':
        this.#stream?.onEcho(seq, message, nowMs)
        return this.#afterAck(nowMs)
      case 'BUSY':
        if (this.#request?.seq !== seq) return
        this.#busy = true
        return this.#request.busy(message.moreMs, nowMs)
      case 'ERR':
        return this.#onError(seq, message, nowMs)
      default:
        if (this.#request?.seq !== seq || replyType(this.#request.message.type) !== message.type)
          return message.type === 'HAVE' ? this.#onPull(message, nowMs) : undefined
        this.#request.answered(nowMs, this.#busy)
        this.#request = undefined
        if (message.type === 'HAVE' && message.start) {
          this.#openedSeq = message.firstSeq
          this.#pulled = undefined
        }
        this.#resume({ got: 'reply', message }, nowMs)
    }
  }

  /**
   * The board opens a segment by itself (SPEC §5.3): taken as if it had been asked. What comes late or twice names a segment
   * that is open or past, and means nothing.
   */
  #onPull(have: Have, nowMs: number): void {
    const { caps } = this.#options.plan
    const largest = Math.min(this.#options.maxBody, caps.maxBody)
    const fits = have.bodyBytes >= smallestBody && have.bodyBytes <= largest
    const isPast = have.firstSeq === this.#openedSeq || seqDistance(have.firstSeq, this.nextDataSeq) < 0
    if (!have.start || have.from !== 0 || !fits || isPast) return
    this.#openedSeq = have.firstSeq
    const request = this.#request
    if (request?.message.type === 'HAVEQ' && request.message.start) {
      this.#request = undefined
      this.#resume({ got: 'pulled', have }, nowMs)
    } else if (this.#stream !== undefined) this.#endStream({ got: 'pulled', have }, nowMs)
    else if (request !== undefined) this.#pulled = have
  }

  /** The next frame to send, or undefined when there is nothing to send before `deadlineMs`. */
  poll(nowMs: number): Outgoing | undefined {
    if (this.outcome !== undefined) return undefined
    if (nowMs - this.#heardMs > muteMs) return this.#end({ kind: 'mute' })
    const request = this.#request
    if (request !== undefined) {
      if (request.overdue(nowMs)) return this.#end({ kind: 'stalled' })
      if (!request.takeDue(nowMs)) return undefined
      return {
        type: messageTypes[request.message.type],
        seq: request.seq,
        body: encodeHostMessage(request.message),
      }
    }
    const stream = this.#stream
    if (stream === undefined) return undefined
    if (stream.stalled(nowMs)) {
      if (!this.#streamIsImage) return this.#end({ kind: 'stalled' })
      this.#endStream({ got: 'stalled' }, nowMs)
      return this.poll(nowMs)
    }
    if (nowMs >= stream.deadlineMs()) stream.expire(nowMs)
    return stream.poll(nowMs)
  }

  /** Absolute ms at which `poll` is to be called even if nothing arrives; Infinity at the end. */
  deadlineMs(): number {
    if (this.outcome !== undefined) return Number.POSITIVE_INFINITY
    const due = this.#request?.deadlineMs() ?? this.#stream?.deadlineMs() ?? Number.POSITIVE_INFINITY
    return Math.min(due, this.#heardMs + muteMs + 1)
  }

  progress(): SenderProgress {
    const notes = this.#notes
    const { payload } = this.#options.plan
    const running = this.#streamIsImage ? this.#stream : undefined
    const imageBytes = payload.image.length
    const finished = notes.phase === 'verifying' || notes.phase === 'trial' || notes.phase === 'confirmed'
    return {
      phase: notes.phase,
      blocks: payload.blocks.length,
      durableBlocks: finished ? payload.blocks.length : notes.durable,
      imageBytes,
      doneBytes: finished
        ? imageBytes
        : Math.min(imageBytes, notes.heldBytes + (running?.counts.deliveredBytes ?? 0)),
      payloadBytes: this.#totals.payloadBytes + (running?.counts.deliveredBytes ?? 0),
      copiedBytes: notes.copiedBytes,
      retransmittedBytes: this.#totals.retransmittedBytes + (this.#stream?.counts.retransmittedBytes ?? 0),
      resentBlocks: notes.resentBlocks,
      resumed: notes.resumed,
      bodyBytes: notes.bodySize.current,
      srttMs: this.#rtt.srttMs,
      streamMs: Math.max(
        0,
        (running?.lastAckMs ?? this.#lastAckMs ?? 0) - (this.#firstDataMs ?? running?.firstDataMs ?? 0),
      ),
    }
  }

  #afterAck(nowMs: number): void {
    const stream = this.#stream
    if (stream === undefined) return
    if (this.#streamIsImage && stream.durable !== undefined)
      this.#notes.durable = Math.max(this.#notes.durable, stream.durable)
    if (stream.complete) this.#endStream({ got: 'delivered' }, nowMs)
    else if (stream.wantsResize) this.#endStream({ got: 'resize' }, nowMs)
  }

  #onError(seq: number, refusal: Extract<BoardMessage, { type: 'ERR' }>, nowMs: number): void {
    if (refusal.code === errorCodes.NO_SESSION) return void this.#end({ kind: 'session_lost' })
    if (this.#request?.seq === seq && answers(refusal.requestType, this.#request.message.type)) {
      if (refusal.code === errorCodes.BUSY) return this.#request.busy(refusal.detail, nowMs)
      this.#request = undefined
      return this.#resume({ got: 'refusal', refusal }, nowMs)
    }
    // The manifest is judged when it is complete, so its refusal comes unasked (SPEC §4.5).
    if (this.#stream !== undefined && refusal.requestType === messageTypes.BEGIN)
      this.#endStream({ got: 'refusal', refusal }, nowMs)
  }

  #endStream(answer: Answer, nowMs: number): void {
    const stream = this.#stream
    if (stream === undefined) return
    this.#notes.nextDataSeq = stream.nextSeq
    this.#totals.retransmittedBytes += stream.counts.retransmittedBytes
    if (this.#streamIsImage) {
      this.#totals.payloadBytes += stream.counts.deliveredBytes
      this.#firstDataMs ??= stream.firstDataMs
      this.#lastAckMs = stream.lastAckMs ?? this.#lastAckMs
      this.#notes.heldBytes += stream.counts.deliveredBytes
    }
    this.#stream = undefined
    this.#resume(answer, nowMs)
  }

  #resume(answer: Answer, nowMs: number): void {
    this.#take(this.#talk.next(answer), nowMs)
  }

  #take(step: IteratorResult<Step, SenderOutcome>, nowMs: number): void {
    if (step.done === true) {
      this.outcome = step.value
      return
    }
    const { plan, takeSeq, adaptBody } = this.#options
    if (step.value.do === 'request') {
      this.#busy = false
      this.#request = new PendingRequest(step.value.message, takeSeq(), this.#rtt, this.#frameMs(), nowMs)
      return
    }
    const { start, firstSeq, fixed } = step.value
    const pulled = this.#pulled
    this.#pulled = undefined
    if (pulled !== undefined && pulled.firstSeq !== firstSeq)
      return this.#resume({ got: 'pulled', have: pulled }, nowMs)
    this.#streamIsImage = start.block !== manifestBlock
    this.#stream = new Stream({
      pieces: pieces(plan.payload, this.#starts, start),
      firstSeq,
      windowBytes: this.#windowBytes(),
      bytesPerMs: this.#bytesPerMs,
      rtt: this.#rtt,
      bodySize: this.#notes.bodySize,
      mayResize: adaptBody && !fixed,
      takeSeq,
      nowMs,
    })
  }

  /** SPEC §3.3: a board that cannot follow the line gets no more than it can hold. */
  #windowBytes(): number {
    const { caps } = this.#options.plan
    const follows = this.#options.baudRate === undefined || this.#options.baudRate <= caps.lineRateBaud
    return follows ? caps.window : Math.min(caps.window, caps.rxBuffer)
  }

  #frameMs(): number {
    return this.#bytesPerMs === undefined ? 0 : wireBytes(64) / this.#bytesPerMs
  }

  #end(fault: SenderFault): undefined {
    this.outcome = { ok: false, fault }
    return undefined
  }
}

const replyTypes: Partial<Record<string, BoardMessage['type']>> = {
  HELLO: 'CAPS',
  PROBE: 'ECHO',
  HAVEQ: 'HAVE',
  DATA: 'ACK',
}
const replyType = (request: string): string => replyTypes[request] ?? request

/** A manifest that was refused is refused again in answer to each HAVEQ, in the name of BEGIN (SPEC §4.5). */
const answers = (requestType: number, request: keyof typeof messageTypes): boolean =>
  messageTypes[request] === requestType || (request === 'HAVEQ' && requestType === messageTypes.BEGIN)
