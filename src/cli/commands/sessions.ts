import { AppError } from '../../kernel/errors.ts'
import type { SessionView } from '../../wire/auth.ts'
import type { Command } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { flag, text, whole } from '../option-values.ts'
import { query } from '../query.ts'
import { ago, textTable } from '../text-table.ts'

export const sessions: Command = {
  name: 'session',
  summary: 'Who is signed in where; ends a session',
  operands: 'list|end ID',
  operandCount: [1, 2],
  options: {
    user: { type: 'string', value: 'NAME', help: 'of this person alone' },
    limit: { type: 'string', value: 'N', help: 'how many; default 20' },
    json: { type: 'boolean', help: 'JSON' },
    ...daemonOptions,
  },
  examples: ['pixelgate session list --user ada', 'pixelgate session end 0190a3c2-…'],
  async run([verb, id], options, surroundings) {
    const client = await controlClient(options, surroundings)
    const { stdout } = surroundings
    const json = flag(options, 'json')
    if (verb === 'end' && id !== undefined) {
      await client.delete(`/sessions/${encodeURIComponent(id)}`)
      stdout.write(json ? `${JSON.stringify({ ended: id })}\n` : 'The session has ended.\n')
      return 0
    }
    if (verb !== 'list' || id !== undefined)
      throw new AppError('usage', 'Write: pixelgate session list, or: pixelgate session end ID')
    const asked = query({ user: text(options, 'user'), limit: whole(options, 'limit', 1, 100) })
    const page = await client.get<{ sessions: readonly SessionView[]; total: number }>(`/sessions${asked}`)
    if (json) stdout.write(`${JSON.stringify(page)}\n`)
    else if (page.sessions.length === 0) stdout.write('Nobody is signed in.\n')
    else stdout.write(textTable(['user', 'address', 'used', 'since', 'id', 'client'], page.sessions.map(row)))
    return 0
  },
}

const row = ({ user, address, lastUsedAt, createdAt, id, agent }: SessionView): string[] => [
  user,
  address,
  ago(lastUsedAt),
  ago(createdAt),
  id,
  agent,
]
