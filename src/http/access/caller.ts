import type { IncomingMessage } from 'node:http'
import type { Caller } from '../../account/accounts.ts'
import type { Scheme } from './authority.ts'

/** By the connection itself: X-Forwarded-* can be written by anybody. */
export const schemeOf = (request: Pick<IncomingMessage, 'socket'>): Scheme =>
  'encrypted' in request.socket ? 'https' : 'http'

/** `address` is `local` on the control socket, which has none. */
export const callerOf = (request: Pick<IncomingMessage, 'socket' | 'headers'>): Caller => ({
  address: request.socket.remoteAddress ?? 'local',
  agent: request.headers['user-agent'] ?? '',
})
