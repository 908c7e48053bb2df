import type { Command } from '../command.ts'
import { channelsOption, geometryOptions, readingFrom } from '../open-pattern.ts'
import { flag } from '../option-values.ts'
import { inspectPattern } from '../pattern-inspect.ts'

export const patternInspect: Command = {
  name: 'pattern inspect',
  summary: 'Say how a pattern file can be read, best reading first',
  operands: 'FILE',
  operandCount: [1, 1],
  options: { ...geometryOptions, ...channelsOption, json: { type: 'boolean', help: 'one JSON object' } },
  examples: [
    'pixelgate pattern inspect samples/lantern.leds',
    'pixelgate pattern inspect old.bin --leds 75 --json',
    'pixelgate pattern inspect show.fseq --channels 1-300',
  ],
  run: ([file = ''], options, { stdout }) =>
    inspectPattern(file, { ...readingFrom(options), json: flag(options, 'json') }, stdout),
}
