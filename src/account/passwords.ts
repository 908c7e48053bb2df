import { Gate } from '../guard/gate.ts'
import { AppError } from '../kernel/errors.ts'
import { defaultScryptCost, hashPassword, type ScryptCost, verifyPassword } from './password-hash.ts'
import { passwordWeakness } from './password-weakness.ts'

/** 32 MiB each and about 170 ms: eight at once took 204 MB. */
const hashesAtOnce = 1
const hashesWaiting = 32

/** Hashes and compares passwords, one at a time. */
export class Passwords {
  readonly #cost: ScryptCost
  readonly #gate = new Gate({
    running: hashesAtOnce,
    waiting: hashesWaiting,
    message: 'Too many people sign in at this moment. Try again in a few seconds.',
  })
  /** What an unknown name is checked against, so that it takes as long as a known one. */
  readonly #nobodysHash: string

  constructor(cost: ScryptCost = defaultScryptCost) {
    this.#cost = cost
    this.#nobodysHash = `scrypt$${cost.logN}$${cost.r}$${cost.p}$${'A'.repeat(22)}$${'A'.repeat(43)}`
  }

  /** Rejects with `usage` when anybody would guess it, `overloaded` when too many wait. */
  async hash(password: string, name: string): Promise<string> {
    const weakness = passwordWeakness(password, name)
    if (weakness !== undefined) throw new AppError('usage', weakness)
    return await this.#gate.run(() => hashPassword(password, this.#cost))
  }

  /** `stored` undefined: there is nobody, and it takes as long to say so. */
  verify(password: string, stored: string | undefined): Promise<boolean> {
    return this.#gate.run(async () => {
      const right = await verifyPassword(password, stored ?? this.#nobodysHash)
      return right && stored !== undefined
    })
  }
}
