import { plural } from '../model/format.ts'
import { unseen } from '../state/alerts.ts'
import { route } from '../state/router.ts'
import { Count } from './chat-drawer.tsx'
import { Icon } from './icon.tsx'

/** Says on every page how many alerts nobody has seen. */
export function AlertBell() {
  const count = unseen.value.length
  const label = count === 0 ? 'Alerts' : `Alerts, ${plural(count, 'new one')}`
  return (
    <a
      class="icon-button"
      href="#/alerts"
      aria-label={label}
      title={label}
      aria-current={route.value.page === 'alerts' ? 'page' : undefined}
    >
      <Icon name="alerts" />
      {count > 0 && <Count count={count} />}
    </a>
  )
}
