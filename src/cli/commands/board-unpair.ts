import type { BoardView } from '../../wire/board.ts'
import type { Command } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { flag } from '../option-values.ts'

export const boardUnpair: Command = {
  name: 'board unpair',
  summary: 'Take the key from a board again',
  operands: 'ID',
  operandCount: [1, 1],
  options: {
    forget: { type: 'boolean', help: 'also when the board is away, was reset or is refused' },
    json: { type: 'boolean', help: 'JSON' },
    ...daemonOptions,
  },
  examples: ['pixelgate board unpair window', 'pixelgate board unpair window --forget'],
  async run([id = ''], options, surroundings) {
    const client = await controlClient(options, surroundings)
    const query = flag(options, 'forget') ? '?forget=true' : ''
    const { board } = await client.delete<{ board: BoardView }>(
      `/boards/${encodeURIComponent(id)}/pairing${query}`,
    )
    const { stdout } = surroundings
    if (flag(options, 'json')) stdout.write(`${JSON.stringify({ board })}\n`)
    else
      stdout.write(
        `The key of ${board.name} is removed here${board.trust === 'untrusted' ? '' : `; the board is ${board.trust}`}.\n`,
      )
    return 0
  },
}
