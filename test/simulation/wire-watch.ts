import type { Frame } from '../../src/protocol/frame.ts'
import { decodeBoardMessage } from '../../src/protocol/message-codec.ts'
import { type AckState, messageTypes } from '../../src/protocol/messages.ts'
import { seqDistance } from '../../src/protocol/sender/flight.ts'

/** SPEC §5.5. */
const aheadFrames = 33
const manifestBlock = 0xffff

interface Transfer {
  readonly id: string
  readonly blocks: number
  readonly fresh: boolean
}

interface Segment {
  readonly firstSeq: number
  next: number
  bitmap: number
}

export interface WireWatchOptions {
  /** True where a fault may make a board forget what it has acknowledged. */
  readonly mayForget: boolean
  /** Most blocks of each transfer that a host was told are durable, over all lines and restarts of a session. */
  readonly acknowledged: Map<string, number>
  readonly violate: (what: string) => void
}

/** Reads along on one line of a host, both ways, and checks that nothing which the board has acknowledged is sent again. */
export class WireWatch {
  readonly #options: WireWatchOptions
  #session = 0
  #asked: Transfer | undefined
  #open: Transfer | undefined
  #segment: Segment | undefined
  /** Most durable blocks that a board has ever forgotten. */
  mostForgotten = 0
  dataFrames = 0

  constructor(options: WireWatchOptions) {
    this.#options = options
  }

  onWrite({ type, session, seq, body }: Frame): void {
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
    switch (type) {
      case messageTypes.HELLO:
        if (body[4] === 0 && session !== this.#session) this.#forgetSession(session)
        return
      case messageTypes.BEGIN:
        this.#asked = {
          id: Buffer.from(body.subarray(0, 16)).toString('hex'),
          blocks: view.getUint16(28, true),
          fresh: ((body[31] ?? 0) & 1) === 1,
        }
        this.#open = undefined
        this.#segment = undefined
        return
      case messageTypes.HAVEQ: {
        const firstSeq = view.getUint16(1, true)
        if (((body[0] ?? 0) & 1) === 1 && this.#segment?.firstSeq !== firstSeq)
          this.#segment = { firstSeq, next: firstSeq, bitmap: 0 }
        return
      }
      case messageTypes.DATA:
        return this.#onData(seq)
    }
  }

  onHeard(frame: Frame): void {
    if (frame.session !== this.#session) return
    const decoded = decodeBoardMessage(frame.type, frame.body)
    if (!decoded.ok) return
    const message = decoded.value
    if (message.type === 'BEGIN') return this.#onBegun(message.state)
    if (message.type === 'ACK' || message.type === 'ECHO') return this.#onAck(message)
    if (message.type !== 'HAVE' || this.#open === undefined) return
    if (message.firstSeq !== this.#segment?.firstSeq) return
    const { blocks } = this.#open
    this.#compare(message.block === manifestBlock ? 0 : blocks - message.missing)
  }

  isMixedUpWith(other: WireWatch): boolean {
    return this !== other && this.#session !== 0 && this.#session === other.#session
  }

  #forgetSession(session: number): void {
    this.#session = session
    this.#asked = undefined
    this.#open = undefined
    this.#segment = undefined
  }

  #onBegun(state: number): void {
    const asked = this.#asked
    if (asked === undefined) return
    this.#open = asked
    if (state !== 0) return
    const known = this.#options.acknowledged.get(asked.id) ?? 0
    if (known > 0 && !this.#options.mayForget)
      this.#options.violate(
        asked.fresh
          ? `the host starts afresh without cause, ${known} blocks were durable`
          : `the board has begun afresh unasked and forgotten ${known} durable blocks`,
      )
    this.#options.acknowledged.set(asked.id, 0)
  }

  #onAck({ next, bitmap, durable }: AckState): void {
    const segment = this.#segment
    const open = this.#open
    if (segment === undefined || open === undefined || seqDistance(next, segment.firstSeq) < 0) return
    if (seqDistance(next, segment.next) >= 0) {
      segment.next = next
      segment.bitmap = bitmap
    }
    this.#options.acknowledged.set(open.id, Math.max(durable, this.#options.acknowledged.get(open.id) ?? 0))
  }

  #compare(durable: number): void {
    const open = this.#open
    if (open === undefined) return
    const forgotten = (this.#options.acknowledged.get(open.id) ?? 0) - durable
    this.#options.acknowledged.set(open.id, durable)
    if (forgotten <= 0 || this.#options.mayForget) return
    this.mostForgotten = Math.max(this.mostForgotten, forgotten)
    if (forgotten > 1) this.#options.violate(`${forgotten} durable blocks are to be sent again`)
  }

  #onData(seq: number): void {
    this.dataFrames++
    const segment = this.#segment
    if (segment === undefined) return this.#options.violate('DATA outside a segment')
    const ahead = seqDistance(seq, segment.next)
    const taken = ahead < 0 || (ahead > 0 && ahead <= 32 && ((segment.bitmap >>> (ahead - 1)) & 1) === 1)
    if (taken) this.#options.violate(`DATA ${seq} is sent again after it was acknowledged`)
    if (ahead >= aheadFrames) this.#options.violate(`DATA ${seq} is ${ahead} frames ahead of the board`)
  }
}
