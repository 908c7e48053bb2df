import { stat } from 'node:fs/promises'
import type { Clock, Timer } from '../kernel/clock.ts'
import { clockSynchronized, type DiskReading, readDisk } from './health-checks.ts'
import { type MemoryReading, readMemory } from './process-meter.ts'

/** What the machine has, as it was a few seconds ago. */
export interface SystemReadings {
  readonly disk: DiskReading | undefined
  readonly memory: MemoryReading | undefined
  readonly databaseBytes: number
  readonly walBytes: number
  /** undefined: nobody here knows. */
  readonly clockSynchronized: boolean | undefined
}

export interface WatcherOptions {
  readonly clock: Clock
  readonly stateDir: string
  readonly database: string
  readonly readDisk?: typeof readDisk
  readonly readMemory?: typeof readMemory
}

const everyMs = 5_000

/** Reads the machine every five seconds, so that whoever asks for it costs nothing. */
export class SystemWatcher {
  readonly #options: WatcherOptions
  readonly #listeners = new Set<(readings: SystemReadings) => void>()
  #timer: Timer | undefined
  #last: SystemReadings = {
    disk: undefined,
    memory: undefined,
    databaseBytes: 0,
    walBytes: 0,
    clockSynchronized: undefined,
  }
  #stopped = false

  constructor(options: WatcherOptions) {
    this.#options = options
  }

  get last(): SystemReadings {
    return this.#last
  }

  onLook(listener: (readings: SystemReadings) => void): void {
    this.#listeners.add(listener)
  }

  /** Resolves after the first look. Never rejects. */
  async start(): Promise<void> {
    await this.look()
    if (this.#stopped) return
    this.#timer = this.#options.clock.setTimer(everyMs, () => void this.start())
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  async look(): Promise<void> {
    const { stateDir, database } = this.#options
    const sizeOf = (path: string): Promise<number> =>
      stat(path).then(
        ({ size }) => size,
        () => 0,
      )
    const [disk, memory, databaseBytes, walBytes, synchronized] = await Promise.all([
      (this.#options.readDisk ?? readDisk)(stateDir).catch(() => undefined),
      (this.#options.readMemory ?? readMemory)().catch(() => undefined),
      sizeOf(database),
      sizeOf(`${database}-wal`),
      clockSynchronized(),
    ])
    this.#last = { disk, memory, databaseBytes, walBytes, clockSynchronized: synchronized }
    if (!this.#stopped) for (const listener of this.#listeners) listener(this.#last)
  }
}
