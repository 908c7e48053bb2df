/** Damages pattern files by the thousand and reads them; see `--help`. Exit status 1 when one of them went wrong. */
import { parseArgs } from 'node:util'
import { runCampaign } from './campaign.ts'
import { corpus } from './corpus.ts'
import type { Verdict } from './judge.ts'

const help = `npm run fuzz:pattern:nightly -- [OPTIONS]

  --count N     damaged files; default 10000
  --seed S      the first one; each file has the next one. Default 1. With --count 1 it is replayed alone
  --only F      files of one family (a format, or unread)
  --workers W   processes; default 2
  --json        one JSON object for each file that went wrong, and for the summary

A seed stands for the same damage as long as samples and formats are the same.
`

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    workers: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

function whole(name: 'count' | 'seed' | 'workers', most: number): number {
  const number = Number(values[name])
  if (/^\d+$/.test(values[name]) && number >= 1 && number <= most) return number
  throw new Error(`--${name} takes a whole number from 1 to ${most}, not "${values[name]}"`)
}

const print = (text: string): void => void process.stdout.write(`${text}\n`)

async function main(): Promise<number> {
  if (values.help) {
    print(help)
    return 0
  }
  const seed = whole('seed', 2 ** 31 - 1)
  const count = whole('count', 1e9)
  const workers = whole('workers', 64)
  const families = [...new Set(corpus().map(({ family }) => family))]
  if (values.only !== '' && !families.includes(values.only))
    throw new Error(`--only takes ${families.join(', ')}, not "${values.only}"`)
  if (!values.json)
    print(`seeds ${seed} to ${seed + count - 1}; families: ${values.only || families.join(', ')}`)
  const wrong: Verdict[] = []
  let mostGrown: Verdict | undefined
  let done = 0
  const startMs = performance.now()
  const onVerdict = (verdict: Verdict) => {
    done++
    if (verdict.grownBytes > (mostGrown?.grownBytes ?? 0)) mostGrown = verdict
    if (verdict.problem !== undefined) {
      wrong.push(verdict)
      print(
        values.json ? JSON.stringify(verdict) : `${verdict.name}, seed ${verdict.seed}: ${verdict.problem}`,
      )
    }
    if (!values.json && done % 1000 === 0) print(`${done} done`)
  }
  await runCampaign({ seed, count, workers, only: values.only, onVerdict })
  const seconds = Math.round((performance.now() - startMs) / 1000)
  const grown = mostGrown && { name: mostGrown.name, seed: mostGrown.seed, bytes: mostGrown.grownBytes }
  print(
    values.json
      ? JSON.stringify({ seed, count, done, wrong: wrong.length, seconds, mostGrown: grown })
      : `${done} files, ${wrong.length} went wrong, ${seconds} s; most memory: ${grown?.bytes} bytes (${grown?.name}, seed ${grown?.seed})`,
  )
  return wrong.length === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 2
}
