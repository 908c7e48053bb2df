import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Violation } from '../packets/violation.ts'

/** From the connection to the CONNACK that welcomes. */
const connectTimeoutMs = 10_000
/** From the first byte of a packet to its last. */
const packetTimeoutMs = 60_000
/** A client that takes nothing of what waits for it is gone. */
const stalledTimeoutMs = 10_000
/** When so much waits that others wait too, it is gone sooner. */
const holdingUpTimeoutMs = 500
/** One that takes something, but too little, may hold them up so long. */
const slowTimeoutMs = 1500
/** One that acknowledges something, but too little. */
const unacknowledgedTimeoutMs = 10_000

/** How a client takes what is sent to it. Times are of the clock; undefined: it is not so. */
export interface Intake {
  /** Nothing was taken since. */
  readonly stalledSinceMs: number | undefined
  /** More than may wait has been waiting since. */
  readonly fullSinceMs: number | undefined
}

/** How it acknowledges what it has taken. */
export interface Awaited {
  /** Too many messages are without acknowledgement since. */
  readonly fullSinceMs: number | undefined
  /** Too many are, and none came since. */
  readonly silentSinceMs: number | undefined
}

/** What a client can be too late with. */
interface Lateness {
  /** `afterMs`: how long it may take. */
  readonly reason: (afterMs: number) => string
  /** What it hangs on may have come already, and only not been looked at. */
  readonly look: boolean
}

const late = (reason: (seconds: number) => string, look: boolean): Lateness => ({
  reason: afterMs => reason(afterMs / 1000),
  look,
})
const lateness = {
  connect: late(seconds => `not let in within ${seconds} s`, false),
  packet: late(seconds => `a packet that is not complete within ${seconds} s`, false),
  stalled: late(seconds => `takes nothing of what waits for it, for ${seconds} s`, true),
  slow: late(seconds => `takes too little of what waits for it, for ${seconds} s`, true),
  silent: late(() => 'acknowledges nothing of what was sent to it', true),
  unacknowledged: late(seconds => `acknowledges too little of what was sent to it, for ${seconds} s`, true),
  keepAlive: late(seconds => `silent for ${seconds} s, beyond its keep alive`, true),
}

/** The deadline that comes first; at infinity: there is none. */
class Earliest {
  atMs = Number.POSITIVE_INFINITY
  afterMs = 0
  what = lateness.connect

  consider(sinceMs: number | undefined, afterMs: number, what: Lateness): void {
    if (sinceMs === undefined || sinceMs + afterMs >= this.atMs) return
    this.atMs = sinceMs + afterMs
    this.afterMs = afterMs
    this.what = what
  }
}

/** How long a client may take for what: one timer for all, which is not set anew for each packet. */
export class StreamDeadlines {
  readonly #clock: Clock
  readonly #intake: Intake
  readonly #onViolation: (violation: Violation) => void
  /** Undefined until something has to be acknowledged. */
  awaited: Awaited | undefined
  #timer: Timer | undefined
  #timerMs = Number.POSITIVE_INFINITY
  #connectMs: number | undefined
  #packetMs: number | undefined
  #keepAliveMs = 0
  #heardMs: number
  #isReading = true
  #readsSinceMs: number
  #ended = false

  constructor(clock: Clock, intake: Intake, onViolation: (violation: Violation) => void) {
    this.#clock = clock
    this.#intake = intake
    this.#onViolation = onViolation
    this.#heardMs = clock.now()
    this.#readsSinceMs = this.#heardMs
    this.#connectMs = this.#heardMs
    this.watch()
  }

  letIn(): void {
    this.#connectMs = undefined
  }

  /** Seconds (§3.1.2.10); 0: it may be silent for ever. */
  keepAlive(seconds: number): void {
    this.#keepAliveMs = seconds * 1500
    this.watch()
  }

  heard(nowMs: number): void {
    this.#heardMs = nowMs
  }

  /** Whether a packet has begun and not ended; `nowMs`: when its first bytes came. */
  midPacket(isMid: boolean, nowMs: number): void {
    if (!isMid) this.#packetMs = undefined
    else if (this.#packetMs === undefined) {
      this.#packetMs = nowMs
      this.watch()
    }
  }

  /** While nothing is read, what the client says is not heard: it cannot be late. */
  reads(isReading: boolean): void {
    if (isReading === this.#isReading) return
    this.#isReading = isReading
    if (!isReading) return
    this.#readsSinceMs = this.#clock.now()
    this.#heardMs = this.#readsSinceMs
    if (this.#packetMs !== undefined) this.#packetMs = this.#readsSinceMs
    this.watch()
  }

  /** To be called when a deadline may have come to be. */
  watch(): void {
    if (this.#ended) return
    const next = this.#next()
    if (next.atMs >= this.#timerMs) return
    this.#timer?.cancel()
    this.#timerMs = next.atMs
    this.#timer = this.#clock.setTimer(Math.max(0, next.atMs - this.#clock.now()), () => this.#fire())
  }

  end(): void {
    this.#ended = true
    this.#timer?.cancel()
  }

  #fire(): void {
    this.#timerMs = Number.POSITIVE_INFINITY
    const due = this.#due()
    if (due === undefined) this.watch()
    else if (due.what.look) setImmediate(() => this.#look())
    else this.#violate(due)
  }

  /** After a look at the sockets: this process may have been the one that was slow. */
  #look(): void {
    if (this.#ended) return
    const due = this.#due()
    if (due !== undefined) this.#violate(due)
    else this.watch()
  }

  #violate({ what, afterMs }: Earliest): void {
    this.end()
    this.#onViolation({ clause: 'limit', reason: what.reason(afterMs) })
  }

  #due(): Earliest | undefined {
    const next = this.#next()
    return next.atMs <= this.#clock.now() ? next : undefined
  }

  /** The first that will be broken, if nothing changes. */
  #next(): Earliest {
    const first = new Earliest()
    const { stalledSinceMs, fullSinceMs } = this.#intake
    first.consider(this.#connectMs, connectTimeoutMs, lateness.connect)
    const stalledMs = fullSinceMs === undefined ? stalledTimeoutMs : holdingUpTimeoutMs
    first.consider(stalledSinceMs, stalledMs, lateness.stalled)
    first.consider(fullSinceMs, slowTimeoutMs, lateness.slow)
    first.consider(this.awaited?.fullSinceMs, unacknowledgedTimeoutMs, lateness.unacknowledged)
    if (!this.#isReading) return first
    first.consider(this.#packetMs, packetTimeoutMs, lateness.packet)
    const silentSinceMs = this.awaited?.silentSinceMs
    if (silentSinceMs !== undefined)
      first.consider(Math.max(silentSinceMs, this.#readsSinceMs), holdingUpTimeoutMs, lateness.silent)
    if (this.#keepAliveMs > 0) first.consider(this.#heardMs, this.#keepAliveMs, lateness.keepAlive)
    return first
  }
}
