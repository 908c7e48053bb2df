import { createHash } from 'node:crypto'
import { Gate } from '../guard/gate.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Store } from '../store/store.ts'
import { type DelayRule, type Failures, waitMs, withFailure } from './sign-in-delay.ts'

const minuteMs = 60_000
const forgetMs = 60 * minuteMs
const longestMs = 5 * minuteMs
export const addressRule: DelayRule = { free: 10, firstMs: minuteMs, longestMs, forgetMs }
export const accountRule: DelayRule = { free: 5, firstMs: 30_000, longestMs, forgetMs }
/** Rows in the database; an attacker needs as many addresses, and 170 ms a try, to have one forgotten. */
const keptRows = 10_000
const waiting = 32

/** Whom a try is for, and from where. */
export interface Try {
  readonly address: string
  /** Id of an account or another fixed word; `nameBucket` for a name that nobody has. */
  readonly who: string
  /** Its owner has a session from this address: tries there are counted apart from those of strangers. */
  readonly known: boolean
}

/**
 * Slows guessing by address and by account. The rows are in the database, so a restart forgives nothing; only a wrong
 * answer writes, or a right one after wrong ones. Nobody is ever locked out: the delay ends, and strangers who keep an
 * account busy do not touch its owner, who is counted apart at addresses with a session.
 */
export class Throttle {
  readonly #store: Store['signInFailures']
  readonly #clock: Pick<Clock, 'wallTime'>
  /** One after the other: of many guesses at once each has to find the ones before it counted. */
  readonly #turn = new Gate({
    running: 1,
    waiting,
    message: 'Too many people sign in at this moment. Try again in a few seconds.',
  })

  constructor(store: Store['signInFailures'], clock: Pick<Clock, 'wallTime'>) {
    this.#store = store
    this.#clock = clock
  }

  /**
   * Runs a check that resolves with what it found, or with undefined for a wrong answer, which is counted. Rejects with
   * `rate_limited` and the time to wait when there were too many. What the check throws counts as neither. `what` is asked
   * twice, before the queue and when its turn has come.
   */
  async attempt<T>(what: () => Promise<Try>, check: () => Promise<T | undefined>): Promise<T | undefined> {
    // Who has to wait anyway takes nobody's place in the queue.
    await this.#admit(await what())
    return await this.#turn.run(async () => {
      const { keys, known } = await this.#admit(await what())
      const found = await check()
      if (found !== undefined) {
        if (known.size > 0) await this.#store.remove([...known.keys()])
        return found
      }
      const nowMs = this.#clock.wallTime()
      const counted = keys.map(({ who, rule }) => ({ who, ...withFailure(known.get(who), rule, nowMs) }))
      await this.#store.put(counted, keptRows)
      return undefined
    })
  }

  /** What is known of these keys; throws `rate_limited` when one of them has to wait. */
  async #admit(attempt: Try): Promise<{ keys: readonly Key[]; known: ReadonlyMap<string, Failures> }> {
    const keys = keysOf(attempt)
    const rows = await this.#store.of(keys.map(({ who }) => who))
    const known = new Map<string, Failures>(rows.map(row => [row.who, row]))
    const nowMs = this.#clock.wallTime()
    const waits = keys.map(({ who, rule }) => {
      const row = known.get(who)
      return row === undefined ? 0 : waitMs(row, rule, nowMs)
    })
    const retryAfterMs = Math.max(...waits)
    if (retryAfterMs === 0) return { keys, known }
    const seconds = Math.ceil(retryAfterMs / 1000)
    throw new AppError('rate_limited', `Too many tries. Wait ${seconds} s, then try again.`, {
      detail: { retryAfterMs },
    })
  }
}

interface Key {
  readonly who: string
  readonly rule: DelayRule
}

function keysOf({ address, who, known }: Try): readonly Key[] {
  const from = network(address)
  return [
    { who: `address ${from}`, rule: addressRule },
    { who: `${who} ${known ? from : 'strangers'}`, rule: accountRule },
  ]
}

/** One of 4,096 places for a name that nobody has: as slow as a known one, and what was typed is not kept. */
export function nameBucket(name: string): string {
  const [high = 0, low = 0] = createHash('sha256').update(name.toLowerCase()).digest()
  return `name ${((high << 8) | low) & 0xfff}`
}

/** A device may take any IPv6 address of its /64 (RFC 4291 §2.5.1), so they count as one. */
export function network(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  if (!plain.includes(':')) return plain
  const [head = '', tail] = plain.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const middle = tail === undefined ? [] : Array(Math.max(0, 8 - before.length - after.length)).fill('0')
  return [...before, ...middle, ...after].slice(0, 4).join(':')
}
