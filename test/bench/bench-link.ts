import { interruptions } from './cases/interruptions.ts'
import { noise } from './cases/noise.ts'
import { patterns } from './cases/patterns.ts'
import { shareOfLine } from './cases/share-of-line.ts'
import { sixteenBoards, slowFsync } from './cases/sixteen-boards.ts'
import type { Case } from './context.ts'
import { buildModel } from './gateway.ts'
import { runCases } from './run-cases.ts'

/** By the names that `--only` takes, in the order of docs/benchmarks.md. */
const cases: Readonly<Record<string, Case>> = {
  share: shareOfLine,
  noise,
  kill: interruptions,
  patterns,
  boards: sixteenBoards,
  fsync: slowFsync,
}

const usage = `npm run bench:link -- [options]
  --quick       a subset, under a minute
  --only NAME   one case: ${Object.keys(cases).join(', ')}; may be given again
  --seed S      of payloads, noise and moments (1)
  --json        one JSON object instead of the table
  --main FILE   the gateway to measure; default: dist/main.js, built when it is stale
`

/** Measures the cases one after another; exit status 0 if every promised figure was met. */
export const benchLink = (args: readonly string[]): Promise<number> =>
  runCases(args, { cases, usage, prepare: buildModel })
