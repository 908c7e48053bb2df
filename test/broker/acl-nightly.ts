import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

/**
 * `--operations 1000000 --seed 20240117 --jobs 2`: the model of who may hear and say what against live brokers, in parts, each with
 * a broker, a seed and a process of its own. A line a part; ends with status 1 when one has failed, and shows the end of its output.
 */
const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '20240117' },
    jobs: { type: 'string', default: String(availableParallelism()) },
  },
})
const operationsOfPart = 20_500
const seedsOfPart = 100
/** Some 170 operations a second; a usual machine does a thousand. */
const timeoutMs = operationsOfPart * 6 + 60_000
const [all, firstSeed] = [Number(values.operations), Number(values.seed)]
const parts = Math.ceil(all / operationsOfPart)
const say = (text: string) => process.stdout.write(`${text}\n`)

const sums = { operations: 0, deliveries: 0, late: 0, revocations: 0, leaks: 0 }
let next = 0
let ended = 0
let failed = 0

function run(part: number): Promise<void> {
  const operations = Math.min(operationsOfPart, all - part * operationsOfPart)
  const seed = firstSeed + part * seedsOfPart
  const test = new URL('./acl-model.test.ts', import.meta.url).pathname
  const args = ['--import', 'tsx', test, '--operations', String(operations), '--seed', String(seed)]
  const options = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 64 * 2 ** 20 } as const
  return new Promise(resolve => {
    execFile(process.execPath, args, options, (error, output) => {
      ended++
      const found =
        /(\d+) operations, seed \d+: (\d+) deliveries, (\d+) of them late, (\d+) revocations, (\d+) leaks/.exec(
          output,
        )
      const counts = found?.slice(1).map(Number) ?? []
      for (const [at, name] of (
        ['operations', 'deliveries', 'late', 'revocations', 'leaks'] as const
      ).entries())
        sums[name] += counts[at] ?? 0
      if (error !== null || found === null) {
        failed++
        say(`FAILED: seed ${seed}: ${error?.message.split('\n')[0] ?? 'no result'}\n${output.slice(-4000)}`)
      }
      say(`${ended} of ${parts}: ${found?.[0] ?? `seed ${seed}`}`)
      resolve()
    })
  })
}

async function worker(): Promise<void> {
  while (next < parts) await run(next++)
}

await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs)) }, worker))
say(JSON.stringify({ ...sums, failed }))
if (failed > 0 || sums.operations !== all) process.exitCode = 1
