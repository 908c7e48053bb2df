import type { Case } from '../context.ts'
import { buildModel } from '../gateway.ts'
import { runCases } from '../run-cases.ts'
import { coldStart } from './cold-start.ts'
import { idleMemory } from './idle-memory.ts'
import { underLoad } from './under-load.ts'

/** By the names that `--only` takes. */
const cases: Readonly<Record<string, Case>> = { start: coldStart, memory: idleMemory, load: underLoad }

const usage = `npm run bench:daemon -- [options]
  --quick       fewer starts and shorter uploads: about a minute
  --only NAME   one case: ${Object.keys(cases).join(', ')}; may be given again
  --seed S      of the payload (1)
  --json        one JSON object instead of the table
  --main FILE   the gateway to measure; default: dist/main.js, built when it is stale
`

/** Measures the cases one after another; exit status 0 if every promised figure was met. */
export const benchDaemon = (args: readonly string[]): Promise<number> =>
  runCases(args, { cases, usage, prepare: buildModel })
