import type { AlertRecord } from '../ops/alerts.ts'
import type { AlertView } from '../wire/alert.ts'

const iso = (ms: number): string => new Date(ms).toISOString()
const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms))

/** The alert as the API and the topic `alerts` show it. */
export const alertViewOf = (alert: AlertRecord): AlertView => ({
  id: alert.id,
  code: alert.code,
  subject: alert.subject,
  severity: alert.severity,
  message: alert.message,
  state: alert.clearedMs !== null ? 'cleared' : alert.acknowledgedMs !== null ? 'acknowledged' : 'raised',
  raisedAt: iso(alert.raisedMs),
  clearedAt: isoOrNull(alert.clearedMs),
  acknowledgedAt: isoOrNull(alert.acknowledgedMs),
  acknowledgedBy: alert.acknowledgedBy,
})
