import { Session } from 'node:inspector/promises'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'

const intervalUs = 1000

/** Profiles of V8, one at a time: they cost a few percent of the processor and memory while they run. */
export class CpuProfiles {
  readonly #clock: Clock
  #running = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The text of a .cpuprofile file, for the developer tools of a browser. Rejects with `conflict` while another one is made. */
  async make(seconds: number, signal?: AbortSignal): Promise<string> {
    if (this.#running)
      throw new AppError('conflict', 'A CPU profile is being made already. Wait until it is done.')
    this.#running = true
    const session = new Session()
    try {
      session.connect()
      await session.post('Profiler.enable')
      await session.post('Profiler.setSamplingInterval', { interval: intervalUs })
      await session.post('Profiler.start')
      await this.#pause(seconds * 1000, signal)
      const { profile } = await session.post('Profiler.stop')
      return JSON.stringify(profile)
    } finally {
      session.disconnect()
      this.#running = false
    }
  }

  #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        timer.cancel()
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = this.#clock.setTimer(ms, done)
      signal?.addEventListener('abort', done, { once: true })
      if (signal?.aborted) done()
    })
  }
}
