import type { OperationsParts } from './app-operations.ts'
import { alertViewOf } from './http/alert-view-of.ts'
import { Bus } from './kernel/bus.ts'
import { registerAlertMetrics } from './ops/alert-metrics.ts'
import { AlertRules } from './ops/alert-rules.ts'
import { type AlertEvents, Alerts } from './ops/alerts.ts'
import type { Health } from './ops/health.ts'
import type { Metrics, MetricsSources } from './ops/metrics.ts'
import type { HttpObservation } from './ops/request-metrics.ts'
import type { SystemWatcher } from './ops/system-readings.ts'

export interface AlertParts extends OperationsParts {
  readonly health: Health
  readonly sources: MetricsSources
  readonly watcher: SystemWatcher
  readonly metrics: Metrics
}

export interface StartedAlerts {
  readonly alerts: Alerts
  readonly events: Bus<AlertEvents>
  /** To be told of each request. */
  request(outcome: HttpObservation): void
  /** Of each wrong secret that was shown elsewhere. */
  authFailed(): void
}

/** Joins the rules of the alerts to what happens in the gateway. */
export async function startAlerts(parts: AlertParts): Promise<StartedAlerts> {
  const { clock, log, closers, store, core, hub, accounts, insight, health, sources, watcher, metrics } =
    parts
  const { breakers } = insight
  const events = new Bus<AlertEvents>()
  const alerts = new Alerts({ clock, log, events, store: store.alerts })
  await alerts.load()
  const rules = new AlertRules(alerts, clock)
  registerAlertMetrics(metrics.registry, alerts, breakers)

  const look = (): void => {
    const { disk, memory } = watcher.last
    const { checks = [] } = health.last ?? {}
    rules.look({ disk, memory, queues: sources.queues(), checks, breakers: breakers.list() })
  }
  const ends = [
    core.bus.on('job.changed', job => rules.job(job)),
    core.bus.on('board.up', ({ boardId }) => rules.boardUp(boardId)),
    core.bus.on('board.down', ({ boardId }) => rules.boardDown(boardId)),
    core.bus.on('board.forgotten', ({ boardId }) => rules.boardForgotten(boardId)),
    accounts.events.on('signIn.tried', ({ outcome }) => {
      if (outcome !== 'ok') rules.authFailed()
    }),
    breakers.onChange(look),
    health.onChange(look),
    events.on('alert.changed', alert => hub.publish('alerts', 'alert', alertViewOf(alert))),
  ]
  watcher.onLook(look)
  await watcher.start()
  closers.add('alerts', () => {
    watcher.stop()
    for (const end of ends) end()
  })
  return { alerts, events, request: outcome => rules.request(outcome), authFailed: () => rules.authFailed() }
}
