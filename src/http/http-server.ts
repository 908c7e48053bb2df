import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { AppError } from '../kernel/errors.ts'
import { uuidV7 } from '../kernel/ids.ts'
import { ConnectionGuard, type ConnectionLimits } from './access/connection-guard.ts'
import { endWith, lingerMs } from './end-with.ts'
import { toProblem } from './problem.ts'
import { parserProblem, rawProblem } from './raw-problem.ts'

const limits = {
  headersTimeout: 5_000,
  /** Whole files over a slow wireless network take minutes; who reads a body has a shorter time of its own. */
  requestTimeout: 900_000,
  keepAliveTimeout: 30_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16 * 1024,
  // A request without Host is refused by the list of hosts, with all the headers of an answer.
  requireHostHeader: false,
}
/** A connection that lives for ever would keep its place whoever else waits. */
const maxRequestsPerSocket = 10_000

export const defaultConnections: ConnectionLimits = { connections: 2_000, perAddress: 256 }

export interface HttpServerOptions {
  readonly tls?: { readonly cert: string; readonly key: string } | undefined
  /** Takes the socket of a WebSocket upgrade over; none: upgrades are ignored, as HTTP allows. */
  readonly upgrade?: ((request: IncomingMessage, socket: Duplex, head: Buffer) => void) | undefined
  readonly connections?: ConnectionLimits
  /** Addresses that no limit for one address is for, such as that of a proxy; loopback is exempt anyway. */
  readonly isExempt?: (address: string) => boolean
}

/** A server of node:http, or of node:https when there is a certificate (PEM); its own words have our form and headers. */
export function httpServer(listener: RequestListener, options: HttpServerOptions = {}): Server {
  const { tls } = options
  const server =
    tls === undefined
      ? createServer(limits)
      : createTlsServer({ ...limits, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: 10_000 })
  const connections = guardConnections(server, options)
  const broken = new WeakSet<Duplex>()
  const answer: RequestListener = (request, response) => {
    connections.began(request, response)
    listener(request, response)
  }
  server.on('request', answer)
  // Whoever reads the body says "continue", so that one that is refused is never sent (RFC 9110 §10.1.1).
  server.on('checkContinue', answer)
  server.on('checkExpectation', answer)
  server.on('connect', refuseTunnel)
  const { upgrade } = options
  if (upgrade !== undefined)
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      connections.upgraded(request, socket)
      upgrade(request, socket, head)
    })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    // After the first fault the rest of the bytes are no request either.
    if (socket.writableEnded || broken.has(socket)) return
    broken.add(socket)
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    setTimeout(() => socket.destroy(), lingerMs).unref()
    const problem = rawProblem(parserProblem(error.code, uuidV7(Date.now())))
    connections.afterAnswers(socket as Socket, () => socket.end(problem))
  })
  return server
}

const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`

const isLoopback = (address: string): boolean => /^(::ffff:)?127\.|^::1$/.test(address)

function guardConnections(server: Server, options: HttpServerOptions) {
  const { connections = defaultConnections, isExempt = () => false } = options
  const guard = new ConnectionGuard<Socket>(connections)
  // A TLS socket is another object than the connection below it, with the same peer.
  const byPeer = new Map<string, Socket>()
  const found = (socket: Socket): Socket => byPeer.get(peerOf(socket)) ?? socket
  server.on('connection', (socket: Socket) => {
    const { remoteAddress: address } = socket
    const exempt = address === undefined || isLoopback(address) || isExempt(address)
    const { close } = guard.opened(socket, exempt ? undefined : address)
    close?.destroy()
    if (close === socket) return
    const peer = peerOf(socket)
    if (address !== undefined) byPeer.set(peer, socket)
    socket.once('close', () => {
      guard.closed(socket)
      if (byPeer.get(peer) === socket) byPeer.delete(peer)
    })
  })
  const last = new WeakMap<Socket, Exchange>()
  return {
    /** It is needed for as long as we have something to say over it. */
    upgraded(request: IncomingMessage, socket: Duplex): void {
      const key = found(request.socket)
      guard.asked(key)
      socket.once('finish', () => guard.answered(key))
    },
    began(request: IncomingMessage, response: ServerResponse): void {
      const socket = found(request.socket)
      last.set(socket, { request, response })
      if (guard.asked(socket) >= maxRequestsPerSocket) response.setHeader('Connection', 'close')
      response.once('close', () => {
        guard.answered(socket)
        if (!request.complete) dropLater(request)
      })
    },
    /** Runs once no answer would be torn: at once for a request whose own body is broken and that nobody has answered yet. */
    afterAnswers(socket: Socket, then: () => void): void {
      const key = found(socket)
      const exchange = last.get(key)
      if (exchange === undefined || !guard.isBusy(key)) return then()
      const { request, response } = exchange
      if (!request.complete && !response.headersSent) return then()
      response.once('close', then)
    },
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Its answer is out: who still sends a body has this long to read it. */
function dropLater(request: IncomingMessage): void {
  const timer = setTimeout(() => {
    if (!request.complete) request.socket.destroy()
  }, lingerMs)
  timer.unref()
  request.once('close', () => clearTimeout(timer))
}

/** The target of CONNECT is another host, and the gateway is nobody's proxy. */
function refuseTunnel(_request: IncomingMessage, socket: Duplex): void {
  socket.on('error', () => undefined)
  const problem = toProblem(new AppError('wrong_host', 'The gateway is no proxy.'), uuidV7(Date.now()))
  endWith(socket, rawProblem(problem))
}
