import type { Command } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { channelsOption, geometryOptions, localReading } from '../open-pattern.ts'
import { flag, text } from '../option-values.ts'
import { inspectPattern } from '../pattern-inspect.ts'
import { powerOnBoard } from '../power-on-board.ts'

export const patternInspect: Command = {
  name: 'pattern inspect',
  summary: 'Say how a pattern file can be read, best reading first',
  operands: 'FILE',
  operandCount: [1, 1],
  options: {
    ...geometryOptions,
    ...channelsOption,
    candidate: { type: 'string', value: 'N', help: 'which reading --board is about' },
    board: { type: 'string', value: 'ID', help: 'also say what it would draw on this board of the daemon' },
    ...daemonOptions,
    json: { type: 'boolean', help: 'one JSON object' },
  },
  examples: [
    'pixelgate pattern inspect samples/lantern.leds',
    'pixelgate pattern inspect old.bin --leds 75 --json',
    'pixelgate pattern inspect show.fseq --channels 1-300',
    'pixelgate pattern inspect flame.gif --board window',
  ],
  async run([file = ''], options, surroundings) {
    const reading = await localReading(options, surroundings)
    const board = text(options, 'board')
    const power =
      board && (await powerOnBoard(file, reading, board, await controlClient(options, surroundings)))
    const asked = { ...reading, json: flag(options, 'json'), power: power || undefined }
    return inspectPattern(file, asked, surroundings.stdout)
  },
}
