import type { Invites } from '../../account/invites.ts'
import { signedInView } from '../../wire/auth.ts'
import {
  acceptInvite,
  invitesView,
  issuedInvite,
  lookAtInvite,
  newInvite,
  openInviteView,
} from '../../wire/invite.ts'
import { empty, json, type Operation, operation } from '../api/operation.ts'
import { pageOf, paging } from '../api/paging.ts'
import { sendSignedIn } from '../send-signed-in.ts'

export interface InviteDeps {
  readonly invites: Invites
  /** Where the panel is for people in the network, for links made on the control socket; null: nowhere. */
  readonly panelUrl: () => string | null
}

/** How people get an account without anybody telling them a password. */
export const inviteOperations = ({ invites, panelUrl }: InviteDeps): readonly Operation[] => [
  operation({
    id: 'createInvite',
    method: 'post',
    path: '/invites',
    tag: 'invites',
    summary: 'Invite somebody to make an account',
    description:
      'The answer holds the link, this once: only the hash of its code is kept. It is good for one account.',
    access: 'admin',
    body: newInvite,
    answers: { 201: json(issuedInvite, 'The invitation with its link') },
    errors: ['conflict'],
    secret: true,
    async run(call) {
      const { principal, origin } = call
      const { invite, code } = await invites.make(principal, call.body)
      const { id, role, expiresAt, note } = invite
      call.changed({ resource: `invites/${id}`, after: { role, expiresAt, note } })
      const panel = principal.kind === 'local' ? (panelUrl() ?? origin) : origin
      const url = `${panel}/#/invite/${code}`
      const { renderSVG } = await import('uqr')
      return { invite, code, url, qrSvg: renderSVG(url) }
    },
  }),

  operation({
    id: 'listInvites',
    method: 'get',
    path: '/invites',
    tag: 'invites',
    summary: 'Invitations, newest first',
    access: 'admin',
    query: paging,
    answers: { 200: json(invitesView, 'A page of the invitations') },
    async run({ query }) {
      const { items, total, nextCursor } = pageOf(await invites.list(), query, ({ id }) => id)
      return { invites: items, total, nextCursor }
    },
  }),

  operation({
    id: 'deleteInvite',
    method: 'delete',
    path: '/invites/:id',
    tag: 'invites',
    summary: 'Take an invitation back',
    access: 'admin',
    answers: { 204: empty('Its link leads nowhere any more') },
    errors: ['not_found'],
    async run(call) {
      const { role, note, state } = await invites.remove(call.params.id)
      call.changed({ resource: `invites/${call.params.id}`, before: { role, note, state } })
    },
  }),

  operation({
    id: 'lookAtInvite',
    method: 'post',
    path: '/invites/look',
    tag: 'invites',
    summary: 'What a link invites to',
    description: 'Codes are throttled by address, as passwords are.',
    access: 'open',
    audited: false,
    repeatable: false,
    body: lookAtInvite,
    answers: { 200: json(openInviteView, 'It can be accepted') },
    errors: ['not_found', 'rate_limited'],
    async run({ body, caller }) {
      const { role, expiresAt, invitedBy } = await invites.look(body.code, caller)
      return { role, expiresAt, invitedBy }
    },
  }),

  operation({
    id: 'acceptInvite',
    method: 'post',
    path: '/invites/accept',
    tag: 'invites',
    summary: 'Make the account that a link invites to, and sign in',
    access: 'open',
    repeatable: false,
    secret: true,
    body: acceptInvite,
    answers: { 201: json(signedInView, 'The new account, signed in as with POST /auth/sign-in') },
    errors: ['not_found', 'conflict', 'rate_limited', 'usage'],
    async stream(ctx, call) {
      const session = await invites.accept(call.body, call.caller)
      const { name, role } = session.user
      call.changed({ resource: `users/${name}`, after: { name, role } })
      ctx.status = 201
      sendSignedIn(ctx, session)
    },
  }),
]
