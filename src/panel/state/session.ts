import { computed, signal } from '@preact/signals'
import type { SetupView, SignedInView, UserView } from '../../wire/auth.ts'
import { get, post, whenSignedOut } from '../api.ts'
import { asTrouble } from '../model/problem.ts'
import { noteNewTokens } from '../renewal.ts'
import { goInstead } from './router.ts'

export type Session =
  | { readonly kind: 'starting' }
  | { readonly kind: 'unreachable'; readonly message: string }
  | { readonly kind: 'claim' }
  | { readonly kind: 'sign-in'; readonly notice: string | null }
  | { readonly kind: 'signed-in'; readonly user: UserView }
  /** Nobody in particular, where the configuration lets strangers look. */
  | { readonly kind: 'guest' }

export const session = signal<Session>({ kind: 'starting' })

export const me = computed(() => (session.value.kind === 'signed-in' ? session.value.user : null))
export const mayOperate = computed(() => me.value !== null && me.value.role !== 'viewer')
export const isGuest = computed(() => session.value.kind === 'guest')
export const isAdmin = computed(() => me.value?.role === 'admin')

whenSignedOut(() => {
  if (session.peek().kind === 'signed-in')
    session.value = { kind: 'sign-in', notice: 'Your session has ended. Sign in again.' }
})

/** Who are we, and has anybody claimed this gateway yet? */
export async function begin(): Promise<void> {
  try {
    const { claimed, guests } = await get<SetupView>('/setup')
    session.value = claimed ? await known(guests === true) : { kind: 'claim' }
  } catch (thrown) {
    session.value = { kind: 'unreachable', message: asTrouble(thrown).message }
  }
}

async function known(guestsMayLook: boolean): Promise<Session> {
  try {
    const { user } = await get<{ user: UserView }>('/auth/me')
    return { kind: 'signed-in', user }
  } catch (thrown) {
    if (asTrouble(thrown).status !== 401) throw thrown
    return guestsMayLook ? { kind: 'guest' } : { kind: 'sign-in', notice: null }
  }
}

/** After a change of one's own account. */
export async function reloadMe(): Promise<void> {
  const { user } = await get<{ user: UserView }>('/auth/me')
  if (session.peek().kind === 'signed-in') session.value = { kind: 'signed-in', user }
}

export const askToSignIn = (): void => {
  session.value = { kind: 'sign-in', notice: null }
}

/** After a connection that was refused or never came up: the session may have ended meanwhile, or the role be another one. A network fault says nothing about it. */
export async function checkSession(): Promise<void> {
  try {
    await reloadMe()
  } catch (thrown) {
    if (asTrouble(thrown).status === 401 && session.peek().kind === 'signed-in')
      session.value = { kind: 'sign-in', notice: 'Your session has ended. Sign in again.' }
  }
}

export async function claim(claimCode: string, name: string, password: string): Promise<void> {
  const { user } = await post<SignedInView>('/setup', { claimCode, name, password })
  noteNewTokens()
  session.value = { kind: 'signed-in', user }
}

/** Makes the account that the link invites to. The link is used up then, so nothing leads back to it. */
export async function acceptInvite(code: string, name: string, password: string): Promise<void> {
  const { user } = await post<SignedInView>('/invites/accept', { code, name, password })
  noteNewTokens()
  goInstead({ page: 'boards' })
  session.value = { kind: 'signed-in', user }
}

/** `code` undefined: the gateway says whether it wants one. */
export async function signIn(name: string, password: string, code?: string): Promise<void> {
  const { user } = await post<SignedInView>('/auth/sign-in', {
    name,
    password,
    ...(code !== undefined && { code }),
  })
  noteNewTokens()
  session.value = { kind: 'signed-in', user }
}

export async function signOut(): Promise<void> {
  await post('/auth/sign-out')
  session.value = { kind: 'sign-in', notice: null }
}
