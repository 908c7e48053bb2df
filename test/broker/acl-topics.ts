import fc from 'fast-check'
import { boardA, boardB, own, serialTopic, served } from './acl-reference.ts'
import { gw } from './broker-rig.ts'

const levels = fc.constantFrom(
  ...[
    'pixelgate',
    gw,
    '00000000',
    boardA,
    boardB,
    served,
    'gpio',
    'serial',
    'cmd',
    'play',
    'result',
    'state',
  ],
  ...['info', 'availability', 'telemetry', 'volts', 'upload', 'status', 'homeassistant', '$SYS', 'broker'],
  ...[
    'uptime',
    'tele',
    'cmnd',
    'stat',
    'plug',
    'POWER',
    'sensors',
    'co2',
    'tx',
    'rx',
    'light',
    'set',
    'x',
    '',
  ],
)
const anyLevels = fc.array(levels, { minLength: 1, maxLength: 6 }).map(parts => parts.join('/') || 'x')
const tail = fc.oneof(
  fc.constantFrom(
    ...['cmd/play', 'cmd/play/result', 'state', 'availability', 'info', 'telemetry/volts', 'telemetry'],
    ...['telemetry/a/b', 'upload/1/status', 'upload/1/offer', 'upload/1/get', 'upload/1/data', 'frames/up'],
    ...['frames/down', 'light/set', 'light/state', 'status', 'x', 'cmd', 'state/x'],
  ),
  fc.array(levels, { minLength: 1, maxLength: 4 }).map(parts => parts.join('/')),
)
const pinsAndLines = fc.constantFrom(
  ...['gpio/red/state', 'gpio/red/edge', 'gpio/red/cmd/set', 'gpio/red/cmd/pulse', 'gpio/cmd/set'],
  ...['serial/meter/tx', 'serial/meter/rx', 'serial/meter/status', 'serial/cmd/tx', 'serial/cmd/play'],
)
const roomTopics = fc.constantFrom(
  ...[
    'tele/plug/STATE',
    'tele/plug',
    'tele/other/STATE',
    'stat/plug/POWER',
    'stat/x/POWER',
    'cmnd/plug/POWER',
  ],
  ...['room/a', 'room/a/b', 'sensors/b/1', 'sensors/x', 'x', '/x', 'homeassistant', 'homeassistant/status'],
  ...['homeassistant/device/x/config', 'homeassistantx/y', 'pixelgate', 'pixelgatex/y'],
  ...['tx', 'rx', 'status', 'x'].map(each => `${serialTopic}/${each}`),
  serialTopic,
)

/** Mostly topics that come close to what is allowed. */
export const topics = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.constantFrom(boardA, boardB, served), tail)
      .map(([id, rest]) => `${own}/${id}/${rest}`),
  },
  { weight: 2, arbitrary: tail.map(rest => `${own}/${rest}`) },
  { weight: 2, arbitrary: pinsAndLines.map(rest => `${own}/${rest}`) },
  { weight: 3, arbitrary: roomTopics },
  { weight: 1, arbitrary: tail.map(rest => `pixelgate/00000000/${rest}`) },
  { weight: 1, arbitrary: anyLevels },
)

export const filters = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...['#', '#', '+/#', `${own}/#`, 'pixelgate/+/+/cmd/#', '$SYS/#', '+/+/+/+/+', '+/plug/#', 'sensors/#'],
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(topics, fc.array(fc.boolean(), { maxLength: 6 }), fc.boolean(), fc.nat({ max: 6 }))
      .map(([topic, pluses, hash, keep]) => {
        const parts = topic.split('/').map((part, i) => (pluses[i] === true ? '+' : part))
        return hash ? [...parts.slice(0, keep), '#'].join('/') : parts.join('/')
      }),
  },
)
