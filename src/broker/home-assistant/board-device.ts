import type { GatewayTopics } from '../topics/topics.ts'
import {
  type Component,
  type DiscoveryPayload,
  deviceId,
  type GatewayFacts,
  named,
  origin,
  slugOf,
} from './discovery-payload.ts'

/** What is shown of a board, whether the gateway or the board itself has said it. */
export interface BoardFacts {
  readonly id: string
  readonly name: string
  readonly leds: number
  /** 0: not a matrix. */
  readonly width: number
  readonly height: number
  readonly firmware: string
  /** Names of the patterns that can be chosen. */
  readonly effects: readonly string[]
}

const modes = ['stopped', 'playing', 'trial', 'identify', 'live']
const uploadStates = [
  ...['none', 'queued', 'waiting', 'transferring', 'verifying', 'trial'],
  ...['done', 'paused', 'failed', 'cancelled'],
]
const diagnostic = { entity_category: 'diagnostic' }

export function boardDevice(facts: GatewayFacts, board: BoardFacts, topics: GatewayTopics): DiscoveryPayload {
  const id = deviceId(facts.gatewayId, board.id)
  const device = { id, slug: slugOf(board.name, `board_${board.id.slice(0, 8)}`) }
  const place = topics.board(board.id)
  const button = (name: string, command: string, more: object = {}): Component => ({
    p: 'button',
    ...{ name, ...more },
    command_topic: topics.command(board.id, command),
    payload_press: '{}',
  })
  const upload = (name: string, field: string, more: object): Component => ({
    p: 'sensor',
    ...{ name, ...more },
    state_topic: place.lastUpload,
    value_template: `{{ value_json.${field} }}`,
  })
  const components: Record<string, Component> = {
    // Its name is that of the board.
    light: {
      p: 'light',
      ...{ name: null, schema: 'json', icon: 'mdi:led-strip-variant' },
      ...{ state_topic: place.light.state, command_topic: place.light.set, optimistic: false },
      ...{ brightness: true, brightness_scale: 255, supported_color_modes: ['brightness'] },
      ...{ effect: board.effects.length > 0, effect_list: board.effects, flash: true, transition: false },
    },
    update: {
      p: 'update',
      ...{ name: 'Upload', title: 'Pattern', icon: 'mdi:upload' },
      ...{ state_topic: place.update.state, command_topic: place.update.set, payload_install: 'install' },
    },
    next: button('Next', 'next', { icon: 'mdi:skip-next' }),
    previous: button('Previous', 'previous', { icon: 'mdi:skip-previous' }),
    test_card: button('Test card', 'test-card', { icon: 'mdi:television-ambient-light', ...diagnostic }),
    identify: button('Identify', 'identify', { device_class: 'identify', ...diagnostic }),
    reboot: button('Restart', 'reboot', { device_class: 'restart', entity_category: 'config' }),
    mode: {
      p: 'sensor',
      ...{ name: 'Mode', device_class: 'enum', options: modes, icon: 'mdi:play-pause' },
      ...{ state_topic: place.state, value_template: '{{ value_json.mode }}' },
    },
    pattern: {
      p: 'sensor',
      ...{ name: 'Pattern', icon: 'mdi:image' },
      ...{ state_topic: place.state, value_template: '{{ value_json.patternName }}' },
    },
    upload_state: upload('Upload state', 'state', {
      device_class: 'enum',
      options: uploadStates,
      icon: 'mdi:upload-network',
      ...diagnostic,
    }),
    upload_progress: upload('Upload progress', 'percent', {
      unit_of_measurement: '%',
      icon: 'mdi:progress-upload',
      ...diagnostic,
    }),
    line_share: upload('Line share', 'lineSharePercent', {
      unit_of_measurement: '%',
      state_class: 'measurement',
      icon: 'mdi:speedometer',
      ...diagnostic,
    }),
    last_error: upload('Last error', 'error', { icon: 'mdi:alert-circle-outline', ...diagnostic }),
    // It says that the board is away, so it must not be away with it.
    connected: {
      p: 'binary_sensor',
      ...{ name: 'Connected', device_class: 'connectivity', ...diagnostic },
      ...{ state_topic: place.availability, payload_on: 'online', payload_off: 'offline' },
      availability: [{ topic: topics.status }],
    },
  }
  return {
    dev: {
      ids: [id],
      name: board.name || `Board ${board.id.slice(0, 8)}`,
      mf: 'pixelgate',
      mdl: modelOf(board),
      ...(board.firmware !== '' && { sw: board.firmware }),
      sn: board.id,
      via_device: deviceId(facts.gatewayId),
    },
    o: origin(facts),
    availability: [{ topic: topics.status }, { topic: place.availability }],
    availability_mode: 'all',
    cmps: Object.fromEntries(
      Object.entries(components).map(([key, component]) => [key, named(device, key, component)]),
    ),
    qos: 1,
  }
}

const modelOf = ({ leds, width, height }: BoardFacts): string =>
  width > 0 && height > 0 ? `LED matrix ${width}×${height}` : `LED strip ${leds}`
