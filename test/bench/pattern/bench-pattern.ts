import type { Case } from '../context.ts'
import { runCases } from '../run-cases.ts'
import { compileTimes } from './compile-times.ts'
import { decodeRates } from './decode-rates.ts'
import { fseqRates } from './fseq-rates.ts'
import { gifRates } from './gif-rates.ts'
import { inspections } from './inspections.ts'
import { memoryGrowth } from './memory-growth.ts'

/** By the names that `--only` takes. */
const cases: Readonly<Record<string, Case>> = {
  decode: decodeRates,
  fseq: fseqRates,
  gif: gifRates,
  compile: compileTimes,
  inspect: inspections,
  memory: memoryGrowth,
}

const usage = `npm run bench:pattern -- [options]
  --quick       fewer rounds, smaller files
  --only NAME   one case: ${Object.keys(cases).join(', ')}; may be given again
  --seed S      of the drawings (1)
  --json        one JSON object instead of the table
  --main FILE   the gateway to measure; default: dist/main.js, built when it is stale
`

/** Measures the cases one after another; exit status 0 if every promised figure was met. */
export const benchPattern = (args: readonly string[]): Promise<number> => runCases(args, { cases, usage })
