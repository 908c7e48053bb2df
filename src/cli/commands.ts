import type { Command } from './command.ts'
import { audit } from './commands/audit.ts'
import { backup, backups } from './commands/backup.ts'
import { boardFlash } from './commands/board-flash.ts'
import { boardPair } from './commands/board-pair.ts'
import { boardSet } from './commands/board-set.ts'
import { boardUnpair } from './commands/board-unpair.ts'
import { boardVirtual } from './commands/board-virtual.ts'
import { boards } from './commands/boards.ts'
import { bridges } from './commands/bridges.ts'
import { completion } from './commands/completion.ts'
import { decode } from './commands/decode.ts'
import { doctor } from './commands/doctor.ts'
import { gpio } from './commands/gpio.ts'
import { jobs } from './commands/jobs.ts'
import { mqttUser } from './commands/mqtt-user.ts'
import { patternConvert } from './commands/pattern-convert.ts'
import { patternExport } from './commands/pattern-export.ts'
import { patternImport } from './commands/pattern-import.ts'
import { patternInspect } from './commands/pattern-inspect.ts'
import { patternList } from './commands/pattern-list.ts'
import { patternPreview } from './commands/pattern-preview.ts'
import { patternRemove } from './commands/pattern-remove.ts'
import { patternShow } from './commands/pattern-show.ts'
import { patternTag } from './commands/pattern-tag.ts'
import { patternTestCard } from './commands/pattern-test-card.ts'
import { ports } from './commands/ports.ts'
import { restore } from './commands/restore.ts'
import { serve } from './commands/serve.ts'
import { sessions } from './commands/sessions.ts'
import { setup } from './commands/setup.ts'
import { tokens } from './commands/tokens.ts'
import { upload } from './commands/upload.ts'
import { upstream } from './commands/upstream.ts'
import { users } from './commands/users.ts'
import { watch } from './commands/watch.ts'

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  serve,
  upload,
  jobs,
  watch,
  boards,
  boardSet,
  boardPair,
  boardUnpair,
  boardFlash,
  boardVirtual,
  ports,
  bridges,
  gpio,
  setup,
  users,
  sessions,
  tokens,
  audit,
  mqttUser,
  upstream,
  patternInspect,
  patternPreview,
  patternConvert,
  patternTestCard,
  patternImport,
  patternList,
  patternShow,
  patternTag,
  patternRemove,
  patternExport,
  decode,
  backup,
  backups,
  restore,
  doctor,
  completion(() => commands),
]
