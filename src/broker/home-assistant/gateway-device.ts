import type { GatewayTopics } from '../topics/topics.ts'
import {
  type Component,
  type DiscoveryPayload,
  deviceId,
  type GatewayFacts,
  named,
  origin,
} from './discovery-payload.ts'

/** The gateway as a device of its own; the boards hang on it. */
export function gatewayDevice(facts: GatewayFacts, topics: GatewayTopics): DiscoveryPayload {
  const id = deviceId(facts.gatewayId)
  const device = { id, slug: `pixelgate_${facts.gatewayId}` }
  const availability = [{ topic: topics.status }]
  const count = (name: string, field: string, icon: string): Component => ({
    p: 'sensor',
    ...{ name, icon, availability },
    state_topic: topics.stats,
    value_template: `{{ value_json.${field} }}`,
    state_class: 'measurement',
  })
  const components: Record<string, Component> = {
    // It says that the gateway is away, so it must not be away with it.
    connected: {
      p: 'binary_sensor',
      ...{ name: 'Connected', device_class: 'connectivity', entity_category: 'diagnostic' },
      state_topic: topics.status,
      payload_on: 'online',
      payload_off: 'offline',
    },
    boards_online: count('Boards online', 'boardsOnline', 'mdi:led-strip-variant'),
    boards: count('Boards', 'boards', 'mdi:led-strip'),
    uploads_running: count('Uploads running', 'uploadsRunning', 'mdi:upload'),
    mqtt_clients: {
      ...count('MQTT clients', 'mqttClients', 'mdi:lan-connect'),
      entity_category: 'diagnostic',
    },
    health: {
      p: 'sensor',
      ...{ name: 'Health', availability, entity_category: 'diagnostic' },
      state_topic: topics.stats,
      value_template: '{{ value_json.health }}',
      device_class: 'enum',
      options: ['ok', 'degraded', 'failing', 'unknown'],
    },
  }
  return {
    dev: {
      ids: [id],
      name: `Pixelgate ${facts.gatewayId}`,
      mf: 'pixelgate',
      mdl: 'Gateway',
      sw: facts.version,
      sn: facts.gatewayId,
      ...(facts.url !== undefined && { cu: facts.url }),
    },
    o: origin(facts),
    cmps: Object.fromEntries(
      Object.entries(components).map(([key, component]) => [key, named(device, key, component)]),
    ),
    qos: 1,
  }
}
