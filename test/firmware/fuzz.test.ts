import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  buildFuzzers,
  fuzz,
  fuzzFolder,
  fuzzTargets,
  isFuzzTarget,
  replay,
  whyNoFuzzing,
} from './fuzz-campaign.ts'

const secondsInAll = 20
/** Executions that even a busy machine makes in its share of the time, and edges that the seeds alone reach. */
const least = {
  stream: { executions: 500, edges: 600 },
  session: { executions: 500, edges: 900 },
  small: { executions: 200, edges: 900 },
  manifest: { executions: 1_000, edges: 60 },
  block: { executions: 1_000, edges: 150 },
} as const

const regressions = join(fuzzFolder, 'regressions')

const reason = await whyNoFuzzing()
const skip = reason ?? false
if (reason === undefined) await buildFuzzers(Object.keys(fuzzTargets))

/** `<harness>-<what>.bin` */
for (const name of readdirSync(regressions).filter(name => name.endsWith('.bin')))
  t.test(`what was once found does no harm: ${name}`, { skip }, async t => {
    t.equal(await replay(name.split('-', 1)[0] ?? '', join(regressions, name)), undefined)
  })

const secondsOf = (share: number) => Math.max(1, Math.round((secondsInAll * share) / 100))

for (const [target, share] of Object.entries(fuzzTargets).filter(([name]) => isFuzzTarget(name)))
  t.test(
    `no input of ${secondsOf(share)} s of fuzzing harms the board library (${target})`,
    { skip },
    async t => {
      if (!isFuzzTarget(target)) return
      const folder = t.testdir()
      const summary = await fuzz({
        target,
        seconds: secondsOf(share),
        seed: 1,
        found: join(folder, 'found'),
        faults: join(fuzzFolder, 'build', 'faults'),
      })
      t.equal(summary.crash, undefined)
      t.comment(
        `${summary.executions} executions, ${summary.executionsPerSecond} a second, ${summary.edges} edges`,
      )
      t.ok(summary.executions >= least[target].executions, `${summary.executions} executions`)
      t.ok(summary.edges >= least[target].edges, `${summary.edges} edges`)
    },
  )
