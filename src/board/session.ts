import type { Clock, Timer } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { formatUuid } from '../kernel/ids.ts'
import { type RandomBytes, systemRandom } from '../kernel/random.ts'
import type { Frame } from '../protocol/frame.ts'
import { decodeBoardMessage, encodeHostMessage } from '../protocol/message-codec.ts'
import { type BoardMessage, type Caps, type HostMessage, messageTypes } from '../protocol/messages.ts'
import { PendingRequest } from '../protocol/sender/request.ts'
import { RttEstimator } from '../protocol/sender/rtt.ts'
import { Sender, type SenderOptions } from '../protocol/sender/sender.ts'
import { errorCodes, explainError } from '../protocol/wire-errors.ts'
import type { FrameChannel } from './frame-channel.ts'
import type { Greeting } from './handshake.ts'

/** SPEC §3.7. */
const heartbeatMs = 1000
/** SPEC §2.3. */
const muteMs = 5000
/** What the session puts into the link ahead of the kernel; more would only delay an answer to a change of mind. */
const aheadBytes = 64 * 1024
/** Commands that may wait for the board at once. */
const maxRequests = 32

type StatusMessage = Extract<BoardMessage, { type: 'STATUS' }>

interface Waiting {
  readonly request: PendingRequest
  readonly resolve: (message: BoardMessage) => void
  readonly reject: (error: Error) => void
}

/** One conversation with a board, from CAPS until the link breaks, the board restarts or falls silent. */
export class BoardSession {
  readonly channel: FrameChannel
  readonly caps: Caps
  uuid: Uint8Array
  readonly #clock: Clock
  readonly #session: number
  readonly #rtt = new RttEstimator()
  readonly #waiting = new Map<number, Waiting>()
  readonly #endListeners: ((error: AppError | undefined) => void)[] = []
  readonly #statusListeners: ((status: StatusMessage) => void)[] = []
  #seq: number
  #dataSeq = 0
  #sender: Sender | undefined
  /** The upload that the sender's frames belong to. */
  #job: string | undefined
  #senderChanged: () => void = () => undefined
  #stopTransfer: () => void = () => undefined
  #timer: Timer | undefined
  #heartbeat: Timer | undefined
  #ended: { error: AppError | undefined } | undefined

  constructor(channel: FrameChannel, greeting: Greeting, clock: Clock) {
    this.channel = channel
    this.caps = greeting.caps
    this.uuid = greeting.caps.uuid
    this.#clock = clock
    this.#session = greeting.session
    this.#seq = greeting.nextSeq
    channel.onFrame(frame => this.#onFrame(frame))
    channel.link.onDrain(() => this.#pump())
    this.#scheduleHeartbeat()
    channel.onClose(error =>
      this.#end(error ?? new AppError('link_lost', `${channel.link.address} was closed.`)),
    )
  }

  /** The board's UUID as text; all zero while it has none. */
  get id(): string {
    return formatUuid(this.uuid)
  }

  /** Its number in the header of every frame (SPEC §1.6). */
  get number(): number {
    return this.#session
  }

  /** Smoothed time from a request to its answer; undefined before the first. */
  get roundTripMs(): number | undefined {
    return this.#rtt.srttMs
  }

  get alive(): boolean {
    return this.#ended === undefined
  }

  /** What ended the session; undefined while it lives and after `end`. */
  get endError(): AppError | undefined {
    return this.#ended?.error
  }

  /** Called once, at once if the session has ended: with why, or undefined after `end`. */
  onEnd(listener: (error: AppError | undefined) => void): void {
    if (this.#ended !== undefined) listener(this.#ended.error)
    else this.#endListeners.push(listener)
  }

  /** Ends the session from this side; the link stays open. */
  end(): void {
    this.#end(undefined)
  }

  /** Gives a board without UUID one, for good (SPEC §3.4). */
  async assignUuid(uuid: Uint8Array = randomUuid(systemRandom)): Promise<void> {
    const reply = await this.request({ type: 'SETID', uuid })
    if (reply.type === 'SETID') this.uuid = reply.uuid.slice()
  }

  /** Hears each STATUS of the board: the heartbeat asks for one whenever the line is quiet for a second. */
  onStatus(listener: (status: StatusMessage) => void): void {
    this.#statusListeners.push(listener)
  }

  /** Sends a request until it is answered. Rejects with `board_refused`, or with what ended the session. */
  request(message: HostMessage): Promise<BoardMessage> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined)
        return reject(this.#ended.error ?? new AppError('link_lost', 'The session with the board has ended.'))
      if (this.#waiting.size >= maxRequests)
        return reject(
          new AppError('overloaded', 'Too many commands wait for this board. Try again in a moment.'),
        )
      const request = new PendingRequest(message, this.#takeSeq(), this.#rtt, 0, this.#clock.now())
      this.#waiting.set(request.seq, { request, resolve, reject })
      this.#pump()
    })
  }

  /** Sends PROBE once, whatever becomes of it; whoever asked listens for any frame. */
  probe(): void {
    this.#send(messageTypes.PROBE, this.#takeSeq(), new Uint8Array(0))
  }

  /** Runs one upload; resolves with the sender at its outcome. `changed` is called whenever its progress may have moved. */
  transfer(
    options: Omit<SenderOptions, 'takeSeq' | 'firstDataSeq' | 'nowMs' | 'baudRate'> & {
      readonly job?: string
    },
    changed: (sender: Sender) => void,
  ): Promise<Sender> {
    if (this.#sender !== undefined) throw new Error('one transfer at a time')
    const { baudRate } = this.channel.link
    const sender = new Sender({
      ...options,
      baudRate: baudRate ?? undefined,
      firstDataSeq: this.#dataSeq,
      takeSeq: () => this.#takeSeq(),
      nowMs: this.#clock.now(),
    })
    this.#sender = sender
    this.#job = options.job
    return new Promise(resolve => {
      const settle = () => {
        if (this.#sender !== sender) return
        this.#sender = undefined
        this.#dataSeq = sender.nextDataSeq
        this.#senderChanged = () => undefined
        this.#stopTransfer = () => undefined
        resolve(sender)
      }
      this.#stopTransfer = settle
      this.#senderChanged = () => {
        changed(sender)
        if (sender.outcome !== undefined) settle()
      }
      if (this.#ended !== undefined) settle()
      this.#pump()
    })
  }

  /** Stops a running transfer here; the board keeps what it holds. */
  stopTransfer(): void {
    this.#stopTransfer()
  }

  #takeSeq(): number {
    this.#seq = (this.#seq + 1) & 0xffff
    return this.#seq
  }

  #onFrame(frame: Frame): void {
    if (frame.session !== this.#session) return
    const decoded = decodeBoardMessage(frame.type, frame.body)
    if (!decoded.ok) return
    const message = decoded.value
    if (message.type === 'ERR' && message.code === errorCodes.NO_SESSION) {
      return this.#end(
        new AppError('board_reset', 'The board has restarted.', { detail: { bootId: message.detail } }),
      )
    }
    const waiting = this.#waiting.get(frame.seq)
    if (waiting !== undefined && this.#answer(waiting, message)) return this.#pump()
    this.#sender?.receive(frame.seq, message, this.#clock.now())
    this.#pump()
  }

  #answer({ request, resolve, reject }: Waiting, message: BoardMessage): boolean {
    const name = request.message.type
    if (message.type === 'BUSY' && message.requestType === messageTypes[name]) {
      request.busy(message.moreMs, this.#clock.now())
      return true
    }
    if (message.type === 'ERR' && message.requestType === messageTypes[name]) {
      this.#waiting.delete(request.seq)
      reject(
        new AppError('board_refused', explainError(message.code, message.detail), {
          detail: { code: message.code, request: name },
        }),
      )
      return true
    }
    if (message.type !== name && !(name === 'PROBE' && message.type === 'ECHO')) return false
    request.answered(this.#clock.now(), false)
    this.#waiting.delete(request.seq)
    if (message.type === 'STATUS') for (const listener of this.#statusListeners) listener(message)
    resolve(message)
    return true
  }

  /** Sends what is due, as far as the link takes it, and sets the timer for the rest. */
  #pump(): void {
    if (this.#ended !== undefined) return
    const nowMs = this.#clock.now()
    if (nowMs - this.channel.heardAtMs > muteMs) {
      return this.#end(
        new AppError(
          'board_mute',
          `The board on ${this.channel.link.address} has not answered for ${muteMs / 1000} s. Check its power and cable.`,
        ),
      )
    }
    for (const { request } of this.#waiting.values()) {
      if (request.takeDue(nowMs))
        this.#send(messageTypes[request.message.type], request.seq, encodeHostMessage(request.message))
    }
    const sender = this.#sender
    while (sender !== undefined && this.channel.link.queuedBytes < aheadBytes) {
      const out = sender.poll(nowMs)
      if (out === undefined) break
      this.#send(out.type, out.seq, out.body, this.#job)
    }
    this.#schedule(nowMs)
    this.#senderChanged()
  }

  #send(type: number, seq: number, body: Uint8Array, job?: string): void {
    this.channel.send(type, this.#session, seq, body, job)
  }

  #schedule(nowMs: number): void {
    let dueMs = this.#sender?.deadlineMs() ?? Number.POSITIVE_INFINITY
    for (const { request } of this.#waiting.values()) dueMs = Math.min(dueMs, request.deadlineMs())
    this.#timer?.cancel()
    this.#timer =
      dueMs === Number.POSITIVE_INFINITY
        ? undefined
        : this.#clock.setTimer(Math.max(1, dueMs - nowMs), () => this.#pump())
  }

  #scheduleHeartbeat(): void {
    const quietMs = this.#clock.now() - this.channel.heardAtMs
    // After the first silent second only the end of patience is left to wait for.
    const dueMs = quietMs < heartbeatMs ? heartbeatMs - quietMs : Math.min(heartbeatMs, muteMs + 1 - quietMs)
    this.#heartbeat = this.#clock.setTimer(Math.max(1, dueMs), () => {
      if (this.#clock.now() - this.channel.heardAtMs >= heartbeatMs && this.#waiting.size === 0) {
        this.request({ type: 'STATUS' }).catch(() => undefined)
      }
      this.#pump()
      if (this.alive) this.#scheduleHeartbeat()
    })
  }

  #end(error: AppError | undefined): void {
    if (this.#ended !== undefined) return
    this.#ended = { error }
    this.#timer?.cancel()
    this.#heartbeat?.cancel()
    this.#stopTransfer()
    for (const { reject } of this.#waiting.values())
      reject(error ?? new AppError('cancelled', 'The session with the board was ended.'))
    this.#waiting.clear()
    for (const listener of this.#endListeners) listener(error)
    this.#endListeners.length = 0
  }
}

/** A random UUID, version 4 (RFC 9562 §5.4). */
export function randomUuid(random: RandomBytes): Uint8Array {
  const bytes = new Uint8Array(random(16))
  bytes[6] = 0x40 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  return bytes
}
