import { Counter, Gauge, type Registry } from 'prom-client'

/** What the audit log tells about itself. */
export interface AuditReading {
  /** Writes that failed since the start. */
  readonly failures: number
  /** Entries that wait to be written. */
  readonly waiting: number
  /** Entries about strangers that were left out, since there were too many. */
  readonly suppressed: number
}

/** Adds the figures of the audit log to a registry. */
export function measureAudit(registry: Registry, read: () => AuditReading): void {
  const registers = [registry]
  const total = (name: string, help: string, value: (reading: AuditReading) => number) =>
    new Counter({
      name,
      help,
      registers,
      collect(this: Counter) {
        this.reset()
        this.inc(value(read()))
      },
    })
  total('pixelgate_audit_failures_total', 'Writes of the audit log that failed.', ({ failures }) => failures)
  total(
    'pixelgate_audit_suppressed_total',
    'Entries about strangers that were left out, since there were too many.',
    ({ suppressed }) => suppressed,
  )
  new Gauge({
    name: 'pixelgate_audit_waiting',
    help: 'Entries of the audit log that wait to be written.',
    registers,
    collect(this: Gauge) {
      this.set(read().waiting)
    },
  })
}
