import type { Clock, Timer } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Link } from '../link/link.ts'
import { FrameChannel } from './frame-channel.ts'
import { shakeHands } from './handshake.ts'
import { BoardSession } from './session.ts'

/** A link that went away is tried again after these pauses, so it is back within 5 s of being plugged in. */
const pausesMs = [100, 250, 500, 1000, 2000]

export interface ConnectionOptions {
  readonly open: () => Promise<Link>
  readonly clock: Clock
  readonly log: Log
  readonly onSession: (session: BoardSession) => void
  /** What stands between the gateway and a session now; called once for each change of reason. */
  readonly onTrouble?: (error: AppError) => void
}

/** Keeps one link open and a session on it, for as long as it is started. */
export class BoardConnection {
  readonly #options: ConnectionOptions
  #running: Promise<void> | undefined
  #stopping = false
  #wake: () => void = () => undefined
  #link: Link | undefined
  #trouble = ''

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#wake()
    await this.#link?.close()
    await this.#running
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#stopping; failures++) {
      const link = await this.#open()
      if (link !== undefined) {
        failures = 0
        await this.#serve(link)
        await link.close()
      }
      if (!this.#stopping) await this.#pause(pausesMs[Math.min(failures, pausesMs.length - 1)] ?? 0)
    }
  }

  async #open(): Promise<Link | undefined> {
    try {
      this.#link = await this.#options.open()
      return this.#link
    } catch (thrown) {
      this.#report(thrown)
      return undefined
    }
  }

  /** One session after another while the link stays open: a restarted board is greeted again at once. */
  async #serve(link: Link): Promise<void> {
    let closed = false
    link.onClose(error => {
      closed = true
      this.#wake()
      if (error !== undefined) this.#report(error)
    })
    const { clock } = this.#options
    const channel = new FrameChannel(link, clock)
    while (!closed && !this.#stopping) {
      try {
        const session = new BoardSession(channel, await shakeHands(channel, clock), clock)
        if (session.uuid.every(byte => byte === 0)) await session.assignUuid()
        this.#trouble = ''
        this.#options.onSession(session)
        const error = await new Promise<AppError | undefined>(resolve => session.onEnd(resolve))
        if (error !== undefined) this.#report(error)
      } catch (thrown) {
        this.#report(thrown)
        if (!closed && !this.#stopping) await this.#pause(pausesMs[2] ?? 0)
      }
    }
  }

  #report(thrown: unknown): void {
    const error = thrown instanceof AppError ? thrown : new AppError('link_failed', toError(thrown).message, { cause: thrown })
    if (error.message === this.#trouble) return
    this.#trouble = error.message
    this.#options.log.warn({ code: error.code }, error.message)
    this.#options.onTrouble?.(error)
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      let timer: Timer | undefined
      this.#wake = () => {
        timer?.cancel()
        resolve()
      }
      timer = this.#options.clock.setTimer(ms, resolve)
    })
  }
}
