import { z } from 'zod'
import { listText } from './quantities.ts'
import { defineTool } from './tool.ts'

/** Sends a stored pattern to boards. */
export const uploadTool = defineTool({
  name: 'upload',
  summary: 'sends a stored pattern to boards',
  role: 'operator',
  scope: 'jobs:write',
  input: z.strictObject({
    /** Id or name; of several with one name the newest. */
    pattern: z.string().min(1).max(255),
    /** Ids or names. */
    boards: z.union([z.literal('all'), z.array(z.string().min(1).max(64)).min(1).max(256)]),
  }),
  run: async ({ core }, { pattern: asked, boards }, { kind, name }) => {
    const pattern = await core.library.find(asked)
    const found =
      boards === 'all' ? await core.book.list() : await Promise.all(boards.map(each => core.book.find(each)))
    const names = new Map(found.map(({ id, name }) => [id, name]))
    const { jobs } = await core.uploads.submit(
      pattern,
      [...names.keys()],
      { fileName: pattern.fileName, raw: pattern.raw },
      kind === 'local' ? null : name,
    )
    const away = jobs
      .filter(({ state }) => state === 'waiting')
      .map(({ boardId }) => names.get(boardId) ?? boardId)
    const later = away.length === 0 ? '' : ` Not connected, so it waits: ${listText(away)}.`
    return `Uploading ${pattern.name} to ${listText([...names.values()])}.${later} The common room hears when it is done.`
  },
})
