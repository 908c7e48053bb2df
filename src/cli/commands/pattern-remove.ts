import type { PatternDetails, PatternRemovalView } from '../../wire/pattern.ts'
import type { Command } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { flag } from '../option-values.ts'

export const patternRemove: Command = {
  name: 'pattern remove',
  summary: 'Delete a stored pattern that nothing needs any more',
  operands: 'ID|NAME',
  operandCount: [1, 1],
  options: {
    'all-versions': { type: 'boolean', help: 'the older versions of the name too' },
    json: { type: 'boolean', help: 'JSON' },
    ...daemonOptions,
  },
  examples: ['pixelgate pattern remove 0190a3c2', 'pixelgate pattern remove fire.leds --all-versions'],
  async run([id = ''], options, surroundings) {
    const client = await controlClient(options, surroundings)
    const all = flag(options, 'all-versions')
    const path = `/patterns/${encodeURIComponent(id)}`
    const { pattern } = await client.get<PatternDetails>(path)
    const { removed, shown } = await client.delete<PatternRemovalView>(`${path}${all ? '?versions=all' : ''}`)
    const { stdout } = surroundings
    if (flag(options, 'json')) {
      stdout.write(`${JSON.stringify({ removed, shown })}\n`)
      return 0
    }
    const what = all ? `${removed} version${removed === 1 ? '' : 's'}` : `version ${pattern.version}`
    const rest = shown === null ? '' : ` Version ${shown.version} is shown now.`
    stdout.write(`${pattern.name}: ${what} removed.${rest}\n`)
    return 0
  },
}
