import type { AccountEvents } from './account/accounts.ts'
import type { ChatEvents } from './chat/chat-events.ts'
import type { ResponseCache } from './http/api/response-cache.ts'
import type { Bus } from './kernel/bus.ts'
import type { AlertEvents } from './ops/alerts.ts'
import type { GatewayEvents } from './upload/gateway-core.ts'

export interface CacheBuses {
  readonly gateway: Pick<Bus<GatewayEvents>, 'on'>
  readonly accounts: Pick<Bus<AccountEvents>, 'on'>
  readonly chat: Pick<Bus<ChatEvents>, 'on'>
  readonly alerts: Pick<Bus<AlertEvents>, 'on'>
}

/** Takes answers out of memory as soon as something happens that they show. Returns what ends it. */
export function connectCache(
  cache: ResponseCache,
  { gateway, accounts, chat, alerts }: CacheBuses,
): () => void {
  const boards = () => cache.invalidate('boards')
  const users = () => cache.invalidate('users')
  const rooms = () => cache.invalidate('rooms')
  const ends = [
    gateway.on('board.state', boards),
    gateway.on('board.up', boards),
    gateway.on('board.down', boards),
    gateway.on('board.quarantined', boards),
    gateway.on('board.changed', boards),
    gateway.on('board.trust', boards),
    gateway.on('board.refused', boards),
    gateway.on('board.forgotten', () => {
      boards()
      // Its finished jobs have gone with it.
      cache.invalidate('jobs')
    }),
    gateway.on('job.changed', () => {
      cache.invalidate('jobs')
      // A board says which image it plays, and of which job.
      cache.invalidate('boards')
    }),
    gateway.on('pattern.changed', ({ what }) => {
      cache.invalidate('patterns')
      // A job names its pattern for as long as there is one.
      if (what === 'removed') cache.invalidate('jobs')
    }),
    accounts.on('user.added', users),
    accounts.on('user.changed', users),
    accounts.on('user.removed', users),
    alerts.on('alert.changed', () => cache.invalidate('alerts')),
    chat.on('chat.room', rooms),
    chat.on('chat.left', rooms),
    chat.on('chat.message', rooms),
  ]
  return () => {
    for (const end of ends) end()
  }
}
