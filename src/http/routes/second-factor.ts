import type { Accounts } from '../../account/accounts.ts'
import { backupCodesView, totpCodeBody, totpRemovalBody, totpView } from '../../wire/auth.ts'
import { empty, json, type Operation, operation } from '../api/operation.ts'

/** One's own second factor. */
export const secondFactorOperations = (accounts: Accounts): readonly Operation[] => [
  operation({
    id: 'beginTotp',
    method: 'post',
    path: '/auth/totp',
    tag: 'auth',
    summary: 'A secret for an authenticator app',
    description: 'It is not asked for until a code of the app has confirmed it.',
    access: 'viewer',
    answers: { 200: json(totpView, 'The secret, told this once') },
    errors: ['conflict'],
    secret: true,
    repeatable: false,
    run: ({ principal }) => accounts.own.beginSecondFactor(principal),
  }),

  operation({
    id: 'confirmTotp',
    method: 'post',
    path: '/auth/totp/confirm',
    tag: 'auth',
    summary: 'Turn the second factor on with a code of the app',
    access: 'viewer',
    body: totpCodeBody,
    answers: { 200: json(backupCodesView, 'Ten backup codes, told this once') },
    errors: ['forbidden', 'conflict', 'rate_limited'],
    secret: true,
    repeatable: false,
    async run(call) {
      const backupCodes = await accounts.own.confirmSecondFactor(call.principal, call.body.code, call.caller)
      call.changed({ resource: `users/${call.principal.name}`, after: { secondFactor: true } })
      return { backupCodes }
    },
  }),

  operation({
    id: 'renewBackupCodes',
    method: 'post',
    path: '/auth/backup-codes',
    tag: 'auth',
    summary: 'Ten new backup codes in the place of the old ones',
    access: 'viewer',
    answers: { 200: json(backupCodesView, 'Told this once') },
    errors: ['conflict'],
    secret: true,
    repeatable: false,
    run: async ({ principal }) => ({ backupCodes: await accounts.own.renewBackupCodes(principal) }),
  }),

  operation({
    id: 'removeTotp',
    method: 'delete',
    path: '/auth/totp',
    tag: 'auth',
    summary: 'Turn the second factor off',
    description: 'Takes a code or the password, so that an open session alone is not enough.',
    access: 'viewer',
    body: totpRemovalBody,
    answers: { 204: empty('It is off') },
    errors: ['forbidden', 'conflict', 'rate_limited'],
    async run(call) {
      await accounts.own.removeSecondFactor(call.principal, call.body, call.caller)
      const resource = `users/${call.principal.name}`
      call.changed({ resource, before: { secondFactor: true }, after: { secondFactor: false } })
    },
  }),
]
