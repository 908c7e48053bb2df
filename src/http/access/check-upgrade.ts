import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { localPrincipal, type Principal } from '../../account/principal.ts'
import { AppError } from '../../kernel/errors.ts'
import { uuidV7 } from '../../kernel/ids.ts'
import { type Problem, problemHeaders, toProblem } from '../problem.ts'
import type { LanAccess } from './lan-access.ts'

export type UpgradeCheck =
  /** No principal: the request showed no token, or an old cookie; the client has to name itself first. */
  | { readonly ok: true; readonly principal: Principal | undefined }
  | { readonly ok: false; readonly problem: Problem }

/** Host, Origin, then who asks: the same rules as for every other request from the network. */
export async function checkUpgrade(access: LanAccess, request: IncomingMessage): Promise<UpgradeCheck> {
  try {
    access.checkOrigin(request)
    return { ok: true, principal: await access.identify(request) }
  } catch (thrown) {
    return { ok: false, problem: toProblem(thrown, uuidV7(Date.now())) }
  }
}

type Accept = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  principal: Principal | undefined,
) => void

/**
 * Listener for `upgrade` of a server: hands the sockets of WebSockets at /ws on to `accept`. `access` undefined: the
 * control socket.
 */
export function upgradeListener(access: LanAccess | undefined, accept: Accept) {
  return (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // It may be gone before it is answered; then there is nobody to tell.
    socket.on('error', () => undefined)
    const check = access === undefined ? local : checkUpgrade(access, request)
    void check.then(outcome => {
      if (!outcome.ok) refuseUpgrade(socket, outcome.problem)
      else if (request.url?.split('?', 1)[0] === '/ws') accept(request, socket, head, outcome.principal)
      else refuseUpgrade(socket, toProblem(nowhere(), uuidV7(Date.now())))
    })
  }
}

const local: Promise<UpgradeCheck> = Promise.resolve({ ok: true, principal: localPrincipal })
const nowhere = () => new AppError('not_found', 'The WebSocket of the gateway is at /ws.')

/** Answers an upgrade with the problem and closes: nothing of Node's does that once a socket is handed over. */
function refuseUpgrade(socket: Duplex, problem: Problem): void {
  const body = JSON.stringify(problem)
  const headers = {
    ...problemHeaders(problem),
    'Content-Type': 'application/problem+json',
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'X-Request-Id': problem.requestId,
    Connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Error'}\r\n${lines.join('')}\r\n${body}`,
  )
}
