import type { Bus } from '../kernel/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Store } from '../store/store.ts'
import type { StoredUser } from '../store/tables/users.ts'
import type { AccountEvents, Caller, TryOutcome } from './account-events.ts'
import { nameBucket, Throttle, type Try } from './throttle.ts'

const longestAgent = 200

export interface TriesParts {
  readonly store: Pick<Store, 'sessions' | 'signInFailures'>
  readonly clock: Pick<Clock, 'wallTime'>
  readonly log: Log
  readonly events: Bus<AccountEvents>
}

export interface Attempt<T> {
  readonly caller: Caller
  /** Whose account it is about, once that is known. */
  readonly name?: () => string | undefined
  readonly whose: () => Promise<Try>
  /** Resolves with undefined for a wrong answer. */
  readonly check: () => Promise<T | undefined>
}

/** Every try to prove who one is: slowed when it was wrong before, written to the log, told to those who listen. */
export class Tries {
  readonly throttle: Throttle
  readonly #parts: TriesParts

  constructor(parts: TriesParts) {
    this.#parts = parts
    this.throttle = new Throttle(parts.store.signInFailures, parts.clock)
  }

  /** What the check resolves with; undefined for a wrong answer. Rejects with `rate_limited`, `overloaded`. */
  async attempt<T>({ caller, name, whose, check }: Attempt<T>): Promise<T | undefined> {
    try {
      return await this.throttle.attempt(whose, check)
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.code === 'rate_limited') {
        const known = name?.()
        this.tell('throttled', caller, known === undefined ? undefined : { name: known })
      }
      throw thrown
    }
  }

  /** How tries for an account are counted; `user` undefined: nobody is called `name`. */
  async ofAccount(user: StoredUser | undefined, name: string, { address }: Caller): Promise<Try> {
    if (user === undefined) return { address, who: nameBucket(name), known: false }
    const nowMs = this.#parts.clock.wallTime()
    const known = await this.#parts.store.sessions.known({ userId: user.id, address, nowMs })
    return { address, who: `account ${user.id}`, known }
  }

  tell(
    outcome: TryOutcome,
    { address, agent }: Caller,
    who?: { readonly name: string; readonly id?: string },
  ): void {
    const said = {
      outcome,
      address,
      agent: agent.slice(0, longestAgent),
      ...(who !== undefined && { name: who.name }),
      ...(who?.id !== undefined && { userId: who.id }),
    }
    const { log, events } = this.#parts
    if (outcome === 'ok') log.info(said, 'signed in')
    else log.warn(said, 'a sign-in was refused')
    events.emit('signIn.tried', said)
  }
}
