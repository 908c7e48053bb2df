import type { MqttClient } from 'mqtt'
import { until } from '../broker-rig.ts'
import { type CheckedDevice, checkDiscovery, type Entity, templatePattern } from './check-discovery.ts'

export interface LiveEntity extends Entity {
  readonly uniqueId: string
  readonly deviceId: string
  available: boolean
  /** What the state card shows: a text, or the fields of a light or an update. */
  state: unknown
}

/** Does with a broker what Home Assistant does: finds devices, follows states and availability, sends what a person presses. */
export class Assistant {
  readonly client: MqttClient
  readonly prefix: string
  readonly devices = new Map<string, CheckedDevice>()
  readonly entities = new Map<string, LiveEntity>()
  /** Payloads that it could not take. */
  readonly faults: string[] = []
  /** Every discovery message, in order. */
  readonly discovered: { readonly topic: string; readonly payload: string }[] = []
  readonly #last = new Map<string, string>()
  readonly #topics = new Set<string>()

  constructor(client: MqttClient, prefix = 'homeassistant') {
    this.client = client
    this.prefix = prefix
    client.on('message', (topic, payload) => this.#hear(topic, payload.toString()))
  }

  async start(): Promise<void> {
    const filters = [`${this.prefix}/+/+/config`, `${this.prefix}/+/+/+/config`]
    await this.client.subscribeAsync(filters, { qos: 0 })
  }

  entity(deviceId: string, key: string): LiveEntity {
    const found = this.entities.get(`${deviceId}_${key}`)
    if (found === undefined) throw new Error(`there is no entity ${key} of ${deviceId}`)
    return found
  }

  /** Waits for an entity that holds. */
  async sees(
    deviceId: string,
    key: string,
    holds: (entity: LiveEntity) => boolean = () => true,
  ): Promise<LiveEntity> {
    const id = `${deviceId}_${key}`
    const found = () => this.entities.get(id)
    await until(
      () => {
        const entity = found()
        return entity !== undefined && holds(entity)
      },
      () => `${id}: ${JSON.stringify(found())}; faults ${JSON.stringify(this.faults)}`,
    )
    return this.entity(deviceId, key)
  }

  light(deviceId: string, command: Record<string, unknown>): Promise<unknown> {
    return this.#send(this.entity(deviceId, 'light'), JSON.stringify(command))
  }

  press(deviceId: string, key: string): Promise<unknown> {
    const button = this.entity(deviceId, key)
    return this.#send(button, String(button.config['payload_press'] ?? 'PRESS'))
  }

  install(deviceId: string): Promise<unknown> {
    const update = this.entity(deviceId, 'update')
    return this.#send(update, String(update.config['payload_install']))
  }

  #send({ config }: LiveEntity, payload: string): Promise<unknown> {
    return this.client.publishAsync(String(config['command_topic']), payload, { qos: 1, retain: false })
  }

  #hear(topic: string, payload: string): void {
    try {
      if (topic.startsWith(`${this.prefix}/`)) this.#discover(topic, payload)
      else {
        this.#last.set(topic, payload)
        for (const entity of this.entities.values()) this.#show(entity, topic)
      }
    } catch (thrown) {
      this.faults.push(String(thrown))
    }
  }

  #discover(topic: string, payload: string): void {
    this.discovered.push({ topic, payload })
    const deviceId = topic.split('/').at(-2) ?? ''
    if (payload === '') {
      this.devices.delete(deviceId)
      for (const [id, entity] of this.entities) if (entity.deviceId === deviceId) this.entities.delete(id)
      return
    }
    const device = checkDiscovery(this.prefix, topic, payload)
    if (device.viaDevice !== undefined && !this.devices.has(device.viaDevice))
      this.faults.push(`${deviceId} is behind ${device.viaDevice}, which is not known`)
    this.devices.set(deviceId, device)
    const keys = new Set(device.entities.map(({ key }) => key))
    for (const [id, entity] of this.entities)
      if (entity.deviceId === deviceId && !keys.has(entity.key))
        this.faults.push(`${id} went without being taken away`)
    for (const entity of device.entities) {
      const uniqueId = String(entity.config['unique_id'] ?? `${deviceId}_${entity.key}`)
      const before = this.entities.get(uniqueId)
      if (Object.keys(entity.config).length === 0) this.entities.delete(uniqueId)
      else {
        const live = { ...entity, uniqueId, deviceId, available: false, state: before?.state ?? null }
        this.entities.set(uniqueId, live)
        this.#follow(live)
      }
    }
  }

  #follow(entity: LiveEntity): void {
    for (const topic of [entity.config['state_topic'], ...availabilityOf(entity)]) {
      if (typeof topic !== 'string') continue
      if (this.#topics.has(topic)) this.#show(entity, topic)
      else {
        this.#topics.add(topic)
        this.client.subscribe(topic, { qos: 1 })
      }
    }
    this.#available(entity)
  }

  #show(entity: LiveEntity, topic: string): void {
    this.#available(entity)
    const payload = this.#last.get(topic)
    if (topic !== entity.config['state_topic'] || payload === undefined || payload === '') return
    entity.state = stateOf(entity, payload)
  }

  #available(entity: LiveEntity): void {
    const topics = availabilityOf(entity)
    const online = topics.filter(topic => this.#last.get(topic) === 'online').length
    entity.available = entity.config['availability_mode'] === 'all' ? online === topics.length : online > 0
    if (topics.length === 0) entity.available = true
  }
}

const availabilityOf = ({ config }: Entity): readonly string[] => {
  const list = config['availability']
  return Array.isArray(list) ? list.map(each => String((each as { topic?: unknown }).topic)) : []
}

function stateOf({ platform, config }: Entity, payload: string): unknown {
  switch (platform) {
    case 'light':
      return lightState(JSON.parse(payload) as Record<string, unknown>)
    case 'update':
      return updateState(JSON.parse(payload) as Record<string, unknown>)
    case 'binary_sensor':
      if (payload === config['payload_on']) return 'on'
      if (payload === config['payload_off']) return 'off'
      throw new Error(`a binary sensor does not know ${payload}`)
    default:
      return sensorState(config, rendered(String(config['value_template']), payload))
  }
}

function rendered(template: string, payload: string): unknown {
  const [, field = ''] = templatePattern.exec(template) ?? []
  return (JSON.parse(payload) as Record<string, unknown>)[field]
}

function sensorState(config: Readonly<Record<string, unknown>>, value: unknown): string {
  const text = value === null || value === undefined ? 'unknown' : String(value)
  if (text.length > 255) throw new Error(`a state of ${text.length} characters`)
  const { options, unit_of_measurement: unit } = config
  if (Array.isArray(options) && !options.includes(text))
    throw new Error(`${text} is none of ${options.join()}`)
  const numeric = (unit ?? config['state_class']) !== undefined
  if (numeric && text !== 'unknown' && !Number.isFinite(Number(text))) throw new Error(`${text} is no number`)
  return text
}

function lightState(values: Record<string, unknown>): unknown {
  const { state, brightness, color_mode: mode, effect } = values
  if (state !== 'ON' && state !== 'OFF') throw new Error(`a light that is ${String(state)}`)
  if (mode !== 'brightness') throw new Error(`a light of the mode ${String(mode)}`)
  if (!Number.isInteger(brightness)) throw new Error(`a light of brightness ${String(brightness)}`)
  return { state, brightness, effect }
}

/** MQTT_JSON_UPDATE_SCHEMA: another key, or null where a text is due, makes the whole invalid. */
function updateState(values: Record<string, unknown>): unknown {
  const texts = ['installed_version', 'latest_version', 'title', 'release_summary']
  for (const [key, value] of Object.entries(values)) {
    const percent = typeof value === 'number' && value >= 0 && value <= 100
    const fits =
      (texts.includes(key) && typeof value === 'string' && value.length <= 255) ||
      (key === 'in_progress' && typeof value === 'boolean') ||
      (key === 'update_percentage' && (value === null || percent))
    if (!fits) throw new Error(`an update whose ${key} is ${JSON.stringify(value)}`)
  }
  return values
}
