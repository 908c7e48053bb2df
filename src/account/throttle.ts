import { RateLimit } from '../guard/rate-limit.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'

const perMs = 60_000
/** Wrong answers at once and in each minute after that. */
const perAddress = 10
const perName = 5

/**
 * Slows guessing by address and by name. Strangers who keep a name busy do not keep its owner out: who has signed in from
 * an address before is counted there apart.
 */
export class Throttle {
  readonly #addresses: RateLimit
  readonly #names: RateLimit

  constructor(clock: Clock) {
    this.#addresses = new RateLimit({ limit: perAddress, perMs }, clock)
    this.#names = new RateLimit({ limit: perName, perMs }, clock)
  }

  /** Counts a try; throws `rate_limited` with the time to wait when there were too many. */
  take(address: string, name: string, known: boolean): void {
    const waitMs = Math.max(
      this.#addresses.take(network(address)),
      this.#names.take(nameKey(address, name, known)),
    )
    if (waitMs === 0) return
    const seconds = Math.ceil(waitMs / 1000)
    throw new AppError('rate_limited', `Too many tries. Wait ${seconds} s, then try again.`, {
      detail: { retryAfterMs: waitMs },
    })
  }

  /** The try was right. */
  forgive(address: string, name: string, known: boolean): void {
    this.#addresses.forgive(network(address))
    this.#names.forgive(nameKey(address, name, known))
  }
}

const nameKey = (address: string, name: string, known: boolean): string =>
  `${known ? network(address) : 'strangers'} ${name.toLowerCase()}`

/** A device may take any IPv6 address of its /64 (RFC 4291 §2.5.1), so they count as one. */
function network(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  if (!plain.includes(':')) return plain
  const [head = '', tail] = plain.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const middle = tail === undefined ? [] : Array(Math.max(0, 8 - before.length - after.length)).fill('0')
  return [...before, ...middle, ...after].slice(0, 4).join(':')
}
