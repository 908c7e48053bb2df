import type { Accounts } from '../../account/accounts.ts'
import { AppError } from '../../kernel/errors.ts'
import { meView, passwordBody, refreshBody, signedInView, signInBody } from '../../wire/auth.ts'
import { schemeOf } from '../access/caller.ts'
import { endSession, refreshTokenOf } from '../access/session-cookie.ts'
import { empty, json, type Operation, operation } from '../api/operation.ts'
import { sendSignedIn } from '../send-signed-in.ts'

export const authOperations = (accounts: Accounts): readonly Operation[] => [
  operation({
    id: 'signIn',
    method: 'post',
    path: '/auth/sign-in',
    tag: 'auth',
    summary: 'Sign in with a password',
    description:
      'Where the account has a second factor, `code` is needed too: without it the answer to a right password is 401 with the code second_factor_required. Browsers get the refresh token as a cookie alone.',
    access: 'open',
    body: signInBody,
    answers: { 200: json(signedInView, 'A session of 30 days, with an access token of 30 minutes') },
    errors: ['unauthenticated', 'second_factor_required', 'forbidden', 'rate_limited'],
    audited: false,
    secret: true,
    repeatable: false,
    async stream(ctx, { body, caller }) {
      sendSignedIn(ctx, await accounts.signIn(body, caller))
    },
  }),

  operation({
    id: 'refreshSession',
    method: 'post',
    path: '/auth/refresh',
    tag: 'auth',
    summary: 'Two new tokens for a refresh token',
    description:
      'Uses the refresh token up, of the body or else of the cookie, and ends the old access token. A refresh token that is shown a second time ends its session.',
    access: 'open',
    body: refreshBody,
    answers: { 200: json(signedInView, 'The same session with new tokens') },
    errors: ['unauthenticated'],
    audited: false,
    secret: true,
    repeatable: false,
    async stream(ctx, { body, caller }) {
      const token = body?.refreshToken ?? refreshTokenOf(ctx.req.headers.cookie)
      try {
        if (token === undefined) throw new AppError('unauthenticated', 'There is no refresh token. Sign in.')
        sendSignedIn(ctx, await accounts.sessions.refresh(token, caller))
      } catch (thrown) {
        const isOfCookie = body?.refreshToken === undefined && token !== undefined
        if (isOfCookie && thrown instanceof AppError && thrown.code === 'unauthenticated')
          ctx.set('Set-Cookie', [...endSession(schemeOf(ctx.req) === 'https')])
        throw thrown
      }
    },
  }),

  operation({
    id: 'signOut',
    method: 'post',
    path: '/auth/sign-out',
    tag: 'auth',
    summary: 'End this session',
    access: 'viewer',
    answers: { 204: empty('It has ended') },
    repeatable: false,
    async stream(ctx, { principal }) {
      if (principal.signInId !== undefined) await accounts.sessions.end(principal.signInId, principal.id)
      ctx.set('Set-Cookie', [...endSession(schemeOf(ctx.req) === 'https')])
      ctx.status = 204
      ctx.body = null
    },
  }),

  operation({
    id: 'getMe',
    method: 'get',
    path: '/auth/me',
    tag: 'auth',
    summary: 'Who asks',
    access: 'viewer',
    audited: false,
    answers: { 200: json(meView, 'The account, or the console') },
    async run({ principal: { id, name, role, signInId } }) {
      const nobody = { id, name, role, createdAt: null, disabled: false, secondFactor: false }
      return { user: (await accounts.user(id)) ?? nobody, sessionId: signInId ?? null }
    },
  }),

  operation({
    id: 'changePassword',
    method: 'post',
    path: '/auth/password',
    tag: 'auth',
    summary: 'Change your own password',
    description: 'Ends all your other sessions.',
    access: 'viewer',
    body: passwordBody,
    answers: { 204: empty('It is changed') },
    errors: ['forbidden', 'rate_limited'],
    repeatable: false,
    async run(call) {
      await accounts.own.changePassword(call.principal, call.body, call.caller)
      call.changed({ resource: `users/${call.principal.name}`, after: { passwordChanged: true } })
    },
  }),
]
