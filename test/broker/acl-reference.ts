import type { MqttPrincipal } from '../../src/account/mqtt-users.ts'
import { gw, principal } from './broker-rig.ts'

/** The rules of docs/mqtt.md a second time, as patterns over whole topics; nothing of the policy is used. */
export const own = `pixelgate/${gw}`
export const [boardA, boardB, served] = ['a', 'b', 'd'].map(
  digit => `${digit.repeat(8)}-${digit.repeat(4)}-${digit.repeat(4)}-${digit.repeat(4)}-${digit.repeat(12)}`,
) as [string, string, string]
/** Of a serial bridge that speaks outside of `pixelgate/`. */
export const serialTopic = 'sensors/co2'

const one = '[^/]+'
const commands = new RegExp(`^${own}/((?!(gpio|serial)/)${one}/)?cmd/${one}$`)
const lights = new RegExp(`^${own}/(?!(gpio|serial)/)${one}/light/set$`)
const pins = new RegExp(`^${own}/gpio/${one}/cmd/${one}$`)
const serialLines = new RegExp(`^(${own}/serial/${one}|${serialTopic})/tx$`)
const gatewayTopics = new RegExp(`^(${own}|homeassistant|${serialTopic})/`)
const closed = new RegExp(`^(\\$.*|(pixelgate|homeassistant|${serialTopic})(/.*)?)$`, 's')

/** A filter as a regular expression (MQTT 3.1.1 §4.7). */
export function filterPattern(filter: string): RegExp {
  const levels = filter.split('/')
  const body = levels
    .map((level, i) => {
      const slash = i === 0 ? '' : '/'
      if (level === '#') return i === 0 ? '.*' : '(/.*)?'
      return `${slash}${level === '+' ? '[^/]*' : level.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`
    })
    .join('')
  // Topics of the server itself are not for a wildcard at the beginning [MQTT-4.7.2-1].
  return new RegExp(`^${/^[+#]/.test(filter) ? '(?!\\$)' : ''}${body}$`, 's')
}

const inLists = (filters: readonly string[] | undefined, topic: string): boolean =>
  !closed.test(topic) && (filters ?? []).some(filter => filterPattern(filter).test(topic))

const commanders = ['control', 'anonymous', 'bridge-control', 'home-assistant']
const watchers = [...commanders, 'watch', 'bridge']

export const reference = {
  reads({ access, boardId, room }: MqttPrincipal, topic: string): boolean {
    if (inLists(room?.subscribe, topic)) return true
    if (access === 'board') return topic.startsWith(`${own}/${boardId}/`)
    if (!watchers.includes(access)) return false
    return gatewayTopics.test(topic) || (access !== 'watch' && topic.startsWith('$SYS/broker/'))
  },
  writes({ access, boardId, room }: MqttPrincipal, topic: string, retain: boolean): boolean {
    if (inLists(room?.publish, topic)) return true
    if (access === 'home-assistant' && topic === 'homeassistant/status') return true
    if (serialLines.test(topic)) return ['control', 'anonymous', 'bridge-control'].includes(access) && !retain
    if (commands.test(topic) || lights.test(topic) || pins.test(topic))
      return commanders.includes(access) && !retain
    if (access !== 'board') return false
    const said = `telemetry(/${one})+|cmd/${one}/result|upload/${one}/get|frames/up`
    if (new RegExp(`^${own}/${boardId}/(${said})$`).test(topic)) return !retain
    return boardId !== served && new RegExp(`^${own}/${boardId}/(state|availability|info)$`).test(topic)
  },
}

const room = { publish: ['tele/plug/#', 'stat/+/POWER'], subscribe: ['cmnd/plug/#'] }

/** One of each kind, and some with topics of the room. */
export const principals: readonly MqttPrincipal[] = [
  principal('watch', 'watch'),
  principal('control', 'control'),
  { ...principal('anonymous', ''), room: { publish: ['#'], subscribe: ['#'] } },
  principal('home-assistant', 'ha'),
  principal('bridge', 'bridge'),
  { ...principal('bridge-control', 'bridge-control'), room: { publish: ['room/#'], subscribe: ['room/#'] } },
  { ...principal('control', 'desk'), room: { publish: ['cmnd/#'], subscribe: ['#'] } },
  { ...principal('device', 'plug'), room },
  { ...principal('device', 'greedy'), room: { publish: ['#', '+/+/+'], subscribe: ['#', '+/co2/#'] } },
  principal('device', 'nothing'),
  principal('board', 'board-a', boardA),
  { ...principal('board', 'board-b', boardB), room: { publish: ['sensors/b/#'], subscribe: ['sensors/#'] } },
  principal('board', 'board-d', served),
]
