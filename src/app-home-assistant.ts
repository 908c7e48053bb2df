import type { BrokerPart } from './broker/broker-port.ts'
import {
  type HomeAssistantParts,
  type HomeAssistantSettings,
  homeAssistant,
} from './broker/home-assistant/home-assistant.ts'
import type { Config } from './config/resolve-config.ts'
import { isLoopback } from './http/tls/load-tls.ts'
import { systemRandom } from './kernel/random.ts'
import { version } from './version.ts'

/** Home Assistant's view of the gateway, as the configuration wants it. */
export const homeAssistantPart = (
  config: Config,
  parts: Omit<HomeAssistantParts, 'version' | 'url' | 'random'>,
): BrokerPart =>
  homeAssistant(config.mqtt.homeAssistant, {
    ...parts,
    ...{ version, url: panelUrl(config), random: systemRandom },
  })

/** For the policy. */
export const homeAssistantTopics = ({ prefix, birthTopic }: HomeAssistantSettings) => ({
  discoveryPrefix: prefix,
  ...(birthTopic !== null && { birthTopic }),
})

/** Where the panel is for others of the network; undefined: nowhere that is known beforehand. */
function panelUrl({ http, mdns }: Config): string | undefined {
  if (http.port === 0 || isLoopback(http.host) || !mdns.enabled) return undefined
  return `${http.tls === 'insecure' ? 'http' : 'https'}://${mdns.name}.local:${http.port}/`
}
