import { AppError } from '../../kernel/errors.ts'
import type { AuditEntryView } from '../../wire/audit.ts'
import type { Command } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { flag, text, whole } from '../option-values.ts'
import { query } from '../query.ts'
import { textTable } from '../text-table.ts'

const filters = ['actor', 'action', 'resource', 'outcome'] as const

export const audit: Command = {
  name: 'audit',
  summary: 'Who changed what, newest first',
  operands: '',
  operandCount: [0, 0],
  options: {
    actor: { type: 'string', value: 'NAME', help: 'of this person, token or program' },
    action: { type: 'string', value: 'ACTION', help: 'such as changeBoard or signIn' },
    resource: { type: 'string', value: 'RESOURCE', help: 'such as boards/0190a3c2-…' },
    outcome: { type: 'string', value: 'OUTCOME', help: 'ok, or the code of an error such as forbidden' },
    since: { type: 'string', value: 'TIME', help: 'an RFC 3339 time, or 30m, 12h, 7d ago' },
    until: { type: 'string', value: 'TIME', help: 'the same' },
    limit: { type: 'string', value: 'N', help: 'how many; default 20' },
    json: { type: 'boolean', help: 'JSON' },
    ...daemonOptions,
  },
  examples: [
    'pixelgate audit --since 24h',
    'pixelgate audit --action signIn --outcome unauthenticated --json',
  ],
  async run(_operands, options, surroundings) {
    const client = await controlClient(options, surroundings)
    const { stdout } = surroundings
    const asked = query({
      ...Object.fromEntries(filters.map(name => [name, text(options, name)])),
      since: momentOf('since', text(options, 'since')),
      until: momentOf('until', text(options, 'until')),
      limit: whole(options, 'limit', 1, 100),
    })
    const page = await client.get<{ entries: readonly AuditEntryView[]; total: number }>(`/audit${asked}`)
    if (flag(options, 'json')) stdout.write(`${JSON.stringify(page)}\n`)
    else if (page.entries.length === 0) stdout.write('Nothing of that kind was recorded.\n')
    else
      stdout.write(
        textTable(['at', 'who', 'action', 'outcome', 'address', 'resource', 'change'], page.entries.map(row)),
      )
    return 0
  },
}

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** RFC 3339, from itself or from a time that has passed since. */
function momentOf(option: string, given: string | undefined): string | undefined {
  if (given === undefined) return undefined
  const [, count = '', unit = ''] = /^(\d{1,6})([mhd])$/.exec(given) ?? []
  const ms = count === '' ? Date.parse(given) : Date.now() - Number(count) * (unitMs[unit] ?? 0)
  if (Number.isFinite(ms)) return new Date(ms).toISOString()
  throw new AppError('usage', `--${option} takes a time such as 2026-01-31T12:00:00Z or 24h, not "${given}".`)
}

const longest = 60

function row({ at, actor, action, outcome, address, resource, before, after }: AuditEntryView): string[] {
  const change =
    before === null && after === null ? '' : `${JSON.stringify(before)} → ${JSON.stringify(after)}`
  return [
    at.slice(0, 19).replace('T', ' '),
    actor.name ?? actor.kind,
    action,
    outcome,
    address,
    resource,
    change.length > longest ? `${change.slice(0, longest)}…` : change,
  ]
}
