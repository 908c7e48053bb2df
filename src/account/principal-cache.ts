import type { Principal } from './principal.ts'

export interface CachedSignIn {
  readonly principal: Principal
  readonly expiresMs: number
  /** When the database last heard that it is used. */
  notedMs: number
}

/** The sign-ins in use, so that a request costs no call of the storage thread. What was used longest ago goes first. */
export class PrincipalCache {
  readonly #cap: number
  readonly #entries = new Map<string, CachedSignIn>()
  /** Counts what was forgotten on purpose: a read that began before must not put it back. */
  #forgotten = 0

  constructor(cap: number) {
    this.#cap = cap
  }

  get forgotten(): number {
    return this.#forgotten
  }

  get(tokenSha: string): CachedSignIn | undefined {
    const entry = this.#entries.get(tokenSha)
    if (entry !== undefined) {
      this.#entries.delete(tokenSha)
      this.#entries.set(tokenSha, entry)
    }
    return entry
  }

  /** `since`: the value of `forgotten` before the entry was read. */
  put(tokenSha: string, entry: CachedSignIn, since: number): void {
    if (since !== this.#forgotten) return
    this.#entries.set(tokenSha, entry)
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > this.#cap && oldest !== undefined) this.#entries.delete(oldest)
  }

  forget(tokenSha: string): void {
    this.#forgotten += 1
    this.#entries.delete(tokenSha)
  }

  forgetUser(userId: string): void {
    this.#forgotten += 1
    for (const [tokenSha, { principal }] of this.#entries)
      if (principal.id === userId) this.#entries.delete(tokenSha)
  }
}
