import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Caller } from '../../account/accounts.ts'
import { localPrincipal, type Principal } from '../../account/principal.ts'
import { AppError } from '../../kernel/errors.ts'
import { uuidV7 } from '../../kernel/ids.ts'
import { endWith } from '../end-with.ts'
import { toProblem } from '../problem.ts'
import { rawProblem } from '../raw-problem.ts'
import { callerOf } from './caller.ts'
import type { LanAccess } from './lan-access.ts'
import { type AcceptMqtt, mqttUpgrade } from './mqtt-upgrade.ts'

/** What the WebSockets say about themselves. */
export interface LiveDoors {
  /** Who has asked for this ticket; it is of no use after that. */
  redeem(ticket: string): Principal | undefined
  /** Rejects with `not_found` when there is no such job, or it is none of theirs. */
  mayOpen(principal: Principal, jobId: string): Promise<void>
}

/** Where a WebSocket comes from, and what it is for. */
export interface LiveOrigin extends Caller {
  /** Of the channel of one job; undefined: of all topics. */
  readonly jobId: string | undefined
}

/** Throws `overloaded` while the socket is still to be answered. */
type Accept = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  principal: Principal | undefined,
  origin: LiveOrigin,
) => void

/**
 * Listener for `upgrade` of a server: hands the sockets of WebSockets at /ws and /ws/jobs/ID on to `accept`. Host, Origin,
 * then who asks: the same rules as for every other request from the network. `access` undefined: the control socket.
 * `acceptMqtt` has those at /mqtt of the network.
 */
export function upgradeListener(
  access: LanAccess | undefined,
  accept: Accept,
  doors?: LiveDoors,
  acceptMqtt?: AcceptMqtt,
) {
  return (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // It may be gone before it is answered; then there is nobody to tell.
    socket.on('error', () => undefined)
    const refuse = (thrown: unknown) => endWith(socket, rawProblem(toProblem(thrown, uuidV7(Date.now()))))
    try {
      const toMqtt = access && acceptMqtt && mqttUpgrade(access, acceptMqtt, request)
      if (toMqtt !== undefined) return toMqtt(socket, head)
    } catch (thrown) {
      return refuse(thrown)
    }
    check(access, doors, request)
      .then(({ principal, origin }) => accept(request, socket, head, principal, origin))
      .catch(refuse)
  }
}

async function check(
  access: LanAccess | undefined,
  doors: LiveDoors | undefined,
  request: IncomingMessage,
): Promise<{ principal: Principal | undefined; origin: LiveOrigin }> {
  access?.checkOrigin(request)
  const [path = '', query = ''] = (request.url ?? '').split('?', 2)
  const ticket = new URLSearchParams(query).get('ticket')
  const principal = access === undefined ? localPrincipal : await identify(access, doors, request, ticket)
  const caller = access === undefined ? { address: 'local', agent: '' } : callerOf(request)
  if (path === '/ws') return { principal, origin: { ...caller, jobId: undefined } }
  const [, jobId] = /^\/ws\/jobs\/([0-9a-f-]{36})$/.exec(path) ?? []
  if (jobId === undefined || doors === undefined)
    throw new AppError('not_found', 'The WebSockets of the gateway are at /ws, /ws/jobs/ID and /mqtt.')
  // Without a principal the client names itself first, and hears after that whether there is such a job.
  if (principal !== undefined) await doors.mayOpen(principal, jobId)
  return { principal, origin: { ...caller, jobId } }
}

/** No principal: the request showed no token, or an old cookie; the client has to name itself first. */
async function identify(
  access: LanAccess,
  doors: LiveDoors | undefined,
  request: IncomingMessage,
  ticket: string | null,
): Promise<Principal | undefined> {
  if (ticket === null) return access.identify(request)
  const principal = doors?.redeem(ticket)
  // Whoever asks at the control socket may do everything, which is not to be carried to the network.
  if (principal === undefined || principal.kind === 'local')
    throw new AppError(
      'unauthenticated',
      'This ticket is not valid, was used, or has run out. Ask for another one.',
    )
  return principal
}
