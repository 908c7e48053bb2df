import type { UserView } from '../wire/auth.ts'

/** Where a request comes from; both are kept with the session for people to look at. */
export interface Caller {
  readonly address: string
  readonly agent: string
}

/** How a try to prove who one is came out. */
export type TryOutcome =
  | 'ok'
  | 'wrong_password'
  /** Nobody is called so; the name is left out then, as people type passwords there. */
  | 'unknown'
  | 'throttled'
  | 'wrong_claim_code'
  /** The password was right, the code of the app or of the list was not, or was used before. */
  | 'wrong_second_factor'
  /** The password was right, but an admin has switched the account off. */
  | 'disabled'
  /** A refresh token was shown a second time: somebody may have stolen it, so its session has ended. */
  | 'refresh_reuse'

export interface AccountEvents {
  readonly 'signIn.tried': {
    readonly outcome: TryOutcome
    readonly name?: string
    readonly userId?: string
    readonly address: string
    readonly agent: string
  }
  /** One session (`signInId` as in Principal), or all of a user who was removed or has changed (null). */
  readonly 'signIn.ended': { readonly userId: string; readonly signInId: string | null }
  readonly 'user.added': UserView
  /** Role, password, whether they may sign in, or the second factor; `after` tells the last two. */
  readonly 'user.changed': { readonly before: UserView; readonly after: UserView }
  readonly 'user.removed': { readonly id: string; readonly name: string }
}
