import { BoardConnection } from '../../src/board/connection.ts'
import type { BoardSession } from '../../src/board/session.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { silentLog } from '../../src/kernel/log.ts'
import type { Link } from '../../src/link/link.ts'
import { openLink } from '../../src/link/link-settings.ts'
import type { BoardMessage, HostMessage } from '../../src/protocol/messages.ts'
import type { Store } from '../../src/store/store.ts'
import { createCore, type GatewayCore } from '../../src/upload/gateway-core.ts'
import type { UploadOptions } from '../../src/upload/upload-options.ts'
import type { JobRecord, PatternRecord } from '../../src/upload/uploads.ts'
import type { CutLine } from '../support/cut-line.ts'

/** Fast enough that no timeout depends on it. */
const baudRate = 1_000_000

export interface UploaderOptions {
  readonly store: Store
  readonly pattern: PatternRecord
  readonly how: UploadOptions
  readonly maxBody: number
  /** Where the board is now. */
  readonly line: () => CutLine
}

/** What the gateway does to bring one file onto one board, over node-serialport: the core, a connection and a job. */
export class Uploader {
  readonly core: GatewayCore
  /** The job's row once it has ended, however it ended. */
  readonly ended: Promise<JobRecord>
  readonly #options: UploaderOptions
  readonly #connection: BoardConnection
  #begun: Promise<unknown> | undefined
  #submits = true

  constructor(options: UploaderOptions) {
    this.#options = options
    const { store, maxBody } = options
    this.core = createCore({ store, clock: systemClock, log: silentLog, maxBody, adaptBody: false })
    this.ended = new Promise((resolve, reject) => {
      this.core.bus.on('job.changed', job => {
        if (['done', 'failed', 'cancelled', 'paused'].includes(job.state)) resolve(job)
      })
      this.core.bus.on('board.up', ({ boardId: id }) => {
        if (!this.#submits) return
        this.#begun ??= this.core.uploads.submit(options.pattern, [id], options.how)
        this.#begun.catch(reject)
      })
    })
    this.ended.catch(() => undefined)
    this.#connection = new BoardConnection({
      open: () => this.#open(),
      clock: systemClock,
      log: silentLog,
      random: () => 0,
      onSession: this.core.onSession,
    })
  }

  /** True once the job exists; whoever takes over goes on with it. */
  get hasBegun(): boolean {
    return this.#begun !== undefined
  }

  /** With `submits` the job is made when the board is first there; else what an earlier uploader left is taken up. */
  async start(submits: boolean): Promise<void> {
    this.#submits = submits
    if (!submits) await this.core.queue.start()
    this.#connection.start()
  }

  /** The terminal is back. */
  wake(): void {
    this.#connection.wake()
  }

  async stop(): Promise<void> {
    await this.#begun?.catch(() => undefined)
    await this.core.queue.close()
    await this.#connection.stop()
  }

  /** The board's answer; asked again on the next session when the cable was pulled under the last reply of the upload. */
  async ask(message: HostMessage): Promise<BoardMessage> {
    for (;;) {
      try {
        return await (await this.#session()).request(message)
      } catch (thrown) {
        if (!(thrown instanceof AppError) || thrown.code !== 'link_lost') throw thrown
      }
    }
  }

  /** The session with the board, or the next one when it has just gone. */
  #session(): Promise<BoardSession> {
    const { registry, bus } = this.core
    return new Promise(resolve => {
      for (const id of registry.present()) {
        const session = registry.session(id)
        if (session?.alive === true) resolve(session)
      }
      bus.on('board.up', ({ session }) => resolve(session))
    })
  }

  async #open(): Promise<Link> {
    const line = this.#options.line()
    const link = await openLink({ kind: 'serial', path: line.device, baudRate }, systemClock)
    link.onClose(() => setImmediate(() => this.wake()))
    return counted(link, count => line.arrived(count))
  }
}

/** The link, telling how many bytes its reader has got. */
function counted(link: Link, arrived: (count: number) => void): Link {
  return {
    address: link.address,
    kind: link.kind,
    get baudRate() {
      return link.baudRate
    },
    get queuedBytes() {
      return link.queuedBytes
    },
    write: bytes => link.write(bytes),
    onData: listener =>
      link.onData(chunk => {
        listener(chunk)
        arrived(chunk.length)
      }),
    onDrain: listener => link.onDrain(listener),
    onClose: listener => link.onClose(listener),
    setBaudRate: rate => link.setBaudRate(rate),
    close: () => link.close(),
  }
}
