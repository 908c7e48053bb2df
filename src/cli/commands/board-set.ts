import { AppError } from '../../kernel/errors.ts'
import { patternError } from '../../pattern/fault.ts'
import { layoutFromText } from '../../pattern/layout/parse-layout.ts'
import type { BoardChangeBody, BoardView } from '../../wire/board.ts'
import type { Command } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { flag, text, whole } from '../option-values.ts'
import { readPatternFile } from '../read-pattern-file.ts'

const maxLayoutBytes = 1024 * 1024

export const boardSet: Command = {
  name: 'board set',
  summary: 'Name a board, or tell how it is wired and what it may draw',
  operands: 'ID',
  operandCount: [1, 1],
  options: {
    name: { type: 'string', value: 'TEXT', help: 'what people call it' },
    width: { type: 'string', value: 'N', help: 'LEDs across; 0: not a matrix' },
    height: { type: 'string', value: 'N', help: 'LEDs down' },
    wiring: { type: 'string', value: 'W', help: 'row|column-straight|serpentine-tl|tr|bl|br' },
    layout: {
      type: 'string',
      value: 'FILE.json|none',
      help: 'where its LEDs sit, instead of width, height and wiring; see docs/formats.md',
    },
    'color-order': {
      type: 'string',
      value: 'ORDER',
      help: 'RGB RBG GRB GBR BRG BGR, or with white: RGBW GRBW …',
    },
    'power-cap': { type: 'string', value: 'MA|none', help: 'highest current of its supply' },
    json: { type: 'boolean', help: 'JSON' },
    ...daemonOptions,
  },
  examples: [
    'pixelgate board set board-1f0c --name window --wiring column-serpentine-bl --color-order GRB --power-cap 2000',
  ],
  async run([id = ''], options, surroundings) {
    const cap = text(options, 'power-cap')
    const powerCapMa = cap === 'none' ? null : whole(options, 'power-cap', 1, 1_000_000)
    const change: Record<string, unknown> = {
      name: text(options, 'name'),
      width: whole(options, 'width', 0, 65_535),
      height: whole(options, 'height', 0, 65_535),
      wiring: text(options, 'wiring'),
      layout: await layoutFrom(text(options, 'layout')),
      colorOrder: text(options, 'color-order')?.toUpperCase(),
      powerCapMa,
    } satisfies { [K in keyof BoardChangeBody]: unknown }
    if (Object.values(change).every(value => value === undefined))
      throw new AppError('usage', 'Say what to set. See: pixelgate board set --help')
    const client = await controlClient(options, surroundings)
    const { board } = await client.patch<{ board: BoardView }>(`/boards/${encodeURIComponent(id)}`, change)
    const { stdout } = surroundings
    if (flag(options, 'json')) stdout.write(`${JSON.stringify({ board })}\n`)
    else
      stdout.write(
        `${board.name}: ${board.width > 0 ? `${board.width}×${board.height}` : `${board.leds} LEDs`}, ${board.layout === null ? board.wiring : 'its own layout'}, ${board.colorOrder}, ${board.powerCapMa === null ? 'no power cap' : `${board.powerCapMa} mA at most`}\n`,
      )
    return 0
  },
}

/** The form as it stands in the file; the daemon checks it. null: none. */
async function layoutFrom(path: string | undefined): Promise<{ kind: string } | null | undefined> {
  if (path === undefined) return undefined
  if (path === 'none') return null
  const text = Buffer.from(await readPatternFile(path, maxLayoutBytes)).toString('utf8')
  const layout = layoutFromText(text)
  if (!layout.ok) throw patternError(layout.fault)
  return JSON.parse(text)
}
