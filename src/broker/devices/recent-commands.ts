import type { Clock } from '../../kernel/clock.ts'
import type { CommandResultView } from '../../wire/mqtt.ts'

const rememberedMs = 60_000
const maxRemembered = 1024

interface Remembered {
  readonly atMs: number
  result: CommandResultView | undefined
}

/** Commands with a correlation id of the last minute: one that comes again (QoS 1 promises at least once) runs once. */
export class RecentCommands {
  readonly #clock: Clock
  readonly #commands = new Map<string, Remembered>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `new`: run it. `running`: its answer will come. Else the answer that was given. */
  begin(key: string): 'new' | 'running' | CommandResultView {
    this.#forget()
    const known = this.#commands.get(key)
    if (known !== undefined) return known.result ?? 'running'
    this.#commands.set(key, { atMs: this.#clock.now(), result: undefined })
    return 'new'
  }

  end(key: string, result: CommandResultView): void {
    const known = this.#commands.get(key)
    if (known !== undefined) known.result = result
  }

  #forget(): void {
    const oldestMs = this.#clock.now() - rememberedMs
    for (const [key, { atMs }] of this.#commands) {
      if (atMs > oldestMs && this.#commands.size < maxRemembered) return
      this.#commands.delete(key)
    }
  }
}
