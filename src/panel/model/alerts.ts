import type { AlertView } from '../../wire/alert.ts'

/** As many as the gateway keeps. */
const maxAlerts = 1000

/** Newest first; an alert that is known is replaced. Ids are UUIDv7, so they sort as their times do. */
export function withAlerts(known: readonly AlertView[], news: readonly AlertView[]): readonly AlertView[] {
  const all = new Map([...known, ...news].map(alert => [alert.id, alert]))
  return [...all.values()].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, maxAlerts)
}

const rank = { INFO: 0, WARNING: 1, CRITICAL: 2 } as const

/** Those that nobody has seen, the worst first. */
export const unseenOf = (alerts: readonly AlertView[]): readonly AlertView[] =>
  alerts
    .filter(({ state }) => state === 'raised')
    .sort((a, b) => rank[b.severity] - rank[a.severity] || (a.id < b.id ? 1 : -1))

export const severityWord = { INFO: 'For information', WARNING: 'Warning', CRITICAL: 'Critical' } as const
export const severityTone = { INFO: 'busy', WARNING: 'warn', CRITICAL: 'bad' } as const
