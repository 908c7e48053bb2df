import { unseen } from '../state/alerts.ts'
import { route } from '../state/router.ts'
import { Icon } from './icon.tsx'

/** What is critical is said on every page until somebody has acknowledged it. */
export function AlertBanner() {
  const [first, ...others] = unseen.value.filter(({ severity }) => severity === 'CRITICAL')
  if (first === undefined || route.value.page === 'alerts') return null
  return (
    <section class="banner critical" aria-label="Critical alert" role="alert">
      <Icon name="alert" />
      <p>
        {first.message}
        {others.length > 0 && ` (and ${others.length} more)`}
      </p>
      <a class="button small" href="#/alerts">
        Look
      </a>
    </section>
  )
}
