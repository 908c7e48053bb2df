import { AppError } from '../../kernel/errors.ts'
import { roles } from '../../kernel/role.ts'
import type { ApiTokenView, IssuedApiTokenView } from '../../wire/token.ts'
import type { Command, OptionValues } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { flag, text, texts, whole } from '../option-values.ts'
import { query } from '../query.ts'
import { ago, textTable } from '../text-table.ts'

export const tokens: Command = {
  name: 'token',
  summary: 'API tokens for programs: list, add, remove; the secret is shown once',
  operands: 'list|add NAME|remove ID',
  operandCount: [1, 2],
  options: {
    user: { type: 'string', value: 'NAME', help: 'whose they are; a new one belongs to somebody' },
    scope: {
      type: 'string',
      multiple: true,
      value: 'SCOPE',
      help: 'what a new one is for, such as jobs:write or *:read; may be given again',
    },
    days: { type: 'string', value: 'N', help: 'how long a new one holds, 1 to 365; default 90' },
    role: { type: 'string', value: roles.join('|'), help: 'of a new one; at most that of its owner' },
    json: { type: 'boolean', help: 'JSON' },
    ...daemonOptions,
  },
  examples: [
    'pixelgate token list',
    'pixelgate token add backup --user ada --scope boards:read --scope jobs:write --days 30',
    'pixelgate token remove 0190a3c2-…',
  ],
  async run([verb, what], options, surroundings) {
    const client = await controlClient(options, surroundings)
    const { stdout } = surroundings
    const json = flag(options, 'json')
    if (verb === 'add' && what !== undefined) {
      const { token, secret } = await client.post<IssuedApiTokenView>('/tokens', wanted(what, options))
      stdout.write(json ? `${JSON.stringify({ token, secret })}\n` : issued(token, secret))
    } else if (verb === 'remove' && what !== undefined) {
      await client.delete(`/tokens/${encodeURIComponent(what)}`)
      stdout.write(
        json ? `${JSON.stringify({ removed: what })}\n` : 'The token is not good for anything any more.\n',
      )
    } else if (verb === 'list' && what === undefined) {
      const asked = query({ user: text(options, 'user'), limit: 100 })
      const page = await client.get<{ tokens: readonly ApiTokenView[]; total: number }>(`/tokens${asked}`)
      if (json) stdout.write(`${JSON.stringify(page)}\n`)
      else if (page.tokens.length === 0) stdout.write('There are no API tokens.\n')
      else
        stdout.write(
          textTable(['name', 'user', 'role', 'used', 'expires', 'id', 'scopes'], page.tokens.map(row)),
        )
    } else {
      throw new AppError(
        'usage',
        'Write: pixelgate token list, or: pixelgate token add NAME --user NAME --scope SCOPE, or: pixelgate token remove ID',
      )
    }
    return 0
  },
}

function wanted(name: string, options: OptionValues): object {
  const [user, role, scopes] = [text(options, 'user'), text(options, 'role'), texts(options, 'scope')]
  if (user === undefined) throw new AppError('usage', 'Whose token is it to be? Write --user NAME.')
  if (scopes.length === 0)
    throw new AppError('usage', 'What is the token for? Write --scope SCOPE, such as --scope jobs:write.')
  return {
    name,
    user,
    scopes,
    expiresInDays: whole(options, 'days', 1, 365) ?? 90,
    ...(role !== undefined && { role }),
  }
}

const issued = ({ name, role, scopes, expiresAt }: ApiTokenView, secret: string): string =>
  `${secret}\n\nThe token "${name}" as ${role} for ${scopes.join(', ')}, until ${expiresAt.slice(0, 10)}. It is shown this once:\n  curl -H 'authorization: Bearer TOKEN' https://pixelgate.local:8443/api/v1/boards\n`

const row = ({ name, user, role, lastUsedAt, expiresAt, id, scopes }: ApiTokenView): string[] => [
  name,
  user,
  role,
  lastUsedAt === null ? 'never' : ago(lastUsedAt),
  expiresAt.slice(0, 10),
  id,
  scopes.join(' '),
]
