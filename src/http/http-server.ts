import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'

/** Node's own limits let one caller hold 2,000 connections open for minutes with headers that never end. */
const limits = {
  headersTimeout: 5_000,
  /** A pattern of 64 MiB over a slow wireless network takes minutes; other bodies have a shorter time of their own. */
  requestTimeout: 300_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16 * 1024,
}

/** A server of node:http, or of node:https when there is a certificate (PEM). */
export function httpServer(listener: RequestListener, tls?: { cert: string; key: string }): Server {
  const server =
    tls === undefined
      ? createServer(limits, listener)
      : createTlsServer({ ...limits, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: 10_000 }, listener)
  // Whoever reads the body says "continue", so that one that is refused is never sent (RFC 9110 §10.1.1).
  server.on('checkContinue', listener)
  server.maxConnections = 256
  return server
}
