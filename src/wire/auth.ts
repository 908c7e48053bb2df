import { z } from 'zod'
import { roles } from '../kernel/role.ts'
import { tlsShortView } from './tls.ts'

/** Letters, digits, `.`, `_` and `-`: it stands in logs and in mentions. */
const userName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/,
    'a name of 1 to 32 letters, digits, dots, hyphens or underscores',
  )
  .refine(name => name.toLowerCase() !== 'local', 'another name: local is the console of the gateway')
const newPassword = z
  .string()
  .min(10, 'a password of at least 10 characters')
  .max(256, 'a password of at most 256 characters')
const typedPassword = z.string().min(1).max(256)
/** Six digits of an app, or a backup code; spaces and hyphens do not matter. */
const typedCode = z.string().min(6).max(32).describe('Six digits of the app, or a backup code')
const moment = z.iso.datetime()

/** Body of POST /setup: the first person claims the gateway with the code that its console shows. */
export const setupBody = z.strictObject({
  claimCode: z.string().min(1).max(64),
  name: userName,
  password: newPassword,
})

/** Body of POST /auth/sign-in. */
export const signInBody = z.strictObject({
  name: z.string().min(1).max(64),
  password: typedPassword,
  code: typedCode.optional(),
})

/** Body of POST /auth/refresh; a browser sends its cookie, with or without a body. */
export const refreshBody = z.strictObject({ refreshToken: z.string().min(1).max(128).optional() }).optional()

/** Body of POST /auth/password. */
export const passwordBody = z.strictObject({ current: typedPassword, password: newPassword })

/** Body of POST /auth/totp/confirm. */
export const totpCodeBody = z.strictObject({
  code: z.string().min(6).max(16).describe('Six digits that the app shows now'),
})

/** Body of DELETE /auth/totp. */
export const totpRemovalBody = z
  .strictObject({ code: typedCode.optional(), password: typedPassword.optional() })
  .refine(({ code, password }) => code !== undefined || password !== undefined, 'code or password is needed')

/** Body of POST /users (admin). */
export const newUser = z.strictObject({
  name: userName,
  password: newPassword,
  role: z.enum(roles).default('operator'),
})

/** Body of PATCH /users/:name (admin). */
export const userPatch = z
  .strictObject({
    role: z.enum(roles).optional(),
    password: newPassword.optional(),
    disabled: z.boolean().optional(),
  })
  .refine(patch => Object.keys(patch).length > 0, 'at least one of role, password and disabled')

export const userView = z
  .object({
    id: z.string(),
    name: z.string(),
    role: z.enum(roles),
    createdAt: moment,
    disabled: z.boolean().describe('May not sign in'),
    secondFactor: z.boolean().describe('A code is asked for at each sign-in'),
  })
  .readonly()
  .meta({ id: 'User', description: 'Somebody with an account' })
export type UserView = z.output<typeof userView>

/** Answer of GET /auth/me. Who comes over the control socket has no account. */
export const meView = z
  .object({
    user: z
      .object({
        id: z.string(),
        name: z.string(),
        role: z.enum(roles),
        createdAt: moment.nullable().describe('null: has no account, as the console'),
        disabled: z.boolean(),
        secondFactor: z.boolean(),
      })
      .readonly(),
    sessionId: z.string().nullable().describe('null: asks without a session'),
  })
  .readonly()
  .meta({ id: 'Me', description: 'Who asks' })

/** Answer of POST /setup, /auth/sign-in and /auth/refresh; the tokens also come as cookies that scripts of a page cannot read. */
export const signedInView = z
  .object({
    user: userView,
    token: z.string().describe('Access token, for Authorization: Bearer'),
    expiresAt: moment.describe('End of the access token, after 30 minutes'),
    refreshToken: z
      .string()
      .optional()
      .describe('Good for one new pair of tokens. Browsers get it as a cookie alone'),
    refreshExpiresAt: moment.describe('End of the refresh token and of the session, after 30 days'),
    sessionId: z.string(),
  })
  .readonly()
  .meta({ id: 'SignedIn', description: 'A session with its two tokens' })
export type SignedInView = z.output<typeof signedInView>

export const sessionView = z
  .object({
    id: z.string(),
    user: z.string().describe('Name of the one who signed in'),
    agent: z.string().describe('What the client calls itself'),
    address: z.string(),
    createdAt: moment,
    lastUsedAt: moment.describe('Noted every five minutes'),
    expiresAt: moment.describe('Unless its tokens are renewed before'),
    current: z.boolean().describe('This request came with it'),
  })
  .readonly()
  .meta({ id: 'Session', description: 'A sign-in that holds' })
export type SessionView = z.output<typeof sessionView>

/** Answer of GET /setup. */
export const setupView = z
  .object({
    claimed: z.boolean(),
    claimCode: z
      .string()
      .optional()
      .describe('Only on the control socket, while nobody has claimed the gateway'),
    guests: z
      .literal(true)
      .optional()
      .describe('There when strangers may look at boards and patterns (http.guest)'),
    tls: tlsShortView.optional().describe('Missing while the gateway is at the control socket alone'),
  })
  .readonly()
  .meta({ id: 'Setup', description: 'Whether the gateway has an admin' })
export type SetupView = z.output<typeof setupView>

/** Answer of POST /auth/totp. */
export const totpView = z
  .object({
    secret: z.string().describe('Base32 (RFC 4648), to be typed into an app'),
    url: z.string().describe('otpauth://totp/… for an app'),
    qrSvg: z.string().describe('The same as a picture to scan, SVG'),
  })
  .readonly()
  .meta({ id: 'TotpSecret', description: 'A secret that is not confirmed yet' })
export type TotpView = z.output<typeof totpView>

/** Answer of POST /auth/totp/confirm and POST /auth/backup-codes: the one time that they are told. */
export const backupCodesView = z
  .object({ backupCodes: z.array(z.string()).readonly().describe('Each is good for one sign-in') })
  .readonly()
  .meta({ id: 'BackupCodes', description: 'Codes for a day without the app' })
