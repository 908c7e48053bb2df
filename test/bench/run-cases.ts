import { parseArgs } from 'node:util'
import type { Context } from './context.ts'
import { buildGateway } from './gateway.ts'
import { formatRows, type Row } from './row.ts'

export interface Bench {
  /** By the names that `--only` takes. */
  readonly cases: Readonly<Record<string, (context: Context) => AsyncIterable<Row>>>
  readonly usage: string
  /** What must be built beside the gateway. */
  readonly prepare?: () => Promise<void>
}

/** Measures the cases one after another; exit status 0 if every promised figure was met, 2 for a wrong usage. */
export async function runCases(args: readonly string[], { cases, usage, prepare }: Bench): Promise<number> {
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
  await prepare?.()
  const main = values.main ?? (await buildGateway())
  const context = { main, seed: Number(values.seed), quick: values.quick }
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
