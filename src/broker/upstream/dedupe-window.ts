import type { Clock } from '../../kernel/clock.ts'

/** What was received lately, so that the same message does not work twice. */
export class DedupeWindow {
  readonly #clock: Clock
  readonly #rememberedMs: number
  readonly #max: number
  readonly #seen = new Map<string, { readonly atMs: number; readonly value: string }>()

  constructor(clock: Clock, { rememberedMs, max }: { readonly rememberedMs: number; readonly max: number }) {
    this.#clock = clock
    this.#rememberedMs = rememberedMs
    this.#max = max
  }

  /** True: it was there within the window, and with this value the last time. It counts as seen from now on. */
  has(key: string, value = ''): boolean {
    const nowMs = this.#clock.now()
    for (const [old, { atMs }] of this.#seen) {
      if (atMs > nowMs - this.#rememberedMs && this.#seen.size < this.#max) break
      this.#seen.delete(old)
    }
    if (this.#seen.get(key)?.value === value) return true
    this.#seen.delete(key)
    this.#seen.set(key, { atMs: nowMs, value })
    return false
  }
}
