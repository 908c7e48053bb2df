import { AppError } from '../../kernel/errors.ts'
import { type Role, roles } from '../../kernel/role.ts'
import type { UserView } from '../../wire/auth.ts'
import type { Command } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { flag, text } from '../option-values.ts'
import { type PasswordInput, readPassword } from '../read-password.ts'
import { ago, textTable } from '../text-table.ts'

const usage =
  'Write: pixelgate user list, or: pixelgate user add NAME [--role ROLE], or: pixelgate user remove NAME'

export const users: Command = {
  name: 'user',
  summary: 'List, add and remove the people who may sign in; the password is asked for or read from stdin',
  operands: 'list|add NAME|remove NAME',
  operandCount: [1, 2],
  options: {
    role: { type: 'string', value: 'ROLE', help: `of a new user: ${roles.join(', ')}; default operator` },
    json: { type: 'boolean', help: 'JSON' },
    ...daemonOptions,
  },
  examples: ['pixelgate user list', 'pixelgate user add ada --role admin', 'pixelgate user remove ada'],
  async run([verb, name], options, surroundings) {
    if (!(verb === 'list' ? name === undefined : (verb === 'add' || verb === 'remove') && name !== undefined))
      throw new AppError('usage', usage)
    const role = roleOf(text(options, 'role'))
    const client = await controlClient(options, surroundings)
    const { stdout, stderr } = surroundings
    const json = flag(options, 'json')
    if (verb === 'list') {
      const { users } = await client.get<{ users: readonly UserView[] }>('/users')
      stdout.write(json ? `${JSON.stringify({ users })}\n` : table(users))
    } else if (verb === 'add') {
      const input: PasswordInput = surroundings.stdin ?? process.stdin
      const password = await readPassword(`Password for ${name}: `, input, stderr)
      const { user } = await client.post<{ user: UserView }>('/users', { name, password, role })
      stdout.write(json ? `${JSON.stringify({ user })}\n` : `${user.name} may sign in as ${user.role}.\n`)
    } else {
      await client.delete(`/users/${encodeURIComponent(name ?? '')}`)
      stdout.write(json ? `${JSON.stringify({ removed: name })}\n` : `${name} may not sign in any more.\n`)
    }
    return 0
  },
}

function roleOf(given = 'operator'): Role {
  const role = roles.find(each => each === given)
  if (role !== undefined) return role
  throw new AppError('usage', `--role takes ${roles.join(', ')}, not "${given}".`)
}

const table = (users: readonly UserView[]): string =>
  users.length === 0
    ? 'Nobody has an account yet. See: pixelgate setup\n'
    : textTable(
        ['name', 'role', 'since'],
        users.map(({ name, role, createdAt }) => [name, role, ago(createdAt)]),
      )
