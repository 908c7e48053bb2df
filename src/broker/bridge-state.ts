import type { MqttPrincipal } from '../account/mqtt-users.ts'

const stateTopic = /^\$SYS\/broker\/connection\/(.+)\/state$/
/** Those whose word on themselves is kept. */
const bridges: ReadonlySet<MqttPrincipal['access']> = new Set([
  'control',
  'anonymous',
  'bridge',
  'bridge-control',
])

/**
 * Where a bridge of mosquitto says whether it is connected: `1`, and `0` as its will. Nobody else's topics are touched by it, so a
 * connection never ends for it.
 */
export const isBridgeState = (topic: string): boolean => stateTopic.test(topic)

/** Whether such a word is kept, for those who may read `$SYS`: it has to be a bridge's own. `clientId` is that within the broker. */
export function keepsBridgeState(
  who: MqttPrincipal | undefined,
  clientId: string,
  { topic, payload }: { readonly topic: string; readonly payload: Buffer },
): boolean {
  if (who === undefined || !bridges.has(who.access)) return false
  if (clientId !== `${who.name}/${stateTopic.exec(topic)?.[1]}`) return false
  return payload.length === 0 || (payload.length === 1 && (payload[0] === 0x30 || payload[0] === 0x31))
}
