import { AppError } from '../../kernel/errors.ts'
import type { PatternView } from '../../wire/pattern.ts'
import type { PatternChangeBody } from '../../wire/pattern-query.ts'
import type { Command } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { flag, text } from '../option-values.ts'

const mostTags = 32

export const patternTag: Command = {
  name: 'pattern tag',
  summary: 'Give a stored pattern tags, take them away, or give it another name',
  operands: 'ID [+TAG ...] [-TAG ...]',
  operandCount: [1, mostTags + 1],
  signedOperands: true,
  options: {
    name: { type: 'string', value: 'N', help: 'what to call it from now on' },
    json: { type: 'boolean', help: 'JSON' },
    ...daemonOptions,
  },
  examples: [
    'pixelgate pattern tag fire.leds +winter -summer',
    'pixelgate pattern tag 0190a3c2 --name "Fire place"',
  ],
  async run([id = '', ...signed], options, surroundings) {
    const wrong = signed.find(word => !/^[+-]./.test(word))
    if (wrong !== undefined)
      throw new AppError('usage', `Write +${wrong} to give the tag, -${wrong} to take it away.`)
    const tagsWith = (sign: string) => signed.filter(word => word.startsWith(sign)).map(word => word.slice(1))
    const change: PatternChangeBody = {
      name: text(options, 'name'),
      addTags: tagsWith('+'),
      dropTags: tagsWith('-'),
    }
    if (signed.length === 0 && change.name === undefined)
      throw new AppError('usage', 'Say what to change: +TAG, -TAG or --name N.')
    const client = await controlClient(options, surroundings)
    const { pattern } = await client.patch<{ pattern: PatternView }>(
      `/patterns/${encodeURIComponent(id)}`,
      change,
    )
    const tags = pattern.tags.length === 0 ? 'no tags' : pattern.tags.join(', ')
    surroundings.stdout.write(
      flag(options, 'json') ? `${JSON.stringify({ pattern })}\n` : `${pattern.name}: ${tags}\n`,
    )
    return 0
  },
}
