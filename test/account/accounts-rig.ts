import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type AccountEvents, Accounts } from '../../src/account/accounts.ts'
import type { IssuedSession } from '../../src/account/sessions.ts'
import { accountsVault } from '../../src/app-secrets.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { openStore, type Store } from '../../src/store/store.ts'

/** Enough for a test of what hangs on the hash. */
export const cheap = { logN: 4, r: 1, p: 1 }
export const home = { address: '192.168.1.10', agent: 'panel' }
export const password = 'marble otter canyon'

/** A clock whose time of day somebody sets, as NTP does on a Pi. */
export class SetClock extends VirtualClock {
  aheadMs = 0
  override wallTime(): number {
    return super.wallTime() + this.aheadMs
  }
}

export interface Gateway {
  readonly folder: string
  readonly clock: SetClock
  readonly store: Store
  readonly accounts: Accounts
  /** What was logged, as JSON. */
  readonly lines: string[]
  readonly tried: AccountEvents['signIn.tried'][]
  readonly ended: AccountEvents['signIn.ended'][]
  readonly changed: AccountEvents['user.changed'][]
  /** The same gateway after a stop: nothing of its memory is left. */
  restarted(): Promise<Gateway>
  /** With the right password, from home. */
  signIn(name?: string): Promise<IssuedSession>
}

/** Accounts over a real database, with `ada`, its admin. */
export async function gateway(t: Test): Promise<Gateway> {
  const folder = await mkdtemp(join(tmpdir(), 'pixelgate-'))
  const clock = new SetClock()
  let store: Store | undefined
  t.teardown(async () => {
    await store?.close()
    await rm(folder, { recursive: true })
  })
  const lines: string[] = []
  const start = async (): Promise<Gateway> => {
    await store?.close()
    store = await openStore(join(folder, 'gateway.db'))
    const say = (fields: object, message: string) => void lines.push(JSON.stringify({ ...fields, message }))
    const log = { debug: say, info: say, warn: say, error: say }
    const accounts = new Accounts({ store, clock, log, sealer: accountsVault(folder), scryptCost: cheap })
    const tried: Gateway['tried'] = []
    const ended: Gateway['ended'] = []
    const changed: Gateway['changed'] = []
    accounts.events.on('signIn.tried', event => tried.push(event))
    accounts.events.on('signIn.ended', event => ended.push(event))
    accounts.events.on('user.changed', event => changed.push(event))
    const signIn = (name = 'ada') => accounts.signIn({ name, password }, home)
    const seen = { lines, tried, ended, changed }
    return { folder, clock, store, accounts, ...seen, restarted: start, signIn }
  }
  const first = await start()
  await first.accounts.addUser({ name: 'ada', password, role: 'admin' })
  return first
}

/** Code of the error that it rejects with; `none` when it does not. */
export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (thrown: unknown) => (thrown instanceof AppError ? thrown.code : String(thrown)),
  )
