import { createServer, type RequestListener, type Server } from 'node:http'

/** Node's own limits let one caller hold 2,000 connections open for minutes with headers that never end. */
export function httpServer(listener: RequestListener): Server {
  const server = createServer(
    {
      headersTimeout: 5_000,
      requestTimeout: 60_000,
      keepAliveTimeout: 5_000,
      connectionsCheckingInterval: 5_000,
      maxHeaderSize: 16 * 1024,
    },
    listener,
  )
  server.maxConnections = 256
  return server
}
