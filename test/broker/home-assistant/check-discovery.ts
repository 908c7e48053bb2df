/**
 * A checker of discovery payloads as strict as Home Assistant, and stricter where it would only warn or ignore. Written from its MQTT
 * integration, core 2026.6: discovery.py, schemas.py, abbreviations.py, light/schema_json.py, update.py, sensor.py, button.py and
 * binary_sensor.py. `object_id` is gone since 2026.4; `default_entity_id` is in its place.
 */
const shortForms: Readonly<Record<string, string>> = {
  dev: 'device',
  o: 'origin',
  cmps: 'components',
  p: 'platform',
  avty: 'availability',
  avty_mode: 'availability_mode',
  stat_t: 'state_topic',
  cmd_t: 'command_topic',
  val_tpl: 'value_template',
  uniq_id: 'unique_id',
  def_ent_id: 'default_entity_id',
  t: 'topic',
}
const shortDevice: Readonly<Record<string, string>> = {
  cu: 'configuration_url',
  cns: 'connections',
  ids: 'identifiers',
  mf: 'manufacturer',
  mdl: 'model',
  mdl_id: 'model_id',
  hw: 'hw_version',
  sw: 'sw_version',
  sa: 'suggested_area',
  sn: 'serial_number',
}
const shortOrigin: Readonly<Record<string, string>> = { sw: 'sw_version', url: 'support_url' }

export interface Entity {
  /** The key under `components`. */
  readonly key: string
  readonly platform: string
  /** With what all components share; empty: it is to be taken away. */
  readonly config: Readonly<Record<string, unknown>>
}

export interface CheckedDevice {
  readonly identifiers: readonly string[]
  readonly name: string
  readonly viaDevice: string | undefined
  readonly swVersion: string | undefined
  readonly entities: readonly Entity[]
}

type Rule = (value: unknown) => string | undefined
type Fields = Readonly<Record<string, Rule>>

const words =
  (expected: string, holds: (value: unknown) => boolean): Rule =>
  value =>
    holds(value) ? undefined : `is ${JSON.stringify(value)}, not ${expected}`
const isText = (value: unknown): value is string => typeof value === 'string'
const text = words('a text', value => isText(value) && value !== '')
const flag = words('true or false', value => typeof value === 'boolean')
const oneOf = (...allowed: readonly unknown[]) =>
  words(`one of ${allowed.join(', ')}`, value => allowed.includes(value))
const listOf = (rule: Rule): Rule =>
  words(
    'a list of valid entries',
    value => Array.isArray(value) && value.every(each => rule(each) === undefined),
  )
const integer = (least: number, most: number) =>
  words(
    `a whole number of ${least} to ${most}`,
    value => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
  )
const topicOf = (wildcards: boolean) =>
  words('a topic', value => {
    if (!isText(value) || value === '' || value.includes('\0') || Buffer.byteLength(value) > 65_535)
      return false
    return wildcards || !/[+#]/.test(value)
  })
const publishTopic = topicOf(false)
// Nothing here listens to more than one topic.
const subscribeTopic = topicOf(false)
/** The part of Jinja that we use. */
export const templatePattern = /^\{\{ value_json\.([A-Za-z]+) \}\}$/
const template = words('{{ value_json.x }}', value => isText(value) && templatePattern.test(value))
const icon = words(
  'an icon such as mdi:upload',
  value => isText(value) && /^mdi:[a-z0-9]+(-[a-z0-9]+)*$/.test(value),
)
const webUrl = words('an http or https URL', value => isText(value) && /^https?:\/\/[^/]+\//.test(value))
const entityId = /^(?!.+__)(?!_)[\da-z_]+(?<!_)\.(?!_)[\da-z_]+(?<!_)$/

const availability: Fields = {
  availability: listOf(
    words('{"topic"}', value => faultsOf(value, { topic: subscribeTopic }, ['topic']).length === 0),
  ),
  availability_mode: oneOf('all', 'any', 'latest'),
}
const common: Fields = {
  ...availability,
  platform: text,
  unique_id: text,
  default_entity_id: words('an entity id', value => isText(value) && entityId.test(value)),
  name: words('a text or null', value => value === null || (isText(value) && value !== '')),
  icon,
  entity_category: oneOf('config', 'diagnostic'),
  enabled_by_default: flag,
  qos: oneOf(0, 1, 2),
  encoding: text,
}
const stateful: Fields = { state_topic: subscribeTopic, value_template: template }

interface PlatformRules {
  readonly fields: Fields
  readonly required: readonly string[]
}

const platforms: Readonly<Record<string, PlatformRules>> = {
  light: {
    fields: {
      ...{ schema: oneOf('json'), state_topic: subscribeTopic, command_topic: publishTopic },
      ...{ optimistic: flag, retain: flag, brightness: flag, brightness_scale: integer(1, 1e6) },
      ...{ effect: flag, effect_list: listOf(text), flash: flag, transition: flag },
      // valid_supported_color_modes: onoff and brightness stand alone.
      supported_color_modes: words('["brightness"]', value => JSON.stringify(value) === '["brightness"]'),
    },
    required: ['schema', 'command_topic', 'state_topic'],
  },
  update: {
    fields: {
      ...stateful,
      ...{ command_topic: publishTopic, payload_install: text, title: text, retain: flag },
      device_class: oneOf('firmware'),
    },
    required: ['state_topic'],
  },
  button: {
    fields: {
      ...{ command_topic: publishTopic, payload_press: text, retain: flag },
      device_class: oneOf('identify', 'restart', 'update'),
    },
    required: ['command_topic'],
  },
  sensor: {
    fields: {
      ...stateful,
      device_class: oneOf('enum', 'temperature', 'timestamp', 'duration', 'data_size'),
      options: listOf(text),
      state_class: oneOf('measurement', 'total', 'total_increasing'),
      unit_of_measurement: text,
      entity_category: oneOf('diagnostic'),
    },
    required: ['state_topic'],
  },
  binary_sensor: {
    fields: {
      ...stateful,
      ...{ payload_on: text, payload_off: text },
      device_class: oneOf('connectivity', 'problem', 'running', 'update'),
      entity_category: oneOf('diagnostic'),
    },
    required: ['state_topic'],
  },
}

const deviceFields: Fields = {
  ...{ identifiers: listOf(text), name: text, manufacturer: text, model: text, model_id: text },
  ...{ sw_version: text, hw_version: text, serial_number: text, suggested_area: text, via_device: text },
  configuration_url: webUrl,
}
const rootFields: Fields = {
  ...availability,
  ...{ device: words('a device', isObject), origin: words('an origin', isObject) },
  ...{ components: words('components', isObject), state_topic: subscribeTopic, command_topic: publishTopic },
  ...{ qos: oneOf(0, 1, 2), encoding: text },
}
const shared = ['availability', 'availability_mode', 'state_topic', 'command_topic', 'qos', 'encoding']

/** Throws with all faults at once. */
export function checkDiscovery(prefix: string, topic: string, payload: string): CheckedDevice {
  const faults: string[] = []
  const note = (where: string, found: readonly string[]) =>
    faults.push(...found.map(each => `${where}: ${each}`))
  if (
    !topic.startsWith(`${prefix}/`) ||
    !/^device\/[a-zA-Z0-9_-]+\/config$/.test(topic.slice(prefix.length + 1))
  )
    faults.push(`${topic} is no topic of a device`)
  const root = expanded(objectOf(JSON.parse(payload)), shortForms)
  const device = expanded(objectOf(root['device']), shortDevice)
  const origin = expanded(objectOf(root['origin']), shortOrigin)
  note('device', faultsOf(device, deviceFields, ['identifiers', 'name']))
  note('origin', faultsOf(origin, { name: text, sw_version: text, support_url: webUrl }, ['name']))
  note('root', faultsOf(root, rootFields, ['device', 'origin', 'components']))
  const identifiers = device['identifiers']
  if (Array.isArray(identifiers) && identifiers.length === 0) faults.push('device: it has no identifier')
  const entities: Entity[] = []
  for (const [key, raw] of Object.entries(objectOf(root['components']))) {
    const own = expanded(objectOf(raw), shortForms)
    const platform = String(own['platform'])
    const rules = platforms[platform]
    if (rules === undefined) {
      faults.push(`${key}: there is no platform ${platform}`)
      continue
    }
    if (Object.keys(own).length === 1) {
      entities.push({ key, platform, config: {} })
      continue
    }
    const config = {
      ...Object.fromEntries(shared.flatMap(name => (name in root ? [[name, root[name]]] : []))),
      ...own,
    }
    note(key, faultsOf(config, { ...common, ...rules.fields }, ['unique_id', ...rules.required]))
    note(key, together(platform, config))
    entities.push({ key, platform, config })
  }
  const ids = entities.flatMap(({ config }) => (isText(config['unique_id']) ? [config['unique_id']] : []))
  if (new Set(ids).size !== ids.length) faults.push('two entities have one unique_id')
  if (faults.length > 0) throw new Error(`${topic}: ${faults.join('; ')}`)
  const textOf = (value: unknown) => (isText(value) ? value : undefined)
  return {
    identifiers: Array.isArray(identifiers) ? identifiers.map(String) : [],
    name: String(device['name']),
    viaDevice: textOf(device['via_device']),
    swVersion: textOf(device['sw_version']),
    entities,
  }
}

/** Rules over several options. */
function together(platform: string, config: Readonly<Record<string, unknown>>): readonly string[] {
  const faults: string[] = []
  const { default_entity_id: id, options, device_class: kind } = config
  if (isText(id) && !id.startsWith(`${platform}.`)) faults.push('its default_entity_id has another domain')
  if (platform === 'sensor') {
    if ((kind === 'enum') !== (options !== undefined)) faults.push('enum and options go together')
    if (kind === 'enum' && (config['state_class'] ?? config['unit_of_measurement']) !== undefined)
      faults.push('an enum has neither state_class nor unit')
    if (Array.isArray(options) && (options.length === 0 || new Set(options).size !== options.length))
      faults.push('options are none or not distinct')
  }
  if (platform === 'update' && 'command_topic' in config !== 'payload_install' in config)
    faults.push('install needs a topic and a payload')
  return faults
}

function faultsOf(value: unknown, fields: Fields, required: readonly string[]): readonly string[] {
  if (!isObject(value)) return ['it is no object']
  const missing = required.filter(name => !(name in value)).map(name => `${name} is missing`)
  const wrong = Object.entries(value).flatMap(([name, each]) => {
    const rule = fields[name]
    const fault = rule === undefined ? 'is no option' : rule(each)
    return fault === undefined ? [] : [`${name} ${fault}`]
  })
  return [...missing, ...wrong]
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
const objectOf = (value: unknown): Record<string, unknown> => (isObject(value) ? value : {})

const expanded = (
  value: Record<string, unknown>,
  forms: Readonly<Record<string, string>>,
): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value).map(([key, inner]) => [forms[key] ?? key, inner]))
