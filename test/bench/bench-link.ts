import { parseArgs } from 'node:util'
import { interruptions } from './cases/interruptions.ts'
import { noise } from './cases/noise.ts'
import { patterns } from './cases/patterns.ts'
import { shareOfLine } from './cases/share-of-line.ts'
import { sixteenBoards, slowFsync } from './cases/sixteen-boards.ts'
import type { Case } from './context.ts'
import { buildGateway, buildModel } from './gateway.ts'
import { formatRows, type Row } from './row.ts'

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
export async function benchLink(args: readonly string[]): Promise<number> {
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
  const chosen = values.only.map(name => ({ name, measure: cases[name] }))
  const unknown = chosen.find(({ measure }) => measure === undefined)
  if (values.help || unknown !== undefined || !Number.isSafeInteger(Number(values.seed))) {
    process.stderr.write(usage)
    return values.help ? 0 : 2
  }
  await buildModel()
  const context = {
    main: values.main ?? (await buildGateway()),
    seed: Number(values.seed),
    quick: values.quick,
  }
  const startMs = performance.now()
  const rows: Row[] = []
  for (const { measure } of chosen) {
    for await (const row of measure?.(context) ?? []) {
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
