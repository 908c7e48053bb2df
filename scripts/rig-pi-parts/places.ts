import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout. */
export const project = fileURLToPath(new URL('../../', import.meta.url))
/** What is built once and kept; git ignores it. */
export const cache = join(project, 'build/rig-pi')
export const here = fileURLToPath(new URL('./', import.meta.url))
