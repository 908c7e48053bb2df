import type { BoardView } from '../../wire/board.ts'
import type { Command } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { flag } from '../option-values.ts'
import { ago, textTable } from '../text-table.ts'

export const boards: Command = {
  name: 'boards',
  summary: 'List the boards that the gateway knows',
  operands: '',
  operandCount: [0, 0],
  options: { json: { type: 'boolean', help: 'JSON' }, ...daemonOptions },
  examples: ['pixelgate boards', 'pixelgate boards --json'],
  async run(_operands, options, surroundings) {
    const client = await controlClient(options, surroundings)
    const boards = await client.list<BoardView>('/boards', 'boards')
    const { stdout } = surroundings
    if (flag(options, 'json')) stdout.write(`${JSON.stringify({ boards })}\n`)
    else if (boards.length === 0)
      stdout.write('No board has been seen yet. Plug one in, then see: pixelgate ports\n')
    else {
      const rows = boards.map(board => [
        board.name,
        board.state,
        board.width > 0 ? `${board.width}×${board.height}` : `${board.leds} LEDs`,
        `${board.layout === null ? board.wiring : 'layout'} ${board.colorOrder}`,
        board.address,
        board.trust,
        ago(board.lastSeenAt),
        board.id,
      ])
      stdout.write(textTable(['name', 'state', 'size', 'wiring', 'link', 'trust', 'seen', 'id'], rows))
    }
    return 0
  },
}
