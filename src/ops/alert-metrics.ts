import { Gauge, type Registry } from 'prom-client'
import type { Breakers } from '../guard/breakers.ts'
import type { Alerts } from './alerts.ts'

/** Open alerts by severity and breakers by state, read when somebody fetches them. */
export function registerAlertMetrics(
  registry: Registry,
  alerts: Pick<Alerts, 'counts'>,
  breakers: Pick<Breakers, 'list'>,
): void {
  const registers = [registry]
  new Gauge({
    name: 'pixelgate_alerts',
    help: 'Alerts that are open, by severity.',
    labelNames: ['severity'],
    registers,
    collect(this: Gauge<'severity'>) {
      for (const [severity, count] of Object.entries(alerts.counts()))
        this.set({ severity: severity.toLowerCase() }, count)
    },
  })
  new Gauge({
    name: 'pixelgate_breakers',
    help: 'Circuit breakers, by state.',
    labelNames: ['state'],
    registers,
    collect(this: Gauge<'state'>) {
      const states = { CLOSED: 0, OPEN: 0, HALF_OPEN: 0 }
      for (const { state } of breakers.list()) states[state] += 1
      for (const [state, count] of Object.entries(states)) this.set({ state: state.toLowerCase() }, count)
    },
  })
}
