import { z } from 'zod'
import type { BoardView } from '../wire/board.ts'
import { countText } from './quantities.ts'
import { defineTool } from './tool.ts'

const maxLines = 50

/** All boards, a line each. */
export const boardsTool = defineTool({
  name: 'boards',
  summary: 'the boards and what they play',
  role: 'viewer',
  scope: 'boards:read',
  input: z.strictObject({}),
  run: async ({ core }) => {
    const boards = await core.views.list()
    if (boards.length === 0) return 'The gateway knows no board yet. Connect one and allow its port.'
    const lines = boards.slice(0, maxLines).map(boardLine)
    const rest = boards.length - lines.length
    return [...lines, ...(rest > 0 ? [`and ${countText(rest, 'board')} more`] : [])].join('\n')
  },
})

function boardLine({ name, state, status, width, height, leds, trust }: BoardView): string {
  const size = width > 0 && height > 0 ? `${width}×${height}` : countText(leds, 'LED')
  return `${name} (${size}): ${[state, ...(trust === 'untrusted' ? [] : [trust]), ...doing(status)].join(', ')}`
}

function doing(status: BoardView['status']): string[] {
  if (status === null) return []
  const pattern = status.patternName === null ? '' : ` "${status.patternName}"`
  return [`${status.mode}${pattern}`, `brightness ${status.brightness}`]
}
