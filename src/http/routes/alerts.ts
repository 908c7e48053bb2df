import { z } from 'zod'
import type { Alerts } from '../../ops/alerts.ts'
import {
  type AlertsView,
  type AlertView,
  alertSeverity,
  alertState,
  alertsView,
  alertView,
} from '../../wire/alert.ts'
import { alertViewOf } from '../alert-view-of.ts'
import { json, type Operation, operation } from '../api/operation.ts'
import { pageOf, paging } from '../api/paging.ts'

const query = paging.extend({
  state: alertState.optional().describe('raised: open and seen by nobody yet; left out: all that are kept'),
  severity: z.string().toUpperCase().pipe(alertSeverity).optional(),
  code: z.string().max(64).optional(),
  subject: z.string().max(200).optional(),
})

/** What a person should know of, and that somebody has seen it. */
export const alertOperations = (
  alerts: Pick<Alerts, 'list' | 'counts' | 'acknowledge'>,
): readonly Operation[] => [
  operation({
    id: 'listAlerts',
    method: 'get',
    path: '/alerts',
    tag: 'alerts',
    summary: 'Alerts, newest first',
    description: 'Open ones and those that are over: the last thousand are kept.',
    access: 'viewer',
    query,
    answers: { 200: json(alertsView, 'A page of the alerts') },
    cache: { tags: ['alerts'], per: 'everybody' },
    run({ query: { state, severity, code, subject, ...page } }): AlertsView {
      const found = alerts
        .list()
        .map(alertViewOf)
        .filter(
          alert =>
            (state === undefined || alert.state === state) &&
            (severity === undefined || alert.severity === severity) &&
            (code === undefined || alert.code === code) &&
            (subject === undefined || alert.subject === subject),
        )
      const { items, total, nextCursor } = pageOf(found, page, ({ id }) => id)
      return { alerts: items, total, nextCursor, open: alerts.counts() }
    },
  }),

  operation({
    id: 'acknowledgeAlert',
    method: 'post',
    path: '/alerts/:id/acknowledge',
    tag: 'alerts',
    summary: 'Say that the alert was seen',
    description: 'It stays open until its cause has gone. Once more changes nothing.',
    access: 'operator',
    answers: { 200: json(z.object({ alert: alertView }), 'The alert as it now is') },
    errors: ['not_found'],
    run(call) {
      const { before, after } = alerts.acknowledge(call.params.id, call.principal.name)
      const view = alertViewOf(after)
      call.changed({
        resource: `alerts/${after.id}`,
        before: { state: alertViewOf(before).state },
        after: { state: view.state, acknowledgedBy: view.acknowledgedBy },
      })
      return { alert: view } satisfies { alert: AlertView }
    },
  }),
]
