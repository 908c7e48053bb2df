import type { FaultKind } from './faults.ts'
import { knownBug } from './known-bugs.ts'
import { runSession, type SessionResult } from './run-session.ts'

export interface FailedSession {
  readonly seed: number
  readonly kinds: readonly FaultKind[]
  readonly what: readonly string[]
  /** Runs this one session again and shows its trace. */
  readonly replay: string
}

export interface KindCount {
  sessions: number
  /** Sessions in which it came to pass, and how often in all. */
  struck: number
  strikes: number
  done: number
  failed: number
  violations: number
}

/** What a campaign found; those of several processes add up. */
export interface CampaignSummary {
  sessions: number
  steps: number
  checks: number
  dataFrames: number
  boots: number
  virtualMs: number
  longestFairMs: number
  mostForgotten: number
  mostRssBytes: number
  /** Of the files, in the order of the seeds. */
  readonly fileBytes: number[]
  readonly byKind: Record<string, KindCount>
  readonly violations: FailedSession[]
  readonly known: Record<string, number[]>
}

export const emptySummary = (): CampaignSummary => ({
  sessions: 0,
  steps: 0,
  checks: 0,
  dataFrames: 0,
  boots: 0,
  virtualMs: 0,
  longestFairMs: 0,
  mostForgotten: 0,
  mostRssBytes: 0,
  fileBytes: [],
  byKind: {},
  violations: [],
  known: {},
})

export interface CampaignOptions {
  readonly seed: number
  readonly sessions: number
  readonly onProgress?: (summary: CampaignSummary) => void
}

export const replayCommand = (seed: number): string => `npm run simulate -- --seed ${seed} --sessions 1`

/** Runs the sessions seed, seed + 1, … one after the other. */
export async function runCampaign({ seed, sessions, onProgress }: CampaignOptions): Promise<CampaignSummary> {
  const summary = emptySummary()
  for (let next = seed; next < seed + sessions; next++) {
    count(summary, await runSession(next))
    onProgress?.(summary)
  }
  return summary
}

function count(summary: CampaignSummary, result: SessionResult): void {
  const { seed, kinds, violations } = result
  summary.sessions++
  summary.steps += result.steps
  summary.checks += result.checks
  summary.dataFrames += result.dataFrames
  summary.boots += result.boots
  summary.virtualMs += result.virtualMs
  summary.mostForgotten = Math.max(summary.mostForgotten, result.mostForgotten)
  summary.mostRssBytes = Math.max(summary.mostRssBytes, process.memoryUsage.rss())
  summary.fileBytes.push(result.fileBytes)
  const bug = violations.length === 0 ? undefined : knownBug(result)
  const isBad = violations.length > 0 && bug === undefined
  if (violations.length === 0) summary.longestFairMs = Math.max(summary.longestFairMs, result.fairMs)
  for (const kind of kinds.length === 0 ? (['none'] as const) : kinds) {
    const row = kindRow(summary, kind)
    row.sessions++
    const strikes = kind === 'none' ? 0 : (result.strikes.get(kind) ?? 0)
    if (strikes > 0) row.struck++
    row.strikes += strikes
    if (result.outcome === 'done') row.done++
    if (result.outcome === 'failed') row.failed++
    if (isBad) row.violations++
  }
  if (isBad) summary.violations.push({ seed, kinds, what: violations, replay: replayCommand(seed) })
  if (bug !== undefined) summary.known[bug.name] = [...(summary.known[bug.name] ?? []), seed]
}

function kindRow(summary: CampaignSummary, kind: string): KindCount {
  const row = summary.byKind[kind] ?? {
    sessions: 0,
    struck: 0,
    strikes: 0,
    done: 0,
    failed: 0,
    violations: 0,
  }
  summary.byKind[kind] = row
  return row
}

/** Adds what another process found. */
export function addSummary(to: CampaignSummary, from: CampaignSummary): void {
  to.sessions += from.sessions
  to.steps += from.steps
  to.checks += from.checks
  to.dataFrames += from.dataFrames
  to.boots += from.boots
  to.virtualMs += from.virtualMs
  to.longestFairMs = Math.max(to.longestFairMs, from.longestFairMs)
  to.mostForgotten = Math.max(to.mostForgotten, from.mostForgotten)
  to.mostRssBytes = Math.max(to.mostRssBytes, from.mostRssBytes)
  for (const sizeBytes of from.fileBytes) to.fileBytes.push(sizeBytes)
  to.violations.push(...from.violations)
  for (const [name, seeds] of Object.entries(from.known))
    to.known[name] = [...(to.known[name] ?? []), ...seeds]
  for (const [kind, row] of Object.entries(from.byKind)) {
    const sum = kindRow(to, kind)
    for (const key of ['sessions', 'struck', 'strikes', 'done', 'failed', 'violations'] as const)
      sum[key] += row[key]
  }
}

export function medianBytes({ fileBytes }: CampaignSummary): number {
  const sorted = [...fileBytes].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
