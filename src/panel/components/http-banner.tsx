import { signal } from '@preact/signals'
import { isExposed } from '../model/connection-words.ts'
import { Icon } from './icon.tsx'
import { IconButton } from './icon-button.tsx'

const shown = signal(isExposed(location.protocol, location.hostname))

/** Said once a visit: on plain HTTP whoever shares the network can read along. */
export function HttpBanner() {
  if (!shown.value) return null
  return (
    <section class="banner" aria-label="Connection not encrypted">
      <Icon name="alert" />
      <p>This connection is not encrypted. Use it only in a network where you trust everybody.</p>
      <IconButton icon="close" label="I know" onClick={() => (shown.value = false)} />
    </section>
  )
}
