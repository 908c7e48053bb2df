import type { Clock, Timer } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { KeepOpen } from '../link/keep-open.ts'
import type { Link } from '../link/link.ts'
import { changeBaudRate } from './change-baud-rate.ts'
import { FrameChannel } from './frame-channel.ts'
import { shakeHands } from './handshake.ts'
import { BoardSession } from './session.ts'

/** Pause before the next greeting on an open link that did not lead to a session: the board may just have no power. */
const greetingPauseMs = 500

export interface ConnectionOptions {
  /** One try to open the link; rejects with an AppError. */
  readonly open: () => Promise<Link>
  /** After the greeting the line goes to this rate, or the board's highest if that is lower; undefined: it stays. */
  readonly maxBaudRate?: number | undefined
  readonly clock: Clock
  readonly log: Log
  /** In [0, 1): spreads the tries of many boards. */
  readonly random?: () => number
  readonly onSession: (session: BoardSession) => void
  /** What stands between the gateway and a session now; called once for each change of reason. */
  readonly onTrouble?: (error: AppError) => void
}

/** Keeps one link open and a session on it for as long as it is started. A restarted board is greeted again at once. */
export class BoardConnection {
  readonly #options: ConnectionOptions
  readonly #keepOpen: KeepOpen
  #serving: Promise<void> = Promise.resolve()
  #pause: Timer | undefined
  #trouble: AppError | undefined

  constructor(options: ConnectionOptions) {
    this.#options = options
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
    while (open) {
      let session: BoardSession | undefined
      let error: AppError | undefined
      try {
        session = new BoardSession(channel, await shakeHands(channel, clock), clock)
        if (session.uuid.every(byte => byte === 0)) await session.assignUuid()
        await this.#raiseBaudRate(session)
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

  async #raiseBaudRate(session: BoardSession): Promise<void> {
    const { maxBaudRate, clock, log } = this.#options
    const baudRate = Math.min(maxBaudRate ?? 0, session.caps.maxBaud)
    const { link } = session.channel
    if (link.baudRate === null || baudRate <= link.baudRate) return
    if (await changeBaudRate(session, baudRate, clock)) return
    log.warn({ address: link.address, baudRate }, 'the line does not carry this rate and stays at its own')
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
