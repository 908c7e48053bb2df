import type { Clock, Timer } from '../kernel/clock.ts'
import { AppError, type ErrorCode, toError } from '../kernel/errors.ts'
import { formatUuid } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import { type RandomBytes, systemRandom } from '../kernel/random.ts'
import { KeepOpen } from '../link/keep-open.ts'
import type { Link } from '../link/link.ts'
import { changeBaudRate } from './change-baud-rate.ts'
import { FrameChannel } from './frame-channel.ts'
import { type Greeting, handshakeTimeoutMs, shakeHands } from './handshake.ts'
import { BoardSession, randomUuid } from './session.ts'

/** Pause before the next greeting on an open link that did not lead to a session: the board may just have no power. */
const greetingPauseMs = 500
/** For a greeting at the rate at which the last session ended; a board that is there answers within two tries. */
const raisedGreetingMs = 1000
/** A board or an adapter that has failed so often at a higher rate is asked no more on this line. */
const maxRaiseFailures = 3

export interface ConnectionOptions {
  /** One try to open the link; rejects with an AppError. */
  readonly open: () => Promise<Link>
  /** After the greeting the line goes to this rate, or the board's highest if that is lower; undefined: it stays. */
  readonly maxBaudRate?: number | undefined
  readonly clock: Clock
  readonly log: Log
  /** In [0, 1): spreads the tries of many boards. */
  readonly random?: () => number
  /** Of session numbers and of a UUID for a board that has none; default: the system's. */
  readonly randomBytes?: RandomBytes
  /** The one board that may be here: one without a UUID is given this, another one is refused. */
  readonly uuid?: Uint8Array
  readonly onSession: (session: BoardSession) => void
  /** What stands between the gateway and a session now; called once for each change of reason. */
  readonly onTrouble?: (error: AppError) => void
}

/** What a line has been through since it was opened. */
interface LineRates {
  /** null where a rate means nothing. */
  readonly opening: number | null
  /** Tries to raise the rate in a row that did not end well. */
  failures: number
}

/** Nobody answered in a way that can be read. */
const greetedInVain: readonly ErrorCode[] = ['board_mute', 'board_garbage']

/** Keeps one link open and a session on it for as long as it is started. A restarted board is greeted again at once. */
export class BoardConnection {
  readonly #options: ConnectionOptions
  readonly #keepOpen: KeepOpen
  readonly #random: RandomBytes
  #serving: Promise<void> = Promise.resolve()
  #pause: Timer | undefined
  #trouble: AppError | undefined

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#random = options.randomBytes ?? systemRandom
    this.#keepOpen = new KeepOpen({
      open: options.open,
      clock: options.clock,
      random: options.random ?? Math.random,
      onState: state => {
        if (state.value === 'waiting') this.#report(state.error)
        if (state.value === 'open') this.#serving = this.#serve(state.link)
      },
    })
  }

  /** Why there is no session, or undefined while there is one or the first try still runs. */
  get trouble(): AppError | undefined {
    return this.#trouble
  }

  start(): void {
    this.#keepOpen.start()
  }

  /** Tries at once instead of at the next turn: the port has just come back. */
  wake(): void {
    this.#keepOpen.wake()
  }

  /** Ends the session and closes the link. */
  async stop(): Promise<void> {
    this.#pause?.cancel()
    await this.#keepOpen.close()
    await this.#serving
  }

  async #serve(link: Link): Promise<void> {
    const { clock, onSession } = this.#options
    let open = true
    const closed = new Promise<void>(resolve =>
      link.onClose(() => {
        open = false
        resolve()
      }),
    )
    const channel = new FrameChannel(link, clock)
    const rates: LineRates = { opening: link.baudRate, failures: 0 }
    while (open) {
      let session: BoardSession | undefined
      let error: AppError | undefined
      try {
        session = new BoardSession(channel, await this.#greet(channel, rates), clock)
        await this.#identify(session)
        await this.#raiseBaudRate(session, rates)
        this.#trouble = undefined
        onSession(session)
        const ended = session
        error = await new Promise<AppError | undefined>(resolve => ended.onEnd(resolve))
        if (error !== undefined && open) this.#report(error)
      } catch (thrown) {
        session?.end()
        if (open) this.#report(thrown)
      }
      // Without a session, or when the gateway had no use for it, the next try may wait; a restarted board may not.
      if (open && error === undefined) await Promise.race([closed, this.#wait(greetingPauseMs)])
    }
  }

  /**
   * The session before may have ended at a raised rate. A board that still hears is at that rate, too; one that has
   * restarted, or has heard nobody for a while, is at that of the start (SPEC §3.6).
   */
  async #greet(channel: FrameChannel, { opening }: LineRates): Promise<Greeting> {
    const { clock } = this.#options
    const greet = (timeoutMs: number) => shakeHands(channel, clock, timeoutMs, () => this.#newSession())
    if (opening === null || channel.link.baudRate === opening) return greet(handshakeTimeoutMs)
    try {
      return await greet(raisedGreetingMs)
    } catch (thrown) {
      const silent = thrown instanceof AppError && greetedInVain.some(code => code === thrown.code)
      if (!silent) throw thrown
      await channel.link.setBaudRate(opening)
      return greet(handshakeTimeoutMs)
    }
  }

  async #identify(session: BoardSession): Promise<void> {
    const { uuid } = this.#options
    if (session.uuid.every(byte => byte === 0)) await session.assignUuid(uuid ?? randomUuid(this.#random))
    if (uuid === undefined || Buffer.compare(session.uuid, uuid) === 0) return
    throw new AppError(
      'board_refused',
      `${session.channel.link.address} is the way to board ${formatUuid(uuid)}, but board ${session.id} answers there. Give each board the credential of its own UUID.`,
    )
  }

  async #raiseBaudRate(session: BoardSession, rates: LineRates): Promise<void> {
    const { maxBaudRate, clock, log } = this.#options
    const baudRate = Math.min(maxBaudRate ?? 0, session.caps.maxBaud)
    const { link } = session.channel
    if (link.baudRate === null || baudRate <= link.baudRate || rates.failures >= maxRaiseFailures) return
    rates.failures++
    const { address } = link
    if (await changeBaudRate(session, baudRate, clock)) rates.failures = 0
    else log.warn({ address, baudRate }, 'the line does not carry this rate and stays at its own')
  }

  #newSession(): number {
    return 1 + ((this.#random(1)[0] ?? 0) % 255)
  }

  #report(thrown: unknown): void {
    const error =
      thrown instanceof AppError
        ? thrown
        : new AppError('link_failed', toError(thrown).message, { cause: thrown })
    const known = error.message === this.#trouble?.message
    this.#trouble = error
    if (known) return
    this.#options.log.warn({ code: error.code }, error.message)
    this.#options.onTrouble?.(error)
  }

  #wait(ms: number): Promise<void> {
    return new Promise(resolve => {
      this.#pause = this.#options.clock.setTimer(ms, resolve)
    })
  }
}
