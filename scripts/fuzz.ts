// Fuzzes the board library with libFuzzer under ASan and UBSan. Exit status 1 when an input does harm.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  buildFuzzers,
  type FuzzSummary,
  type FuzzTarget,
  fuzz,
  fuzzFolder,
  fuzzTargets,
  isFuzzTarget,
  whyNoFuzzing,
} from '../test/firmware/fuzz-campaign.ts'

const names = Object.keys(fuzzTargets).filter(isFuzzTarget)
const help = `npm run fuzz -- [OPTIONS]

  --seconds N     time in all, shared among the harnesses; default 60
  --only A,B      of ${names.join(', ')}; default all
  --seed S        another order of inputs; default 1
  --json          the summaries as JSON lines

What was found worth keeping stays in firmware-protocol/fuzz/build/found and is where the next run begins; an input
that does harm is written to build/faults.
`

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    only: { type: 'string', default: names.join(',') },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

function whole(name: 'seconds' | 'seed', least: number, most: number): number {
  const number = Number(values[name])
  if (/^\d+$/.test(values[name]) && number >= least && number <= most) return number
  throw new Error(`--${name} takes a whole number from ${least} to ${most}, not "${values[name]}"`)
}

function targetOf(name: string): FuzzTarget {
  if (isFuzzTarget(name)) return name
  throw new Error(`--only takes ${names.join(', ')}, not "${name}"`)
}

function show({ target, executions, executionsPerSecond, edges, corpus, crash }: FuzzSummary): void {
  const numbers = [executions, executionsPerSecond, edges, corpus].map(number => String(number).padStart(11))
  console.log(target.padEnd(10) + numbers.join('') + (crash === undefined ? 0 : 1).toString().padStart(9))
  if (crash === undefined) return
  console.log(`  fault   ${crash.fault}`)
  for (const line of crash.stack) console.log(`          ${line}`)
  console.log(`  replay  ${crash.replay}`)
}

async function main(): Promise<number> {
  if (values.help) {
    console.log(help)
    return 0
  }
  const seconds = whole('seconds', 1, 1_000_000)
  const seed = whole('seed', 1, 2 ** 31 - 1)
  const targets = values.only.split(',').map(targetOf)
  const reason = await whyNoFuzzing()
  if (reason !== undefined) throw new Error(`${reason}; install clang and make`)
  await buildFuzzers(targets)
  const shares = targets.reduce((sum, target) => sum + fuzzTargets[target], 0)
  if (!values.json) console.log('harness    executions   a second      edges     corpus  crashes')
  let crashes = 0
  for (const target of targets) {
    const summary = await fuzz({
      target,
      seconds: Math.max(1, Math.round((seconds * fuzzTargets[target]) / shares)),
      seed,
      found: join(fuzzFolder, 'build', 'found', target),
      faults: join(fuzzFolder, 'build', 'faults'),
    })
    if (summary.crash !== undefined) crashes++
    if (values.json) console.log(JSON.stringify(summary))
    else show(summary)
  }
  return crashes === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 2
}
