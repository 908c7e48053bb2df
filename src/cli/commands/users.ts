import { AppError } from '../../kernel/errors.ts'
import { type Role, roles } from '../../kernel/role.ts'
import type { UserView } from '../../wire/auth.ts'
import type { IssuedInviteView } from '../../wire/invite.ts'
import type { Command, OptionValues, Surroundings } from '../command.ts'
import type { ControlClient } from '../control-client.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { flag, text, whole } from '../option-values.ts'
import { type PasswordInput, readPassword } from '../read-password.ts'
import { ago, textTable } from '../text-table.ts'

interface Asked {
  readonly name: string
  readonly options: OptionValues
  readonly client: ControlClient
  readonly surroundings: Surroundings
}

interface Said {
  readonly json: object
  readonly words: string
}

/** What is done with one person; the path of the API is in each. */
const verbs: Readonly<Record<string, (asked: Asked) => Promise<Said>>> = {
  add: async asked => {
    const role = roleOf(text(asked.options, 'role'))
    const password = await typed(asked)
    const { user } = await asked.client.post<{ user: UserView }>('/users', {
      name: asked.name,
      password,
      role,
    })
    return { json: { user }, words: `${user.name} may sign in as ${user.role}.` }
  },
  role: async asked => {
    const { user } = await change(asked, { role: roleOf(text(asked.options, 'role')) })
    return { json: { user }, words: `${user.name} is ${user.role} now.` }
  },
  password: async asked => {
    const { user } = await change(asked, { password: await typed(asked) })
    return { json: { user }, words: `${user.name} has a new password, and is signed out everywhere.` }
  },
  disable: async asked => {
    const { user } = await change(asked, { disabled: true })
    return { json: { user }, words: `${user.name} may not sign in until: pixelgate user enable ${user.name}` }
  },
  enable: async asked => {
    const { user } = await change(asked, { disabled: false })
    return { json: { user }, words: `${user.name} may sign in again.` }
  },
  'reset-totp': async asked => {
    await asked.client.delete(`/users/${encodeURIComponent(asked.name)}/totp`)
    return { json: { reset: asked.name }, words: `${asked.name} signs in with the password alone.` }
  },
  remove: async asked => {
    await asked.client.delete(`/users/${encodeURIComponent(asked.name)}`)
    return { json: { removed: asked.name }, words: `${asked.name} may not sign in any more.` }
  },
}

export const users: Command = {
  name: 'user',
  summary: 'The people who may sign in: list, invite, add, change, remove',
  operands:
    'list|invite|add NAME|role NAME|password NAME|disable NAME|enable NAME|reset-totp NAME|remove NAME',
  operandCount: [1, 2],
  options: {
    role: {
      type: 'string',
      value: roles.join('|'),
      help: 'of a new user, an invitation, or with: role; default operator',
    },
    hours: { type: 'string', value: 'N', help: 'how long an invitation holds, 1 to 168; default 24' },
    note: { type: 'string', value: 'TEXT', help: 'whom an invitation is meant for' },
    json: { type: 'boolean', help: 'JSON' },
    ...daemonOptions,
  },
  examples: [
    'pixelgate user list',
    'pixelgate user invite --role viewer --note "the front desk"',
    'pixelgate user add ada --role admin',
    'pixelgate user password ada <secret.txt',
  ],
  async run([verb = '', name], options, surroundings) {
    const client = await controlClient(options, surroundings)
    const { stdout } = surroundings
    const json = flag(options, 'json')
    if (verb === 'list' && name === undefined) {
      const users = await client.list<UserView>('/users', 'users')
      stdout.write(json ? `${JSON.stringify({ users })}\n` : table(users))
      return 0
    }
    const work = verbs[verb]
    if (verb === 'invite' && name === undefined) {
      stdout.write(await invitation(client, options, json))
      return 0
    }
    if (work === undefined || name === undefined)
      throw new AppError(
        'usage',
        `Write: pixelgate user list, or: pixelgate user invite, or: pixelgate user ${Object.keys(verbs).join('|')} NAME`,
      )
    const said = await work({ name, options, client, surroundings })
    stdout.write(json ? `${JSON.stringify(said.json)}\n` : `${said.words}\n`)
    return 0
  },
}

async function invitation(client: ControlClient, options: OptionValues, json: boolean): Promise<string> {
  const note = text(options, 'note')
  const asked = {
    role: roleOf(text(options, 'role')),
    expiresInHours: whole(options, 'hours', 1, 168) ?? 24,
    ...(note !== undefined && { note }),
  }
  const { qrSvg: _svg, ...issued } = await client.post<IssuedInviteView>('/invites', asked)
  if (json) return `${JSON.stringify(issued)}\n`
  const { renderUnicodeCompact } = await import('uqr')
  const until = new Date(issued.invite.expiresAt).toLocaleString('en-GB')
  return `${renderUnicodeCompact(issued.url)}\n\n${issued.url}\n\nGood once, until ${until}, for an account as ${issued.invite.role}.\n`
}

const change = ({ client, name }: Asked, patch: object) =>
  client.patch<{ user: UserView }>(`/users/${encodeURIComponent(name)}`, patch)

function typed({ name, surroundings }: Asked): Promise<string> {
  const input: PasswordInput = surroundings.stdin ?? process.stdin
  return readPassword(`Password for ${name}: `, input, surroundings.stderr)
}

function roleOf(given = 'operator'): Role {
  const role = roles.find(each => each === given)
  if (role !== undefined) return role
  throw new AppError('usage', `--role takes ${roles.join(', ')}, not "${given}".`)
}

function table(users: readonly UserView[]): string {
  if (users.length === 0) return 'Nobody has an account yet. See: pixelgate setup\n'
  const rows = users.map(({ name, role, createdAt }) => [name, role, ago(createdAt)])
  const states = users.map(({ disabled, secondFactor }) =>
    disabled ? 'switched off' : secondFactor ? 'second factor' : '',
  )
  const head = ['name', 'role', 'since']
  // Most gateways have nothing to say here.
  if (states.every(state => state === '')) return textTable(head, rows)
  return textTable(
    [...head, 'state'],
    rows.map((row, at) => [...row, states[at] ?? '']),
  )
}
