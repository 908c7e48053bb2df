import type { Publisher } from '../broker/publisher.ts'
import type { Clock, Timer } from '../kernel/clock.ts'
import type { AppError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { KeepOpen } from '../link/keep-open.ts'
import type { Link } from '../link/link.ts'
import type { BridgeStatusPayload, SerialBridgeView } from '../wire/serial-bridge.ts'
import type { BridgeSettings } from './bridge-settings.ts'
import { bridgeTopics } from './bridge-topics.ts'
import { createFraming } from './create-framing.ts'
import type { Frame, Framing, LostReason } from './framing.ts'
import { type DropReason, LineReceiver } from './line-receiver.ts'
import { holdMs, LineSender } from './line-sender.ts'
import { fromPayload, toPayload } from './payload.ts'
import { TrafficCount } from './traffic-count.ts'

/** Counters are told so often while they change, losses sooner. */
const tellEveryMs = 10_000
const tellLossesMs = 1_000

export interface SerialBridgeParts {
  readonly settings: BridgeSettings
  readonly open: () => Promise<Link>
  readonly publisher: Pick<Publisher, 'retain' | 'sendBytes'>
  readonly clock: Clock
  readonly log: Log
  /** In [0, 1). */
  readonly random: () => number
}

type Loss = LostReason | DropReason | 'refused' | 'not_open' | 'line_lost'

const lossWords: Readonly<Record<Exclude<Loss, 'refused'>, string>> = {
  too_long: 'A frame of the line is longer than maxFrameBytes. Raise it, or check framing and baudRate.',
  malformed: 'What the line sends is not of this framing. Check framing and baudRate.',
  unfinished: 'The line fell silent in the middle of a frame. Check the cable, or raise idleMs.',
  too_fast: 'The line says more than maxMessagesPerSecond. Raise it, or make the device say less.',
  no_room: 'There was no room left. Send more slowly, or look for a subscriber that does not keep up.',
  not_open: `The line is not open, and did not open within ${holdMs / 1000} s. See "reason".`,
  line_lost: 'The line was lost before the message had left for it. Send it again.',
}

/** One line as topics, both ways. */
export class SerialBridge {
  readonly settings: BridgeSettings
  readonly #parts: SerialBridgeParts
  readonly #topics: ReturnType<typeof bridgeTopics>
  readonly #framing: Framing
  readonly #receiver: LineReceiver
  readonly #sender: LineSender
  readonly #keepOpen: KeepOpen
  readonly #rx: TrafficCount
  readonly #tx: TrafficCount
  #state: SerialBridgeView['state'] = 'waiting'
  #trouble: AppError | undefined
  #sinceMs: number
  #lastDrop: SerialBridgeView['lastDrop'] = null
  #telling: { readonly timer: Timer; readonly atMs: number } | undefined

  constructor(parts: SerialBridgeParts) {
    const { settings, clock } = parts
    const { framing, retain, maxMessagesPerSecond, maxQueuedBytes } = settings
    this.settings = settings
    this.#parts = parts
    this.#topics = bridgeTopics(settings.topic)
    this.#rx = new TrafficCount(() => clock.wallTime())
    this.#tx = new TrafficCount(() => clock.wallTime())
    this.#sinceMs = clock.wallTime()
    this.#framing = createFraming(settings, (reason, sizeBytes) => this.#lost('rx', reason, sizeBytes))
    this.#receiver = new LineReceiver({
      clock,
      framing: this.#framing,
      maxMessagesPerSecond,
      whenTooFast: framing === 'raw' ? 'gather' : retain ? 'latest' : 'drop',
      publish: frame => this.#publish(frame),
      onDropped: (reason, sizeBytes) => this.#lost('rx', reason, sizeBytes),
    })
    this.#sender = new LineSender({
      clock,
      maxQueuedBytes,
      maxMessagesPerSecond,
      onSent: sizeBytes => {
        this.#tx.passed(sizeBytes)
        this.#tellWithin(tellEveryMs)
      },
      onLost: sizeBytes => this.#lost('tx', 'line_lost', sizeBytes),
    })
    this.#keepOpen = new KeepOpen({
      open: parts.open,
      clock,
      random: parts.random,
      onState: state => {
        if (state.value === 'open') this.#opened(state.link)
        if (state.value === 'waiting') this.#notOpen(state.error)
      },
    })
  }

  get trouble(): AppError | undefined {
    return this.#trouble
  }

  start(): void {
    this.#tell()
    this.#keepOpen.start()
  }

  async stop(): Promise<void> {
    this.#receiver.stop()
    this.#sender.stop()
    this.#enter('closed')
    this.#telling?.timer.cancel()
    // First, as a stuck line takes seconds to close and the broker does not wait so long.
    await this.#parts.publisher.retain(this.#topics.status, this.#status())
    await this.#keepOpen.close()
  }

  /** Tries at once to open the line: it may have come back. */
  wake(): void {
    this.#keepOpen.wake()
  }

  /** Before a message for the line is acknowledged; undefined: nothing has to be waited for. */
  accepting(payload: Uint8Array): Promise<void> | undefined {
    const encoded = this.#encode(payload)
    // What is refused is refused when it comes.
    return encoded.ok ? this.#sender.room(encoded.value.line.length) : undefined
  }

  /** A message for the line. `acknowledged`: `accepting` was asked for it. */
  send(payload: Uint8Array, acknowledged: boolean): void {
    const encoded = this.#encode(payload)
    if (!encoded.ok) return this.#lost('tx', 'refused', payload.length, encoded.fault)
    const { line, sizeBytes } = encoded.value
    if (this.#sender.send(line, sizeBytes, acknowledged)) return
    this.#lost('tx', this.#sender.isOpen ? 'no_room' : 'not_open', sizeBytes)
  }

  view(): SerialBridgeView {
    return { ...this.#status(), topic: this.settings.topic }
  }

  #encode(payload: Uint8Array) {
    const bytes = fromPayload(payload, this.settings.encoding)
    if (!bytes.ok) return bytes
    const line = this.#framing.encode(bytes.value)
    return line.ok ? { ok: true as const, value: { line: line.value, sizeBytes: bytes.value.length } } : line
  }

  #opened(link: Link): void {
    if (this.#state === 'closed') return
    this.#trouble = undefined
    this.#enter('open')
    link.onClose(() => this.#sender.detach())
    link.onData(chunk => {
      if (this.#state !== 'closed') this.#receiver.receive(chunk)
    })
    this.#sender.attach(link)
    this.#parts.log.info({ bridge: this.settings.name, address: this.settings.address }, 'a line is bridged')
    this.#tell()
  }

  #notOpen(error: AppError): void {
    if (this.#state === 'closed') return
    this.#receiver.restart()
    const known = this.#trouble?.message === error.message
    this.#trouble = error
    if (known) return
    this.#parts.log.warn({ bridge: this.settings.name, code: error.code }, error.message)
    this.#enter('waiting')
    this.#tell()
  }

  #publish({ bytes, partial }: Frame): Promise<void> {
    const { encoding, qos, retain } = this.settings
    const payload = toPayload(bytes, encoding)
    this.#rx.passed(bytes.length)
    this.#tellWithin(tellEveryMs)
    const topic = this.#topics.rx({ partial, base64: payload.substituted })
    // Retaining nothing would take the last value away.
    const keep = retain && topic === this.#topics.whole && bytes.length > 0
    return this.#parts.publisher.sendBytes(topic, payload.bytes, { qos, retain: keep })
  }

  #lost(direction: 'rx' | 'tx', reason: Loss, sizeBytes: number, words?: string): void {
    const { clock, log } = this.#parts
    const count = direction === 'rx' ? this.#rx : this.#tx
    count.lost(reason, sizeBytes)
    const message = words ?? (reason === 'refused' ? 'The message was refused.' : lossWords[reason])
    this.#lastDrop = { direction, reason, message, at: new Date(clock.wallTime()).toISOString() }
    log.debug({ bridge: this.settings.name, direction, reason, sizeBytes }, message)
    this.#tellWithin(tellLossesMs)
  }

  #enter(state: SerialBridgeView['state']): void {
    if (state !== this.#state) this.#sinceMs = this.#parts.clock.wallTime()
    this.#state = state
  }

  #status(): BridgeStatusPayload {
    const { name, address, baudRate, framing, encoding } = this.settings
    return {
      ...{ name, address, baudRate, framing, encoding },
      state: this.#state,
      reason: this.#reason(),
      since: new Date(this.#sinceMs).toISOString(),
      rx: this.#rx.view(),
      tx: this.#tx.view(),
      queuedBytes: this.#sender.queuedBytes,
      lastDrop: this.#lastDrop,
    }
  }

  #reason(): string | null {
    if (this.#state === 'open') return null
    if (this.#state === 'closed') return 'The gateway has ended.'
    return this.#trouble?.message ?? 'The line is being opened.'
  }

  #tell(): void {
    this.#telling?.timer.cancel()
    this.#telling = undefined
    void this.#parts.publisher.retain(this.#topics.status, this.#status())
  }

  /** Soon: a sooner one counts. */
  #tellWithin(delayMs: number): void {
    if (this.#state === 'closed') return
    const { clock } = this.#parts
    const atMs = clock.now() + delayMs
    if (this.#telling !== undefined && this.#telling.atMs <= atMs) return
    this.#telling?.timer.cancel()
    this.#telling = { atMs, timer: clock.setTimer(delayMs, () => this.#tell()) }
  }
}
