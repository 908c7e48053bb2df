import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { promisify } from 'node:util'
import { ownPath, sharedPath, withoutSamples } from '../../pattern/pattern-files.ts'
import type { Context } from '../context.ts'
import { median, type Row, row } from '../row.ts'

const run = promisify(execFile)

interface Inspection {
  readonly elapsedMs: number
  readonly format: string
  readonly candidates: number
}

/** `pixelgate pattern inspect` of every sample as a command, start of the process included; `--help` is beside it. */
export async function* inspections({ main, seed, quick }: Context): AsyncGenerator<Row> {
  const rounds = quick ? 1 : 5
  const startMs = await timed(rounds, async () => {
    await run(process.execPath, [main, '--help'])
  })
  for (const path of samplePaths()) {
    let last: Inspection | undefined
    const times: number[] = []
    for (let round = 0; round < rounds; round++) {
      last = await inspect(main, path)
      times.push(last.elapsedMs)
    }
    yield row({
      case: 'inspect',
      line: path.replace(/.*\//, ''),
      what: last?.format ?? '',
      figure: median(times),
      unit: 'ms',
      seed,
      detail: { candidates: last?.candidates ?? 0, 'start of the process ms': startMs },
    })
  }
}

async function timed(rounds: number, work: () => Promise<void>): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const startMs = performance.now()
    await work()
    times.push(performance.now() - startMs)
  }
  return median(times)
}

function samplePaths(): readonly string[] {
  const own = ['comet.gif', 'lantern.leds'].map(ownPath)
  if (withoutSamples !== false) return own
  const others = ['bin', 'fseq', 'gif', 'jinx', 'leds'].flatMap(folder =>
    readdirSync(sharedPath(folder)).map(name => sharedPath(`${folder}/${name}`)),
  )
  return [...own, ...others]
}

async function inspect(main: string, path: string): Promise<Inspection> {
  const startMs = performance.now()
  const { stdout, failed } = await run(process.execPath, [main, 'pattern', 'inspect', path, '--json']).then(
    ({ stdout }) => ({ stdout, failed: false }),
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? '', failed: true }),
  )
  const elapsedMs = performance.now() - startMs
  if (failed) return { elapsedMs, format: 'refused', candidates: 0 }
  const { candidates } = JSON.parse(stdout) as { candidates: readonly { format: string }[] }
  return { elapsedMs, format: candidates[0]?.format ?? 'none', candidates: candidates.length }
}
