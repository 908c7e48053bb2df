import type { Case } from '../context.ts'
import { runCases } from '../run-cases.ts'
import { cells } from './cells.ts'
import { connects, durable, frozen, idle, latency, strangers } from './limits.ts'

/** By the names that `--only` takes. */
const cases: Readonly<Record<string, Case>> = {
  cells,
  durable,
  connect: connects,
  idle,
  latency,
  strangers,
  frozen,
}

const usage = `npm run bench:broker -- [options]
  --quick       shorter runs: about two minutes
  --only NAME   one case: ${Object.keys(cases).join(', ')}; may be given again
  --seed S      has no meaning here
  --json        one JSON object instead of the table
  --main FILE   the gateway to measure; default: dist/main.js, built when it is stale
`

/** Measures the broker of a real gateway beside mosquitto; exit status 0 if every promised figure was met. */
export const benchBroker = (args: readonly string[]): Promise<number> => runCases(args, { cases, usage })
