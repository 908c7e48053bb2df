import { useEffect, useState } from 'preact/hooks'
import type { AlertView } from '../../wire/alert.ts'
import { Badge } from '../components/badge.tsx'
import { EmptyState } from '../components/empty-state.tsx'
import { PageHead } from '../components/page-head.tsx'
import { nowMs } from '../live.ts'
import { severityTone, severityWord } from '../model/alerts.ts'
import { formatAgo } from '../model/format.ts'
import { acknowledge, alerts, loadPastAlerts, pastFrom } from '../state/alerts.ts'
import { mayOperate } from '../state/session.ts'
import { attempt, tryTo } from '../state/toasts.ts'

/** What a person should know of, and what there was. */
export function AlertsPage() {
  const [busy, setBusy] = useState(false)
  const past = async () => {
    setBusy(true)
    await attempt(loadPastAlerts)
    setBusy(false)
  }
  useEffect(() => {
    if (pastFrom.peek() === undefined) void past()
  }, [])
  const open = alerts.value.filter(({ state }) => state !== 'cleared')
  const over = alerts.value.filter(({ state }) => state === 'cleared')
  return (
    <>
      <PageHead title="Alerts" words={open.length === 0 ? '' : `${open.length} open`} />
      {open.length === 0 && (
        <EmptyState icon="check" title="All is well">
          When a disk fills up, uploads keep failing or a backup is overdue, it is said here and at the bell.
        </EmptyState>
      )}
      {open.length > 0 && <Alerts alerts={open} label="Open alerts" />}
      {over.length > 0 && (
        <>
          <h2 class="section-name">What is over</h2>
          <Alerts alerts={over} label="Alerts that are over" />
        </>
      )}
      {typeof pastFrom.value === 'string' && (
        <button type="button" class="button" disabled={busy} onClick={() => void past()}>
          Show older ones
        </button>
      )}
    </>
  )
}

function Alerts({ alerts: shown, label }: { readonly alerts: readonly AlertView[]; readonly label: string }) {
  return (
    <ul class="alerts" aria-label={label}>
      {shown.map(alert => (
        <AlertRow key={alert.id} alert={alert} />
      ))}
    </ul>
  )
}

function AlertRow({ alert }: { readonly alert: AlertView }) {
  const isOver = alert.state === 'cleared'
  return (
    <li class="card alert">
      <div class="row between">
        <Badge tone={isOver ? 'quiet' : severityTone[alert.severity]} text={severityWord[alert.severity]} />
        <span class="quiet small" title={new Date(alert.raisedAt).toLocaleString()}>
          {sinceWords(alert, nowMs.value)}
        </span>
      </div>
      <p>{alert.message}</p>
      {alert.acknowledgedBy !== null && <p class="quiet small">Seen by {alert.acknowledgedBy}</p>}
      {alert.state === 'raised' && mayOperate.value && (
        <div class="row end">
          <button type="button" class="button small" onClick={tryTo(() => acknowledge(alert.id))}>
            Acknowledge
          </button>
        </div>
      )}
    </li>
  )
}

const sinceWords = ({ raisedAt, clearedAt }: AlertView, now: number): string =>
  clearedAt === null ? `raised ${formatAgo(raisedAt, now)}` : `over ${formatAgo(clearedAt, now)}`
