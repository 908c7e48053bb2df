import type { BoardView } from '../../wire/board.ts'
import type { Command } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { flag } from '../option-values.ts'

export const boardPair: Command = {
  name: 'board pair',
  summary: 'Give a board a key, so that it takes uploads from this gateway only and cannot be impersonated',
  operands: 'ID',
  operandCount: [1, 1],
  options: {
    'trust-line': { type: 'boolean', help: 'the first key may cross the network in the clear' },
    json: { type: 'boolean', help: 'JSON' },
    ...daemonOptions,
  },
  examples: ['pixelgate board pair window'],
  async run([id = ''], options, surroundings) {
    const client = await controlClient(options, surroundings)
    const { board } = await client.post<{ board: BoardView }>(`/boards/${encodeURIComponent(id)}/pairing`, {
      trustLine: flag(options, 'trust-line'),
    })
    const { stdout } = surroundings
    if (flag(options, 'json')) stdout.write(`${JSON.stringify({ board })}\n`)
    else stdout.write(`${board.name} is paired and has proved its key.\n`)
    return 0
  },
}
