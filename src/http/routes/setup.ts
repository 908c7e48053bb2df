import type { Accounts } from '../../account/accounts.ts'
import { type SetupView, setupBody, setupView, signedInView } from '../../wire/auth.ts'
import { type TlsShortView, tlsShortView } from '../../wire/tls.ts'
import { json, type Operation, operation } from '../api/operation.ts'
import { sendSignedIn } from '../send-signed-in.ts'

/** The first person claims the gateway. The code is told on the control socket alone. */
export const setupOperations = (
  accounts: Accounts,
  tls: () => TlsShortView | undefined = () => undefined,
  guests: 'off' | 'view' = 'off',
): readonly Operation[] => [
  operation({
    id: 'getSetup',
    method: 'get',
    path: '/setup',
    tag: 'setup',
    summary: 'Whether the gateway has an admin',
    description: 'On the control socket the answer also has the claim code, while nobody has used it.',
    access: 'open',
    answers: { 200: json(setupView, 'Claimed or not') },
    async run({ principal }) {
      const claimCode = await accounts.claimCode()
      const known = tls()
      const view: SetupView = {
        claimed: claimCode === undefined,
        ...(guests === 'view' && { guests: true }),
        ...(known && { tls: tlsShortView.parse(known) }),
        ...(principal?.kind === 'local' && claimCode !== undefined && { claimCode }),
      }
      return view
    },
  }),

  operation({
    id: 'claimGateway',
    method: 'post',
    path: '/setup',
    tag: 'setup',
    summary: 'Make the first admin and sign in',
    description: 'Takes the claim code that the gateway shows with `pixelgate setup`.',
    access: 'open',
    body: setupBody,
    answers: { 201: json(signedInView, 'The first admin, signed in') },
    errors: ['forbidden', 'conflict', 'rate_limited'],
    secret: true,
    repeatable: false,
    async stream(ctx, call) {
      const session = await accounts.claim(call.body, call.caller)
      call.changed({ resource: `users/${session.user.name}`, after: session.user })
      ctx.status = 201
      sendSignedIn(ctx, session)
    },
  }),
]
