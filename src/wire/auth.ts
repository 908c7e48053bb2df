import { z } from 'zod'
import { type Role, roles } from '../kernel/role.ts'

/** Letters, digits, `.`, `_` and `-`: it stands in logs and in mentions. */
const userName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/,
    'a name of 1 to 32 letters, digits, dots, hyphens or underscores',
  )
  .refine(name => name.toLowerCase() !== 'local', 'another name: local is the console of the gateway')
const password = z
  .string()
  .min(10, 'a password of at least 10 characters')
  .max(256, 'a password of at most 256 characters')

/** Body of POST /setup: the first person claims the gateway with the code that its console shows. */
export const setupBody = z.strictObject({ claimCode: z.string().min(1).max(64), name: userName, password })

/** Body of POST /auth/sign-in. */
export const signInBody = z.strictObject({
  name: z.string().min(1).max(64),
  password: z.string().min(1).max(256),
})

/** Body of POST /users (admin). */
export const newUser = z.strictObject({ name: userName, password, role: z.enum(roles).default('operator') })

export interface UserView {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly createdAt: string
}

/** Answer of POST /setup and POST /auth/sign-in; the token also comes as a cookie that scripts of a page cannot read. */
export interface SignedInView {
  readonly user: UserView
  /** For `Authorization: Bearer`. */
  readonly token: string
  readonly expiresAt: string
}

/** Answer of GET /setup. */
export interface SetupView {
  readonly claimed: boolean
  /** Only on the control socket, while nobody has claimed the gateway. */
  readonly claimCode?: string
}

/** Body of POST /mqtt-users (admin). */
export const newMqttUser = z.strictObject({
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
      'a name of 1 to 64 letters, digits, dots, hyphens or underscores',
    ),
  /** A board's credential may only be used by this board and reaches only its topics; none: a person or a program. */
  boardId: z.string().min(1).max(64).optional(),
  /** watch: reads all topics of the gateway; control: also sends commands. Of no meaning for a board. */
  access: z.enum(['watch', 'control']).default('watch'),
})

export interface MqttUserView {
  readonly name: string
  readonly boardId: string | null
  readonly access: 'watch' | 'control' | 'board'
  readonly createdAt: string
}

/** Answer of POST /mqtt-users and of POST /mqtt-users/:name/rotate: the one time that the secret is told. */
export interface NewMqttUserView {
  readonly user: MqttUserView
  readonly password: string
  /** What a client is to be set up with besides. */
  readonly settings: {
    /** `mqtt://HOST:PORT` of each listener; HOST may be 0.0.0.0 or [::], for every address of the gateway. */
    readonly urls: readonly string[]
    /** The client id that a board's credential needs; null: any. */
    readonly clientId: string | null
    /** All topics of the gateway, or of the board, begin with it. */
    readonly topic: string
  }
}
