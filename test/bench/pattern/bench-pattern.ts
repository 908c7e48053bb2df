import { parseArgs } from 'node:util'
import type { Case } from '../context.ts'
import { buildGateway } from '../gateway.ts'
import { formatRows, type Row } from '../row.ts'
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
export async function benchPattern(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: Object.keys(cases) },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      main: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const unknown = values.only.find(name => cases[name] === undefined)
  if (values.help || unknown !== undefined || !Number.isSafeInteger(Number(values.seed))) {
    process.stderr.write(usage)
    return values.help ? 0 : 2
  }
  const context = {
    main: values.main ?? (await buildGateway()),
    seed: Number(values.seed),
    quick: values.quick,
  }
  const startMs = performance.now()
  const rows: Row[] = []
  for (const name of values.only) {
    for await (const row of cases[name]?.(context) ?? []) {
      rows.push(row)
      process.stderr.write(formatRows([row]).split('\n').slice(1).join('\n'))
    }
  }
  const seconds = Math.round((performance.now() - startMs) / 1000)
  const missed = rows.filter(({ met }) => met === false).length
  const summary = { seed: context.seed, quick: context.quick, seconds, missed, node: process.version }
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ ...summary, rows }, null, 2)}\n`
      : `${formatRows(rows)}${seconds} s, ${missed} missed\n`,
  )
  return missed === 0 ? 0 : 1
}
