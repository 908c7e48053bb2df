import type { MqttPrincipal } from '../account/mqtt-users.ts'
import { overlaps } from './topic-filter.ts'
import { commandTopic, rootTopic } from './topics.ts'

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

/** Whether `who` may do it; undefined is somebody who has not said who. What is not allowed here is not allowed. */
export function decide(world: PolicyWorld, who: MqttPrincipal | undefined, act: MqttAct): Verdict {
  if (who === undefined) return no()
  switch (act.type) {
    case 'publish':
      return who.access === 'board'
        ? boardPublish(world, who.boardId ?? '', act.topic, act.retain)
        : command(world, who, act.topic, act.retain)
    case 'subscribe':
      return readable(world, who).some(prefix =>
        who.access === 'board' ? act.filter.startsWith(prefix) : overlaps(act.filter, `${prefix}#`),
      )
        ? yes
        : no()
    case 'receive':
      return readable(world, who).some(prefix => act.topic.startsWith(prefix)) ? yes : no()
  }
}

/** What the topics begin with that somebody may read. A board's filters must begin so too; others' are sifted. */
function readable({ gatewayId }: PolicyWorld, { access, boardId }: MqttPrincipal): readonly string[] {
  const own = `${rootTopic}/${gatewayId}`
  if (access === 'board') return boardId === null ? [] : [`${own}/${boardId}/`]
  const watched = [`${own}/`, 'homeassistant/']
  return access === 'watch' ? watched : [...watched, '$SYS/broker/']
}

function command(world: PolicyWorld, { access }: MqttPrincipal, topic: string, retain: boolean): Verdict {
  if (commandTopic(world.gatewayId, topic) === undefined) return no()
  if (access === 'watch') return no('command')
  return retain ? no('retained_command') : yes
}

/** A board's word on itself: measurements and answers always, what it is and does only where nobody else says it. */
function boardPublish(world: PolicyWorld, own: string, topic: string, retain: boolean): Verdict {
  const [root, gateway, boardId, kind, ...rest] = topic.split('/')
  if (root !== rootTopic || gateway !== world.gatewayId || boardId !== own || own === '') return no()
  switch (kind) {
    case 'telemetry':
      return rest.length > 0 && rest.every(level => level !== '') && !retain ? yes : no()
    case 'cmd':
      return rest.length === 2 && rest[0] !== '' && rest[1] === 'result' && !retain ? yes : no()
    case 'state':
    case 'availability':
    case 'info':
      if (rest.length > 0) return no()
      return world.serves(own) ? no('served') : yes
    default:
      return no()
  }
}
