import { z } from 'zod'
import type { JobRecord } from '../upload/uploads.ts'
import { boardNames } from './board-names.ts'
import { countText } from './quantities.ts'
import { defineTool } from './tool.ts'

/** The newest jobs, a line each. */
export const jobsTool = defineTool({
  name: 'jobs',
  summary: 'the newest uploads and how far they are',
  role: 'viewer',
  scope: 'jobs:read',
  input: z.strictObject({ limit: z.int().min(1).max(50).default(10) }),
  run: async ({ core }, { limit }) => {
    const { jobs, total } = await core.uploads.jobs({ limit })
    if (jobs.length === 0) return 'Nothing has been uploaded yet.'
    const nameOf = await boardNames(core)
    const lines = jobs.map(job => `${job.name} → ${nameOf(job.boardId)}: ${jobText(job)}`)
    const rest = total - jobs.length
    return [...lines, ...(rest > 0 ? [`and ${countText(rest, 'older job')}`] : [])].join('\n')
  },
})

const running = ['transferring', 'verifying', 'trial', 'paused']

function jobText({ state, blocks, durableBlocks, errorMessage }: JobRecord): string {
  const share =
    running.includes(state) && blocks > 0 ? `, ${Math.floor((durableBlocks / blocks) * 100)} %` : ''
  const why = errorMessage === null || state === 'done' ? '' : ` (${errorMessage})`
  return `${state}${share}${why}`
}
