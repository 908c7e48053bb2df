import { createHmac, randomBytes } from 'node:crypto'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Store } from '../store/store.ts'
import type { TotpView } from '../wire/auth.ts'
import { makeTypedCode, plainCode } from './claim-code.ts'
import type { Sealer } from './sealer.ts'

/** RFC 4226 §4 R6 wants 128 bits at least and recommends 160. */
const secretBytes = 20
const backupKeyBytes = 32
const backupCodes = 10
const issuer = 'pixelgate'
const periodSeconds = 30
/** So many time steps before and after this one are taken, for clocks that differ (RFC 6238 §5.2). */
const window = 1

/** Which of the two kinds it was. */
export type UsedFactor = 'app' | 'backup_code'

export interface SecondFactorsParts {
  readonly store: Pick<Store, 'secondFactors'>
  readonly clock: Pick<Clock, 'wallTime'>
  /** undefined: this program keeps no secrets, so nobody can have a second factor. */
  readonly sealer: Sealer | undefined
}

/**
 * One-time codes of an authenticator app (RFC 6238) and ten backup codes. The secret is encrypted in the database; backup
 * codes are kept as HMAC-SHA-256 under a key that is encrypted with it, so the database alone does not even let them be
 * guessed. Each code works once.
 */
export class SecondFactors {
  readonly #parts: SecondFactorsParts

  constructor(parts: SecondFactorsParts) {
    this.#parts = parts
  }

  /** A new secret for an app, not asked for until `confirm`. Rejects with `conflict` when there is a confirmed one. */
  async begin(user: { readonly id: string; readonly name: string }): Promise<TotpView> {
    const { store, clock } = this.#parts
    const secret = randomBytes(secretBytes)
    const kept = Buffer.concat([secret, randomBytes(backupKeyBytes)])
    const sealed = this.#sealer().seal(ownerOf(user.id), kept, !(await store.secondFactors.any()))
    const begun = { userId: user.id, sealed, madeMs: clock.wallTime() }
    if (!(await store.secondFactors.begin(begun)))
      throw new AppError('conflict', 'There is a second factor already. Remove it first.')
    const [app, { renderSVG }] = await Promise.all([totp(secret, user.name), import('uqr')])
    const url = app.toString()
    return { secret: app.secret.base32, url, qrSvg: renderSVG(url) }
  }

  /**
   * Ten backup codes, told this once, for a code that shows that the app has the secret; undefined for a wrong code.
   * Rejects with `conflict` when there is no secret to confirm.
   */
  async confirm(userId: string, typed: string): Promise<readonly string[] | undefined> {
    const { store, clock } = this.#parts
    const record = await store.secondFactors.get(userId)
    if (record === undefined || record.confirmedMs !== null) throw nothingToConfirm()
    const { secret, backupKey } = this.#open(userId, record.sealed)
    const step = await this.#stepOf(secret, typed)
    if (step === undefined) return undefined
    const codes = makeCodes()
    const codeShas = codes.map(code => codeSha(backupKey, code))
    const nowMs = clock.wallTime()
    if (!(await store.secondFactors.confirm({ userId, sealed: record.sealed, step, nowMs, codeShas })))
      throw nothingToConfirm()
    return codes
  }

  /** Uses a code up; undefined when it is wrong or was used. Rejects with `config_invalid` without the key file. */
  async use(userId: string, typed: string): Promise<UsedFactor | undefined> {
    const { store, clock } = this.#parts
    const record = await store.secondFactors.get(userId)
    if (record === undefined || record.confirmedMs === null) return undefined
    const { secret, backupKey } = this.#open(userId, record.sealed)
    if (isAppCode(typed)) {
      const step = await this.#stepOf(secret, typed)
      return step !== undefined && (await store.secondFactors.useStep({ userId, step })) ? 'app' : undefined
    }
    const used = { userId, codeSha: codeSha(backupKey, typed), nowMs: clock.wallTime() }
    return (await store.secondFactors.useCode(used)) === undefined ? undefined : 'backup_code'
  }

  /** Ten new backup codes in the place of those there are. Rejects with `conflict` without a second factor. */
  async renewCodes(userId: string): Promise<readonly string[]> {
    const { store } = this.#parts
    const record = await store.secondFactors.get(userId)
    if (record === undefined || record.confirmedMs === null) throw noFactor()
    const { backupKey } = this.#open(userId, record.sealed)
    const codes = makeCodes()
    const codeShas = codes.map(code => codeSha(backupKey, code))
    if (!(await store.secondFactors.setCodes({ userId, codeShas }))) throw noFactor()
    return codes
  }

  /** False when there was none. Needs no key. */
  remove(userId: string): Promise<boolean> {
    return this.#parts.store.secondFactors.remove(userId)
  }

  /** Time step that the code belongs to, within the window; undefined: none. */
  async #stepOf(secret: Uint8Array, typed: string): Promise<number | undefined> {
    const timestamp = this.#parts.clock.wallTime()
    const app = await totp(secret, '')
    const delta = app.validate({ token: plainCode(typed), timestamp, window })
    return delta === null ? undefined : app.counter({ timestamp }) + delta
  }

  #open(userId: string, sealed: Uint8Array): { secret: Uint8Array; backupKey: Uint8Array } {
    const kept = this.#sealer().open(ownerOf(userId), sealed)
    return { secret: kept.slice(0, secretBytes), backupKey: kept.slice(secretBytes) }
  }

  #sealer(): Sealer {
    if (this.#parts.sealer !== undefined) return this.#parts.sealer
    throw new AppError('config_invalid', 'This program keeps no secrets, so it has no second factors.')
  }
}

const ownerOf = (userId: string): string => `second factor ${userId}`

const isAppCode = (typed: string): boolean => /^\d{6}$/.test(plainCode(typed))

/** 12 letters, 54 bits. */
const makeCodes = (): readonly string[] => Array.from({ length: backupCodes }, () => makeTypedCode(3, 4))

const codeSha = (backupKey: Uint8Array, typed: string): string =>
  createHmac('sha256', backupKey).update(plainCode(typed)).digest('hex')

/** What all apps know without being told: SHA-1, six digits, 30 s. */
async function totp(secret: Uint8Array, label: string) {
  const { Secret, TOTP } = await import('otpauth')
  const buffer = Uint8Array.from(secret).buffer
  return new TOTP({
    issuer,
    label,
    algorithm: 'SHA1',
    digits: 6,
    period: periodSeconds,
    secret: new Secret({ buffer }),
  })
}

const noFactor = (): AppError => new AppError('conflict', 'There is no second factor. Set one up first.')
const nothingToConfirm = (): AppError =>
  new AppError('conflict', 'There is no new secret to confirm. Begin again with a new one.')
