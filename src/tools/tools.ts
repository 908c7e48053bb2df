import { boardsTool } from './boards.ts'
import { jobsTool } from './jobs.ts'
import { statusTool } from './status.ts'
import type { Tool } from './tool.ts'
import { uploadTool } from './upload.ts'

/** Everything that may be asked for, by name. */
export const tools = {
  boards: boardsTool,
  jobs: jobsTool,
  upload: uploadTool,
  status: statusTool,
} as const satisfies Readonly<Record<string, Tool>>
