import type { MqttPrincipal } from '../account/mqtt-users.ts'
import { matches, overlaps } from './topics/topic-filter.ts'
import { commandTopic, rootTopic } from './topics/topics.ts'

/** What a client wants to do. A will is a publish; retained and queued messages are received like any other. */
export type MqttAct =
  | { readonly type: 'publish'; readonly topic: string; readonly retain: boolean }
  | { readonly type: 'subscribe'; readonly filter: string }
  | { readonly type: 'receive'; readonly topic: string }

/** What the decision hangs on besides who asks for what. */
export interface PolicyWorld {
  readonly gatewayId: string
  /** Whether the gateway itself speaks for this board, over a cable or the network. */
  serves(boardId: string): boolean
  /** Topics of serial bridges outside of `pixelgate/`: below each are rx and status of the gateway, and tx. */
  readonly serialTopics?: readonly string[]
  /** Below it Home Assistant finds its devices; `homeassistant` when left out. */
  readonly discoveryPrefix?: string
  /** Where Home Assistant says that it is there; `PREFIX/status` when left out. */
  readonly birthTopic?: string
  /** Whether it has a session with this board, whichever way; then it says what the board is and does. */
  greets?(boardId: string): boolean
}

export type Verdict =
  | { readonly allowed: true }
  /** `retained_command`: would be allowed if it were not retained. `command`: a command, but not from this one. */
  | { readonly allowed: false; readonly reason: 'retained_command' | 'command' | 'served' | 'topic' }

const yes: Verdict = { allowed: true }
const no = (reason: (Verdict & { allowed: false })['reason'] = 'topic'): Verdict => ({
  allowed: false,
  reason,
})

type Access = MqttPrincipal['access']
const commanders: ReadonlySet<Access> = new Set(['control', 'anonymous', 'bridge-control', 'home-assistant'])
/** A serial line takes any bytes, so it wants somebody who knows what is behind it. */
const serialWriters: ReadonlySet<Access> = new Set(['control', 'anonymous', 'bridge-control'])
const gatewayReaders: ReadonlySet<Access> = new Set([...commanders, 'watch', 'bridge'])
const systemReaders: ReadonlySet<Access> = new Set([...commanders, 'bridge'])

/** Whether `who` may do it; undefined is somebody who has not said who. What is not allowed here is not allowed. */
export function decide(world: PolicyWorld, who: MqttPrincipal | undefined, act: MqttAct): Verdict {
  if (who === undefined) return no()
  switch (act.type) {
    case 'publish':
      return publish(world, who, act.topic, act.retain)
    case 'subscribe':
      return maySubscribe(world, who, act.filter) ? yes : no()
    case 'receive':
      return mayReceive(world, who, act.topic) ? yes : no()
  }
}

/** What the topics of the gateway begin with that somebody may read. */
function readable(world: PolicyWorld, { access, boardId }: MqttPrincipal): readonly string[] {
  const own = `${rootTopic}/${world.gatewayId}`
  if (access === 'board') return boardId === null ? [] : [`${own}/${boardId}/`]
  if (!gatewayReaders.has(access)) return []
  const serial = (world.serialTopics ?? []).map(topic => `${topic}/`)
  const system = systemReaders.has(access) ? ['$SYS/broker/'] : []
  return [`${own}/`, `${discoveryPrefix(world)}/`, ...serial, ...system]
}

/** A board's filters must begin with its own topic; those of others may be wider, and bring what they may read. */
function maySubscribe(world: PolicyWorld, who: MqttPrincipal, filter: string): boolean {
  const ownOnly = who.access === 'board'
  return (
    readable(world, who).some(prefix =>
      // A board may leave the gateway's id open: it need not know it.
      ownOnly
        ? filter.startsWith(prefix) || filter.startsWith(`${rootTopic}/+/${who.boardId}/`)
        : overlaps(filter, `${prefix}#`),
    ) ||
    (isRoom(world, filter) && (who.room?.subscribe ?? []).some(allowed => overlaps(filter, allowed)))
  )
}

function mayReceive(world: PolicyWorld, who: MqttPrincipal, topic: string): boolean {
  if (readable(world, who).some(prefix => topic.startsWith(prefix))) return true
  return isRoom(world, topic) && (who.room?.subscribe ?? []).some(filter => matches(filter, topic))
}

function publish(world: PolicyWorld, who: MqttPrincipal, topic: string, retain: boolean): Verdict {
  const { access, boardId, room } = who
  const may = writersOf(world, topic)
  if (may !== undefined) {
    if (may.has(access)) return retain ? no('retained_command') : yes
    if (access !== 'board' && gatewayReaders.has(access)) return no('command')
    return no()
  }
  if (topic === birthTopic(world)) return access === 'home-assistant' ? yes : no()
  if (isRoom(world, topic)) return (room?.publish ?? []).some(filter => matches(filter, topic)) ? yes : no()
  return access === 'board' ? boardPublish(world, boardId ?? '', topic, retain) : no()
}

/** Who may ask for something at this topic; undefined: it is for nothing that can be asked for. */
function writersOf(world: PolicyWorld, topic: string): ReadonlySet<Access> | undefined {
  if (world.serialTopics?.some(own => topic === `${own}/tx`)) return serialWriters
  const [root, gateway, place, name, verb, ...more] = topic.split('/')
  if (root !== rootTopic || gateway !== world.gatewayId) return undefined
  if (place === 'gpio') return name && verb === 'cmd' && more.length === 1 && more[0] ? commanders : undefined
  if (place === 'serial') return name && verb === 'tx' && more.length === 0 ? serialWriters : undefined
  if (place && (name === 'light' || name === 'update') && verb === 'set' && more.length === 0)
    return commanders
  return commandTopic(world.gatewayId, topic) === undefined ? undefined : commanders
}

/**
 * Whether a topic is one of the room, which only the lists of users are about; a filter is judged by the level that it
 * begins with, and one that begins with a wildcard counts.
 */
function isRoom(world: PolicyWorld, topic: string): boolean {
  const within = (own: string): boolean => topic === own || topic.startsWith(`${own}/`)
  return !(
    topic.startsWith('$') ||
    within(rootTopic) ||
    within(discoveryPrefix(world)) ||
    topic === birthTopic(world) ||
    world.serialTopics?.some(within)
  )
}

const discoveryPrefix = ({ discoveryPrefix: prefix = 'homeassistant' }: PolicyWorld): string => prefix
const birthTopic = (world: PolicyWorld): string => world.birthTopic ?? `${discoveryPrefix(world)}/status`

/** A board's word on itself: what it measures, answers and sends always, what it is and does only where nobody else says it. */
function boardPublish(world: PolicyWorld, own: string, topic: string, retain: boolean): Verdict {
  const [root, gateway, boardId, kind, ...rest] = topic.split('/')
  if (root !== rootTopic || gateway !== world.gatewayId || boardId !== own || own === '') return no()
  const unretained = (fits: boolean): Verdict => (fits && !retain ? yes : no())
  switch (kind) {
    case 'telemetry':
      return unretained(rest.length > 0 && rest.every(level => level !== ''))
    case 'cmd':
      return unretained(rest.length === 2 && rest[0] !== '' && rest[1] === 'result')
    case 'upload':
      return unretained(rest.length === 2 && rest[0] !== '' && rest[1] === 'get')
    case 'frames':
      return unretained(rest.length === 1 && rest[0] === 'up')
    case 'availability':
      if (rest.length > 0) return no()
      return world.serves(own) ? no('served') : yes
    case 'state':
    case 'info':
      if (rest.length > 0) return no()
      return world.serves(own) || world.greets?.(own) === true ? no('served') : yes
    default:
      return no()
  }
}
