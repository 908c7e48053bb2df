import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const checkout = fileURLToPath(new URL('../../', import.meta.url))

/** Why a test that runs this program as the user nobody has to be left out; false: it can run. */
export function skipAsNobody(): string | false {
  if (process.getuid?.() !== 0) return 'only root can become another user'
  for (let folder = dirname(checkout); folder !== dirname(folder); folder = dirname(folder))
    if ((statSync(folder).mode & 0o001) === 0)
      return `${folder} is closed to others, and the program lies below it`
  return false
}
