// Runs uploads in virtual time, each with the faults that its seed gives, and checks what must hold at every step.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
  addSummary,
  type CampaignSummary,
  emptySummary,
  medianBytes,
  runCampaign,
} from '../test/simulation/campaign.ts'
import { enumeratePowerCuts } from '../test/simulation/enumerate-power-cuts.ts'
import { runSession } from '../test/simulation/run-session.ts'

const help = `npm run simulate -- [OPTIONS]

  --seed S        first seed; default 1
  --sessions N    so many seeds from there; default 2000. One session prints its whole trace
  --workers W     processes, 1 to 16; default 1
  --power-cuts    cut one full update at every byte of every flash operation instead
  --finish N      with --power-cuts: let a host finish the update after every N-th cut; default 50
  --json          the summary as a JSON line
`

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    sessions: { type: 'string', default: '2000' },
    workers: { type: 'string', default: '1' },
    'power-cuts': { type: 'boolean', default: false },
    finish: { type: 'string', default: '50' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

function whole(name: 'seed' | 'sessions' | 'workers' | 'finish', least: number, most: number): number {
  const number = Number(values[name])
  if (/^\d+$/.test(values[name]) && number >= least && number <= most) return number
  throw new Error(`--${name} takes a whole number from ${least} to ${most}, not "${values[name]}"`)
}

/** The first ones tell. */
const mostTold = 10
/** Lines of a trace before the end that a failure shows. */
const tailLines = 60
const progressEvery = 100

const begunMs = performance.now()
const seconds = () => (performance.now() - begunMs) / 1000

function showProgress({ sessions, violations }: CampaignSummary): void {
  if (!process.stderr.isTTY || sessions % progressEvery !== 0) return
  const rate = (sessions / seconds()).toFixed(0)
  process.stderr.write(`\r${sessions} sessions, ${violations.length} violations, ${rate} a second `)
}

/** Another process with a part of the seeds. */
function runPart(seed: number, sessions: number): Promise<CampaignSummary> {
  const self = fileURLToPath(import.meta.url)
  const args = [...process.execArgv, self, '--seed', `${seed}`, '--sessions', `${sessions}`, '--json']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout.on('data', chunk => {
      text += chunk
    })
    child.on('error', reject)
    child.on('close', () => {
      try {
        resolve(JSON.parse(text) as CampaignSummary)
      } catch (cause) {
        reject(new Error(`the process for the seeds from ${seed} ended without a summary`, { cause }))
      }
    })
  })
}

async function runAll(): Promise<CampaignSummary> {
  const seed = whole('seed', 0, 2 ** 31 - 1)
  const sessions = whole('sessions', 1, 100_000_000)
  const workers = Math.min(whole('workers', 1, 16), sessions)
  if (workers === 1) return runCampaign({ seed, sessions, ...(!values.json && { onProgress: showProgress }) })
  const share = Math.ceil(sessions / workers)
  const parts = Array.from({ length: workers }, (_, index) => index * share).filter(from => from < sessions)
  const found = await Promise.all(parts.map(from => runPart(seed + from, Math.min(share, sessions - from))))
  const sum = emptySummary()
  for (const part of found) addSummary(sum, part)
  return sum
}

function table({ byKind }: CampaignSummary): string {
  const rows = Object.entries(byKind).sort(([a], [b]) => (a < b ? -1 : 1))
  const cells = rows.map(([kind, row]) => [
    kind,
    ...[row.sessions, row.struck, row.strikes, row.done, row.failed, row.violations].map(String),
  ])
  const head = ['fault', 'sessions', 'struck', 'times', 'done', 'failed', 'violations']
  return [head, ...cells]
    .map(row => row.map((cell, at) => (at === 0 ? cell.padEnd(20) : cell.padStart(11))).join(''))
    .join('\n')
}

function report(summary: CampaignSummary): void {
  const { sessions, steps, checks, dataFrames, boots, virtualMs, longestFairMs, mostForgotten } = summary
  const out = [
    table(summary),
    `${sessions} sessions in ${seconds().toFixed(1)} s (${(sessions / seconds()).toFixed(0)} a second), ${(virtualMs / 3_600_000).toFixed(1)} h of virtual time`,
    `${steps} steps, ${checks} checks, ${dataFrames} DATA frames, ${boots} boots; files of ${medianBytes(summary)} bytes in the middle`,
    `longest upload on a fair line ${(longestFairMs / 1000).toFixed(1)} s; at most ${mostForgotten} durable blocks sent again; ${Math.round(summary.mostRssBytes / 1e6)} MB at most`,
    ...Object.entries(summary.known).map(
      ([name, seeds]) => `known: ${name}: ${seeds.length} sessions, seed ${seeds[0]} is one`,
    ),
    `${summary.violations.length} violations`,
  ]
  process.stdout.write(`${out.join('\n')}\n`)
}

async function tell({ violations }: CampaignSummary): Promise<void> {
  for (const { what, kinds, replay } of violations.slice(0, mostTold))
    process.stderr.write(`${kinds.join(', ')}: ${what.join('; ')}\n  ${replay}\n`)
  const [first] = violations
  if (first === undefined) return
  const { trace } = await runSession(first.seed, { readable: true })
  process.stderr.write(`${trace.slice(-tailLines).join('\n')}\n`)
}

async function powerCuts(): Promise<number> {
  const seed = whole('seed', 0, 2 ** 31 - 1)
  const summary = await enumeratePowerCuts({ seed, finishEvery: whole('finish', 1, 1_000_000) })
  const { operations, cuts, states, finished, bad } = summary
  for (const what of bad.slice(0, mostTold)) process.stderr.write(`${what}\n`)
  const line = `${cuts} cuts in ${operations} operations, ${states} states of the flash, ${finished} finished by a host, ${bad.length} bad, ${seconds().toFixed(1)} s`
  process.stdout.write(`${values.json ? JSON.stringify(summary) : line}\n`)
  return bad.length === 0 ? 0 : 1
}

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(help)
    return 0
  }
  if (values['power-cuts']) return powerCuts()
  if (values.sessions === '1' && !values.json) {
    const { trace, violations, outcome, traceHash } = await runSession(whole('seed', 0, 2 ** 31 - 1), {
      readable: true,
    })
    process.stdout.write(`${trace.join('\n')}\nthe job is ${outcome}, trace ${traceHash}\n`)
    for (const what of violations) process.stderr.write(`violation: ${what}\n`)
    return violations.length === 0 ? 0 : 1
  }
  const summary = await runAll()
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  if (values.json) process.stdout.write(`${JSON.stringify(summary)}\n`)
  else {
    report(summary)
    await tell(summary)
  }
  return summary.violations.length === 0 ? 0 : 1
}

process.exitCode = await main()
