import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { callerOf, schemeOf } from './caller.ts'
import type { LanAccess } from './lan-access.ts'

/** Where MQTT over WebSocket is. */
export const mqttPath = '/mqtt'

/** Takes a socket whose request was found good. `secure`: nobody on the way can read along. */
export type AcceptMqtt = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  from: { readonly address: string; readonly secure: boolean },
) => void

/**
 * Whether a request is for MQTT, with what is to be done with its socket. Host and Origin count as everywhere; cookies
 * and tokens do not: the broker has its own credentials.
 */
export function mqttUpgrade(
  access: LanAccess,
  accept: AcceptMqtt,
  request: IncomingMessage,
): ((socket: Duplex, head: Buffer) => void) | undefined {
  const [path] = (request.url ?? '').split('?', 1)
  if (path !== mqttPath) return undefined
  access.checkOrigin(request)
  const { address } = callerOf(request)
  const secure = schemeOf(request) === 'https' || isLoopback(address)
  return (socket, head) => accept(request, socket, head, { address, secure })
}

const isLoopback = (address: string): boolean => /^(::ffff:)?127\.|^::1$/.test(address)
