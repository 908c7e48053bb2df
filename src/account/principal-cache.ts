import type { Principal } from './principal.ts'

export interface CachedSession {
  readonly principal: Principal
  /** End of the access token, monotonic. */
  readonly endsMs: number
  /** When the database last heard that it is used, monotonic. */
  notedMs: number
}

/** The sessions in use, so that a request costs no call of the storage thread. What was used longest ago goes first. */
export class PrincipalCache {
  readonly #cap: number
  readonly #entries = new Map<string, CachedSession>()
  /** Counts what was forgotten on purpose: a read that began before must not put it back. */
  #forgotten = 0

  constructor(cap: number) {
    this.#cap = cap
  }

  get forgotten(): number {
    return this.#forgotten
  }

  get(accessSha: string): CachedSession | undefined {
    const entry = this.#entries.get(accessSha)
    if (entry !== undefined) {
      this.#entries.delete(accessSha)
      this.#entries.set(accessSha, entry)
    }
    return entry
  }

  /** `since`: the value of `forgotten` before the entry was read. */
  put(accessSha: string, entry: CachedSession, since: number): void {
    if (since !== this.#forgotten) return
    this.#entries.set(accessSha, entry)
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > this.#cap && oldest !== undefined) this.#entries.delete(oldest)
  }

  forget(accessSha: string): void {
    this.#forgotten += 1
    this.#entries.delete(accessSha)
  }

  forgetUser(userId: string): void {
    this.#forgotten += 1
    for (const [accessSha, { principal }] of this.#entries)
      if (principal.id === userId) this.#entries.delete(accessSha)
  }
}
