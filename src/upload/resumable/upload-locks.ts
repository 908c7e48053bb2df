import type { Readable } from 'node:stream'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'

/** Whoever has been silent for so long has lost the line, and gives way to who comes back. */
export const staleMs = 2000
/** To write down what it has got. */
const yieldMs = 10_000

/** Somebody who is at a file. */
export interface Holder {
  heard(): void
  /** While the disk works nothing is read, so that nobody can be heard. */
  atDisk<T>(work: () => Promise<T>): Promise<T>
  /** From now on nothing comes in between. */
  finishing(): void
}

interface Running {
  readonly body: Readable | undefined
  readonly ended: Promise<void>
  heardMs: number
  atDisk: boolean
  finishing: boolean
}

/**
 * One sender a file. A line that broke is often noticed by the sender alone: who is silent is cut off when somebody else
 * wants the file, who still sends is left in peace and the other is refused.
 */
export class UploadLocks {
  readonly #clock: Clock
  readonly #running = new Map<string, Running>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  has(id: string): boolean {
    return this.#running.has(id)
  }

  /** Does `work` alone on this file. Rejects with `locked`. */
  async run<T>(id: string, body: Readable | undefined, work: (holder: Holder) => Promise<T>): Promise<T> {
    while (this.#running.has(id)) if (!(await this.settle(id))) throw locked()
    let end: () => void = () => undefined
    const ended = new Promise<void>(resolve => {
      end = resolve
    })
    const running: Running = { body, ended, heardMs: this.#clock.now(), atDisk: false, finishing: false }
    this.#running.set(id, running)
    const heard = () => {
      running.heardMs = this.#clock.now()
    }
    try {
      return await work({
        heard,
        atDisk: async task => {
          running.atDisk = true
          try {
            return await task()
          } finally {
            running.atDisk = false
            heard()
          }
        },
        finishing: () => {
          running.finishing = true
        },
      })
    } finally {
      this.#running.delete(id)
      end()
    }
  }

  /** Cuts off a sender who is silent; true: nobody is at the file now. */
  async settle(id: string): Promise<boolean> {
    const running = this.#running.get(id)
    if (running === undefined) return true
    if (running.finishing || running.atDisk || this.#clock.now() - running.heardMs < staleMs) return false
    return this.#cut(running)
  }

  /** Cuts everybody off and waits until what they sent is written down. */
  async close(): Promise<void> {
    const all = [...this.#running.values()]
    for (const { body } of all) body?.destroy()
    await Promise.all(all.map(({ ended }) => ended))
  }

  /** False: it has not ended in time. */
  #cut({ body, ended }: Running): Promise<boolean> {
    body?.destroy()
    return new Promise(resolve => {
      const late = this.#clock.setTimer(yieldMs, () => resolve(false))
      void ended.then(() => {
        late.cancel()
        resolve(true)
      })
    })
  }
}

const locked = (): AppError =>
  new AppError(
    'locked',
    'Another request is at this file at this moment. Ask with HEAD in a second, then go on.',
  )
