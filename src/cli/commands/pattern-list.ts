import type { PatternsView, PatternView } from '../../wire/pattern.ts'
import type { Command } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { flag, text, whole } from '../option-values.ts'
import { framesWords, shortId, sizeWords } from '../pattern-words.ts'
import { formatBytes } from '../progress-bar.ts'
import { query } from '../query.ts'
import { ago, textTable } from '../text-table.ts'

/** Of one page, as the API gives them out. */
const pageSize = 100

export const patternList: Command = {
  name: 'pattern list',
  summary: 'List the patterns that the gateway keeps, newest first',
  operands: '',
  operandCount: [0, 0],
  options: {
    tag: { type: 'string', value: 'T', help: 'only those with this tag' },
    search: {
      type: 'string',
      value: 'TEXT',
      help: 'only those whose name, tags or format have these words in them',
    },
    format: { type: 'string', value: 'F', help: 'only those of this format' },
    limit: { type: 'string', value: 'N', help: 'how many; default 100' },
    json: { type: 'boolean', help: 'one JSON object' },
    ...daemonOptions,
  },
  examples: ['pixelgate pattern list', 'pixelgate pattern list --tag winter --search fire --json'],
  async run(_operands, options, surroundings) {
    const client = await controlClient(options, surroundings)
    const wanted = whole(options, 'limit', 1, 100_000) ?? pageSize
    const filter = { tag: text(options, 'tag'), q: text(options, 'search'), format: text(options, 'format') }
    const patterns: PatternView[] = []
    let total = 0
    while (patterns.length < wanted) {
      const limit = Math.min(pageSize, wanted - patterns.length)
      const page = await client.get<PatternsView>(
        `/patterns${query({ ...filter, limit, before: patterns.at(-1)?.id })}`,
      )
      patterns.push(...page.patterns)
      total = page.total
      if (page.patterns.length < limit) break
    }
    const { stdout } = surroundings
    if (flag(options, 'json')) stdout.write(`${JSON.stringify({ patterns, total })}\n`)
    else if (patterns.length === 0) stdout.write(nothing(Object.values(filter).some(Boolean)))
    else {
      stdout.write(table(patterns))
      if (total > patterns.length) stdout.write(`and ${total - patterns.length} older ones (--limit N)\n`)
    }
    return 0
  },
}

const nothing = (filtered: boolean): string =>
  filtered
    ? 'No stored pattern fits. See all: pixelgate pattern list\n'
    : 'No pattern is stored yet. Try: pixelgate pattern import FILE\n'

function table(patterns: readonly PatternView[]): string {
  const ids = patterns.map(({ id }) => id)
  return textTable(
    ['id', 'name', 'format', 'size', 'frames', 'bytes', 'version', 'stored', 'tags'],
    patterns.map(pattern => [
      shortId(pattern.id, ids),
      pattern.name,
      pattern.format,
      sizeWords(pattern),
      framesWords(pattern),
      formatBytes(pattern.sizeBytes),
      String(pattern.version),
      ago(pattern.createdAt),
      pattern.tags.join(', '),
    ]),
  )
}
