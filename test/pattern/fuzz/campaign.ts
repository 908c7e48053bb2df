import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Verdict } from './judge.ts'

export interface CampaignOptions {
  readonly seed: number
  readonly count: number
  readonly workers: number
  /** Family of the files to damage; empty: all. */
  readonly only: string
  /** Told as they come. */
  readonly onVerdict: (verdict: Verdict) => void
}

/** On the clock, so that a busy machine is not taken for a hang; CPU time is judged in the process itself. */
const hangMs = 30_000
const startMs = 60_000
const judgePath = fileURLToPath(new URL('judge.ts', import.meta.url))

/** Judges the seeds from `seed` on in processes of their own: one that hangs or dies is named, and another one goes on. */
export async function runCampaign(options: CampaignOptions): Promise<void> {
  const end = options.seed + options.count
  let next = options.seed
  const work = async (): Promise<void> => {
    let judge: ChildProcess | undefined
    try {
      while (next < end) {
        const seed = next++
        judge ??= await startJudge(options.only)
        const verdict = await ask(judge, seed)
        options.onVerdict(verdict)
        if (judge.exitCode !== null || judge.signalCode !== null) judge = undefined
      }
    } finally {
      judge?.kill('SIGKILL')
    }
  }
  await Promise.all(Array.from({ length: options.workers }, work))
}

async function startJudge(only: string): Promise<ChildProcess> {
  const execArgv = ['--import', 'tsx', '--expose-gc', '--max-old-space-size=256']
  const judge = fork(judgePath, [only], { execArgv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const [first] = await Promise.race([
    once(judge, 'message', { signal: AbortSignal.timeout(startMs) }),
    once(judge, 'exit').then(() => ['ended']),
  ])
  if (first !== 'ready') throw new Error('a judge ended before it began')
  return judge
}

/** The verdict; of a process that hangs or dies, that it did. */
async function ask(judge: ChildProcess, seed: number): Promise<Verdict> {
  const lost = (problem: string): Verdict => ({ seed, name: 'unknown', grownBytes: 0, problem })
  judge.send(seed)
  const stop = new AbortController()
  const answer = once(judge, 'message', { signal: stop.signal }).then(([verdict]) => verdict as Verdict)
  const end = once(judge, 'exit', { signal: stop.signal }).then(([status, signal]) =>
    lost(`the process ended with ${signal ?? status}`),
  )
  const timer = setTimeout(() => judge.kill('SIGKILL'), hangMs)
  const startedMs = performance.now()
  try {
    const verdict = await Promise.race([answer, end])
    const hung = verdict.problem?.includes('SIGKILL') === true && performance.now() - startedMs >= hangMs
    return hung ? lost(`no end after ${hangMs} ms`) : verdict
  } finally {
    clearTimeout(timer)
    stop.abort()
    await Promise.allSettled([answer, end])
  }
}
