import type { Clock } from '../kernel/clock.ts'

/** Somebody who types is told of so often; clients show it for 3 s after the last time. */
export const typingEveryMs = 2000
const maxRemembered = 1000

/** Whether it is time to tell a room again that somebody types. */
export class Typing {
  readonly #clock: Clock
  readonly #toldMs = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  due(userId: string, roomId: string): boolean {
    const key = `${userId} ${roomId}`
    const now = this.#clock.now()
    const told = this.#toldMs.get(key)
    if (told !== undefined && now - told < typingEveryMs) return false
    this.#toldMs.delete(key)
    this.#toldMs.set(key, now)
    if (this.#toldMs.size > maxRemembered) {
      const [oldest] = this.#toldMs.keys()
      if (oldest !== undefined) this.#toldMs.delete(oldest)
    }
    return true
  }

  /** A message was sent: what is typed next is news. */
  forget(userId: string, roomId: string): void {
    this.#toldMs.delete(`${userId} ${roomId}`)
  }
}
