import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { SystemView } from '../../wire/system.ts'
import { get } from '../api.ts'
import { Icon } from './icon.tsx'
import { IconButton } from './icon-button.tsx'

const listeners = signal<readonly string[]>([])
const hidden = signal(false)

async function look(): Promise<void> {
  try {
    listeners.value = (await get<SystemView>('/system')).network.plainMqtt
  } catch {
    // Whether the gateway answers is said elsewhere.
  }
}

/** Said once a visit to those who may change it: boards speak over MQTT without encryption. */
export function MqttBanner() {
  useEffect(() => void look(), [])
  if (hidden.value || listeners.value.length === 0) return null
  return (
    <section class="banner" aria-label="MQTT not encrypted">
      <Icon name="alert" />
      <p>
        Boards may connect over MQTT without encryption ({listeners.value.join(', ')}). Whoever is in the
        network can read and change what they say.
      </p>
      <IconButton icon="close" label="I know" onClick={() => (hidden.value = true)} />
    </section>
  )
}
