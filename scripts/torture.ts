// Kills the gateway at work, hangs up its lines and takes its disk away, and checks what must hold. Exit status 1 on any violation.
import { parseArgs } from 'node:util'
import { buildGateway } from '../test/bench/gateway.ts'
import { type CampaignSummary, type Kind, kinds, runKillCampaign } from '../test/torture/kill-campaign.ts'

const help = `npm run torture -- [OPTIONS]

  --kills N     kill -9 of the gateway; default 20. The others go with it: a SIGTERM and a
                loss of all power for 10 kills, a hang-up for 5, a full disk and one whose
                fsync fails for 50; one of each at least
  --only kill|stop|power|pty|full|fsync   N of one kind alone
  --seed S      other files, other moments; default 1. What people do between them and
                the scheduling of the machine are not in it
  --lanes N     gateways under way at once, 1 to 8; default 2
  --json        the summary as a JSON line
`

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    lanes: { type: 'string', default: '2' },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

function whole(name: 'kills' | 'seed' | 'lanes', least: number, most: number): number {
  const text = values[name]
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= least && number <= most) return number
  throw new Error(`--${name} takes a whole number from ${least} to ${most}, not "${text}"`)
}

function chosen(): readonly Kind[] {
  const found = kinds.filter(kind => values.only === undefined || kind === values.only)
  if (found.length > 0) return found
  throw new Error(`--only takes ${kinds.join(', ')}, not "${values.only}"`)
}

const perMinute = ({ interruptions, durationMs }: CampaignSummary) => {
  const all = Object.values(interruptions).reduce((sum, count) => sum + count, 0)
  return `${((all * 60_000) / durationMs).toFixed(1)} a minute`
}

const counts = ({ interruptions: { kill, stop, power, pty, full, fsync } }: CampaignSummary) =>
  `${kill} kills, ${stop} stops, ${power} losses of power, ${pty} hang-ups, ${full} full disks, ${fsync} disks with failing fsync`

/** A line where nobody looks on is written every so often only. */
const everyMs = process.stderr.isTTY ? 0 : 30_000
let shownMs = performance.now()

let violationsTold = 0

/** As soon as they are known: a long run may be ended before its end. */
function tellViolations({ violations }: CampaignSummary): void {
  for (const { what, trace, replay } of violations.slice(violationsTold))
    process.stderr.write(`\n${what.join('\n')}\n  ${trace.slice(-12).join('\n  ')}\n  ${replay}\n`)
  violationsTold = violations.length
}

function showProgress(summary: CampaignSummary): void {
  tellViolations(summary)
  if (performance.now() - shownMs < everyMs) return
  shownMs = performance.now()
  const line = `${counts(summary)}; ${perMinute(summary)}; ${summary.violations.length} violations`
  process.stderr.write(process.stderr.isTTY ? `\r${line} ` : `${line}\n`)
}

function table(summary: CampaignSummary): string {
  const row = (name: string, value: number) => `${name.padEnd(22)}${String(value).padStart(8)}`
  const pause = summary.longestPauseMs.toFixed(0)
  return [
    ...Object.entries(summary.killsByStage).map(([stage, kills]) => row(`kills, ${stage}`, kills)),
    row('moment did not come', summary.forced),
    row('acknowledgements', summary.confirmations),
    row('compared', summary.looks),
    row('uploads done', summary.jobsDone),
    row('of them resumed', summary.jobsResumed),
    row('blocks sent twice', summary.blocksSentTwice),
    row('frames seen', summary.framesShown),
    row('violations', summary.violations.length),
    `${counts(summary)} in ${(summary.durationMs / 1000).toFixed(1)} s (${perMinute(summary)}); at most ${pause} ms between two frames`,
  ].join('\n')
}

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(help)
    return 0
  }
  const summary = await runKillCampaign({
    main: await buildGateway(),
    kills: whole('kills', 1, 1_000_000),
    seed: whole('seed', 0, 2 ** 31 - 1),
    lanes: whole('lanes', 1, 8),
    kinds: chosen(),
    onProgress: showProgress,
  })
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  tellViolations(summary)
  for (const reason of summary.skipped) process.stderr.write(`left out: ${reason}\n`)
  process.stdout.write(`${values.json ? JSON.stringify(summary) : table(summary)}\n`)
  return summary.violations.length === 0 ? 0 : 1
}

process.exitCode = await main()
