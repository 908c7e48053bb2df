import { z } from 'zod'
import { roles } from '../kernel/role.ts'
import { newUser } from './auth.ts'

const code = z.string().min(1).max(100)

/** Body of POST /invites (admin). */
export const newInvite = z.strictObject({
  role: z.enum(roles).default('operator'),
  expiresInHours: z.int().min(1).max(168).default(24),
  note: z.string().trim().min(1).max(200).optional().describe('For admins: whom it is meant for'),
})

export const inviteView = z
  .object({
    id: z.string(),
    role: z.enum(roles),
    note: z.string().nullable(),
    invitedBy: z.string(),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
    state: z.enum(['open', 'used', 'expired']),
    usedBy: z.string().nullable().describe('Name of the account that came of it'),
    usedAt: z.iso.datetime().nullable(),
  })
  .readonly()
  .meta({ id: 'Invite', description: 'Somebody may make an account' })
export type InviteView = z.output<typeof inviteView>

/** Answer of POST /invites. */
export const issuedInvite = z
  .object({
    invite: inviteView,
    code: z.string().describe('Told this once'),
    url: z.string().describe('The page of the panel where it is accepted'),
    qrSvg: z.string().describe('The link as a picture to be scanned'),
  })
  .readonly()
export type IssuedInviteView = z.output<typeof issuedInvite>

/** Answer of GET /invites, newest first. */
export const invitesView = z
  .object({
    invites: z.array(inviteView).readonly(),
    total: z.int().min(0),
    nextCursor: z.string().nullable(),
  })
  .readonly()

/** Body of POST /invites/look. */
export const lookAtInvite = z.strictObject({ code })

/** Answer of POST /invites/look. */
export const openInviteView = z
  .object({ role: z.enum(roles), expiresAt: z.iso.datetime(), invitedBy: z.string() })
  .readonly()

/** Body of POST /invites/accept. */
export const acceptInvite = z.strictObject({
  code,
  name: newUser.shape.name,
  password: newUser.shape.password,
})
