import type { Command } from './command.ts'
import { boardSet } from './commands/board-set.ts'
import { boardVirtual } from './commands/board-virtual.ts'
import { boards } from './commands/boards.ts'
import { decode } from './commands/decode.ts'
import { jobs } from './commands/jobs.ts'
import { patternInspect, patternPreview } from './commands/pattern.ts'
import { ports } from './commands/ports.ts'
import { serve } from './commands/serve.ts'
import { upload } from './commands/upload.ts'

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  serve,
  upload,
  jobs,
  boards,
  boardSet,
  boardVirtual,
  ports,
  patternInspect,
  patternPreview,
  decode,
]
