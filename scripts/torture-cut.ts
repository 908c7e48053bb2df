// Cuts an upload after every K-th byte, resumes it, and checks what must hold. Exit status 1 on any violation.
import { parseArgs } from 'node:util'
import { type CampaignSummary, payloads, resumes, runCampaign } from '../test/torture/cut-campaign.ts'

const help = `npm run torture:cut -- [OPTIONS]

  --step K              cut after every K-th byte; default 64
  --direction out|in|both   which bytes are counted: host to board, board to host; default both
  --from N, --to N      first and last position; default: K, and beyond the whole conversation
  --payload raw|pattern|both   4 KiB of opaque bytes, a small pattern; default both
  --resume reopen|restart   how the upload goes on; default: by turns
  --seed S              other bytes, other turns; default 1
  --lanes N             cuts under way at once, 1 to 16; default 4
  --json                the summary as a JSON line
`

const { values } = parseArgs({
  options: {
    step: { type: 'string', default: '64' },
    direction: { type: 'string', default: 'both' },
    from: { type: 'string' },
    to: { type: 'string' },
    payload: { type: 'string', default: 'both' },
    resume: { type: 'string' },
    seed: { type: 'string', default: '1' },
    lanes: { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

function whole(
  name: 'step' | 'from' | 'to' | 'seed' | 'lanes',
  least: number,
  most: number,
): number | undefined {
  const text = values[name]
  if (text === undefined) return undefined
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= least && number <= most) return number
  throw new Error(`--${name} takes a whole number from ${least} to ${most}, not "${text}"`)
}

/** One of the names, or all of them for `both`. */
function some<T extends string>(option: string, text: string, names: readonly T[]): readonly T[] {
  const found = names.filter(name => name === text || text === 'both')
  if (found.length > 0) return found
  throw new Error(`--${option} takes ${names.join(', ')} or both, not "${text}"`)
}

/** One fault shows at many positions; the first ones tell. */
const mostTold = 10

const perCut = ({ durationMs, cuts }: CampaignSummary) =>
  `${(durationMs / Math.max(1, cuts)).toFixed(0)} ms a cut`

function showProgress(summary: CampaignSummary): void {
  const { cuts, violations } = summary
  process.stderr.write(`\r${cuts} cuts, ${violations.length} violations, ${perCut(summary)} `)
}

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(help)
    return 0
  }
  const step = whole('step', 1, 1_000_000) ?? 64
  const summary = await runCampaign({
    step,
    directions: some('direction', values.direction, ['out', 'in']),
    from: whole('from', 1, 1_000_000) ?? step,
    to: whole('to', 1, 1_000_000),
    seed: whole('seed', 0, 2 ** 31 - 1) ?? 1,
    payloads: some('payload', values.payload, payloads),
    resume: values.resume === undefined ? undefined : some('resume', values.resume, resumes)[0],
    lanes: whole('lanes', 1, 16) ?? 4,
    ...(process.stderr.isTTY && { onProgress: showProgress }),
  })
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  for (const { what, replay } of summary.violations.slice(0, mostTold))
    process.stderr.write(`${what.join('; ')}\n  ${replay}\n`)
  const { cuts, bytesOut, bytesIn, mostResentBytes, durationMs, violations } = summary
  const line = `${cuts} cuts in ${(durationMs / 1000).toFixed(1)} s (${perCut(summary)}; uploads of ${bytesOut} bytes out, ${bytesIn} in), at most ${mostResentBytes} bytes sent again, ${violations.length} violations`
  process.stdout.write(`${values.json ? JSON.stringify(summary) : line}\n`)
  return violations.length === 0 ? 0 : 1
}

process.exitCode = await main()
