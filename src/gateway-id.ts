import { randomBytes } from 'node:crypto'
import type { Store } from './store/store.ts'

const key = 'gatewayId'

/** Eight hexadecimal digits, made once: the gateway's name in MQTT topics, which hold several gateways apart. */
export async function gatewayId(store: Pick<Store, 'settings'>): Promise<string> {
  const known = await store.settings.get(key)
  if (known !== undefined) return known
  const made = randomBytes(4).toString('hex')
  await store.settings.set({ key, value: made })
  return made
}
