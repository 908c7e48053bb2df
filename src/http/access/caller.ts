import type { IncomingMessage } from 'node:http'
import type { Caller } from '../../account/accounts.ts'
import type { Scheme } from './authority.ts'
import { type Origination, plainAddress } from './trusted-proxies.ts'

/** What a trusted proxy has said about a request; requests without an entry speak for themselves. */
const forwarded = new WeakMap<object, Origination>()

/** To be said once, at the door. */
export const rememberOrigin = (request: Pick<IncomingMessage, 'socket'>, origin: Origination): void =>
  void forwarded.set(request, origin)

/** By the connection itself, or by the proxy that is trusted: X-Forwarded-* can be written by anybody. */
export const schemeOf = (request: Pick<IncomingMessage, 'socket'>): Scheme =>
  forwarded.get(request)?.scheme ?? ('encrypted' in request.socket ? 'https' : 'http')

/** `address` is `local` on the control socket, which has none. */
export const callerOf = (request: Pick<IncomingMessage, 'socket' | 'headers'>): Caller => ({
  address: forwarded.get(request)?.address ?? plainAddress(request.socket.remoteAddress ?? 'local'),
  agent: request.headers['user-agent'] ?? '',
})
