import type { Config } from './resolve-config.ts'
import { isLoopback } from './schema-parts.ts'

type Listener = Config['mqtt']['listeners'][number]

/** IANA: secure-mqtt. */
const securePort = 8883

export interface MqttListeners {
  /** Named by the configuration: they must be had. */
  readonly chosen: boolean
  readonly plain: readonly Listener[]
  readonly secure: readonly Listener[]
}

/**
 * Where the broker is to listen. A configuration that names nothing has it on loopback, and with TLS where the panel is
 * on the network with TLS.
 */
export function mqttListeners({ mqtt, http, origin }: Config): MqttListeners {
  const chosen = (origin.get('mqtt.listeners')?.layer ?? 'default') !== 'default'
  const plain = mqtt.listeners.filter(({ tls }) => !tls)
  const secure = mqtt.listeners.filter(({ tls }) => tls)
  if (chosen || http.tls === 'insecure' || isLoopback(http.host)) return { chosen, plain, secure }
  const besidePanel = { host: http.host, port: securePort, anonymous: false, tls: true, plain: false }
  return { chosen, plain, secure: [...secure, besidePanel] }
}

/** Listeners where whoever is in the network can read along. */
export const openToNetwork = (listeners: readonly Listener[]): readonly Listener[] =>
  listeners.filter(({ host, tls }) => !tls && !isLoopback(host))
