import { computed, signal } from '@preact/signals'
import type { AlertsView, AlertView } from '../../wire/alert.ts'
import { get, getAll, post, withQuery } from '../api.ts'
import { follow } from '../live.ts'
import { unseenOf, withAlerts } from '../model/alerts.ts'
import { attempt } from './toasts.ts'

const pageSize = 30

/** Newest first: all that are open, and of those that are over what was asked for. */
export const alerts = signal<readonly AlertView[]>([])
export const unseen = computed(() => unseenOf(alerts.value))
/** Where the past goes on; undefined: not asked for yet, null: nowhere. */
export const pastFrom = signal<string | null | undefined>(undefined)

const take = (news: readonly AlertView[]) => {
  alerts.value = withAlerts(alerts.peek(), news)
}

export async function loadAlerts(): Promise<void> {
  const open = ['raised', 'acknowledged'].map(state =>
    getAll<AlertView>(withQuery('/alerts', { state }), 'alerts'),
  )
  const found = (await Promise.all(open)).flat()
  // What was open and is not there any more was cleared while nobody listened.
  alerts.value = withAlerts(
    alerts.peek().filter(({ state }) => state === 'cleared'),
    found,
  )
}

export async function loadPastAlerts(): Promise<void> {
  const cursor = pastFrom.peek() ?? null
  const page = await get<AlertsView>(withQuery('/alerts', { state: 'cleared', limit: pageSize, cursor }))
  take(page.alerts)
  pastFrom.value = page.nextCursor
}

export const followAlerts = (): (() => void) =>
  follow(
    ['alerts'],
    ({ type, data }) => {
      if (type === 'alert') take([data as AlertView])
    },
    () => void attempt(loadAlerts),
  )

export async function acknowledge(id: string): Promise<void> {
  const { alert } = await post<{ alert: AlertView }>(`/alerts/${id}/acknowledge`)
  take([alert])
}

export function resetAlerts(): void {
  alerts.value = []
  pastFrom.value = undefined
}
