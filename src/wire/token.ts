import { z } from 'zod'
import { roles } from '../kernel/role.ts'

/** Body of POST /tokens. */
export const newApiToken = z.strictObject({
  name: z.string().trim().min(1).max(64).describe('What it is for, for people'),
  scopes: z
    .array(z.string().min(1).max(64))
    .min(1)
    .max(64)
    .describe('What it may be used for: TAG:read, TAG:write, TAG:*, *:read or *; writing includes reading'),
  expiresInDays: z.int().min(1).max(365).default(90),
  role: z.enum(roles).optional().describe('At most that of its owner, which it is when left out'),
  user: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('Whose it is to be; on the control socket alone, which has no account of its own'),
})

export const apiTokenView = z
  .object({
    id: z.string(),
    name: z.string(),
    user: z.string().describe('Name of its owner'),
    scopes: z.array(z.string()).readonly(),
    role: z.enum(roles).describe('What it can be at most now: never more than its owner'),
    prefix: z.string().describe('Its first characters, to know it again'),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
    lastUsedAt: z.iso.datetime().nullable().describe('Noted every five minutes at most'),
  })
  .readonly()
  .meta({ id: 'ApiToken', description: 'A token that a person has made for a program' })
export type ApiTokenView = z.output<typeof apiTokenView>

/** Answer of POST /tokens. */
export const issuedApiToken = z
  .object({
    token: apiTokenView,
    secret: z.string().describe('For `Authorization: Bearer`; told this once'),
  })
  .readonly()
export type IssuedApiTokenView = z.output<typeof issuedApiToken>

/** Answer of GET /tokens, newest first. */
export const apiTokensView = z
  .object({
    tokens: z.array(apiTokenView).readonly(),
    total: z.int().min(0),
    nextCursor: z.string().nullable(),
  })
  .readonly()
