import { z } from 'zod'

export const alertSeverity = z.enum(['INFO', 'WARNING', 'CRITICAL'])
export const alertState = z.enum(['raised', 'acknowledged', 'cleared'])

/** Something that a person should know of; also what the topic `alerts` tells. */
export const alertView = z
  .object({
    id: z.string(),
    code: z
      .enum([
        'repeated_failure',
        'high_error_rate',
        'slow_answers',
        'auth_failures',
        'resource_exhausted',
        'dependency_unavailable',
        'backup_overdue',
        'clock_unsynchronised',
      ])
      .describe('What kind of thing it is'),
    subject: z.string().describe('What it is about: disk, queue storage_calls, board 0198…'),
    severity: alertSeverity,
    message: z.string().describe('What was found and what to do'),
    state: alertState.describe('acknowledged: somebody has seen it; cleared: its cause has gone'),
    raisedAt: z.iso.datetime(),
    clearedAt: z.iso.datetime().nullable(),
    acknowledgedAt: z.iso.datetime().nullable(),
    acknowledgedBy: z.string().nullable(),
  })
  .readonly()
  .meta({ id: 'Alert', description: 'Something that a person should know of' })
export type AlertView = z.output<typeof alertView>

/** Answer of GET /alerts, newest first. */
export const alertsView = z
  .object({
    alerts: z.array(alertView).readonly(),
    total: z.int().min(0),
    nextCursor: z.string().nullable(),
    open: z
      .object({ INFO: z.int().min(0), WARNING: z.int().min(0), CRITICAL: z.int().min(0) })
      .readonly()
      .describe('Those that are not cleared, by severity, whatever the query asks for'),
  })
  .readonly()
export type AlertsView = z.output<typeof alertsView>
