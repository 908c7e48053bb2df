import { computed, signal } from '@preact/signals'
import type { SetupView, SignedInView, UserView } from '../../wire/auth.ts'
import { get, post, whenSignedOut } from '../api.ts'
import { asTrouble } from '../model/problem.ts'

export type Session =
  | { readonly kind: 'starting' }
  | { readonly kind: 'unreachable'; readonly message: string }
  | { readonly kind: 'claim' }
  | { readonly kind: 'sign-in'; readonly notice: string | null }
  | { readonly kind: 'signed-in'; readonly user: UserView }

export const session = signal<Session>({ kind: 'starting' })

export const me = computed(() => (session.value.kind === 'signed-in' ? session.value.user : null))
export const mayOperate = computed(() => me.value !== null && me.value.role !== 'viewer')
export const isAdmin = computed(() => me.value?.role === 'admin')

whenSignedOut(() => {
  if (session.peek().kind === 'signed-in')
    session.value = { kind: 'sign-in', notice: 'Your session has ended. Sign in again.' }
})

/** Who are we, and has anybody claimed this gateway yet? */
export async function begin(): Promise<void> {
  try {
    const { claimed } = await get<SetupView>('/setup')
    session.value = claimed ? await known() : { kind: 'claim' }
  } catch (thrown) {
    session.value = { kind: 'unreachable', message: asTrouble(thrown).message }
  }
}

async function known(): Promise<Session> {
  try {
    const { user } = await get<{ user: UserView }>('/auth/me')
    return { kind: 'signed-in', user }
  } catch (thrown) {
    if (asTrouble(thrown).status === 401) return { kind: 'sign-in', notice: null }
    throw thrown
  }
}

/** After a connection that never came up: the session may have ended meanwhile. A network fault says nothing about it. */
export async function checkSession(): Promise<void> {
  try {
    await get('/auth/me')
  } catch (thrown) {
    if (asTrouble(thrown).status === 401 && session.peek().kind === 'signed-in')
      session.value = { kind: 'sign-in', notice: 'Your session has ended. Sign in again.' }
  }
}

export async function claim(claimCode: string, name: string, password: string): Promise<void> {
  const { user } = await post<SignedInView>('/setup', { claimCode, name, password })
  session.value = { kind: 'signed-in', user }
}

export async function signIn(name: string, password: string): Promise<void> {
  const { user } = await post<SignedInView>('/auth/sign-in', { name, password })
  session.value = { kind: 'signed-in', user }
}

export async function signOut(): Promise<void> {
  await post('/auth/sign-out')
  session.value = { kind: 'sign-in', notice: null }
}
