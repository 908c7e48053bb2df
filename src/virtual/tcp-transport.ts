import { createServer, type Server, type Socket } from 'node:net'
import { AppError, toError } from '../kernel/errors.ts'
import { type BoardTransport, outputCapBytes, type TransportListeners } from './board-transport.ts'

/**
 * A TCP port with the board behind it, as a serial device server has it: one client at a time, a newer one takes over.
 * Port 0 takes any that is free; `path` tells which. Rejects with `port_busy`, `port_denied` or `link_failed`.
 */
export async function listenTcp(
  host: string,
  port: number,
  listeners: TransportListeners,
): Promise<BoardTransport> {
  let client: Socket | undefined
  const server = createServer({ noDelay: true }, socket => {
    client?.destroy()
    client = socket
    socket.on('data', listeners.onData)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      if (client === socket) client = undefined
    })
  })
  await listen(server, host, port)
  server.on('error', cause => {
    listeners.onFault(new AppError('link_failed', `The TCP port failed: ${cause.message}`, { cause }))
  })
  return {
    kind: 'tcp',
    path: addressOf(server),
    write: bytes => {
      if (client !== undefined && client.writableLength + bytes.length <= outputCapBytes) client.write(bytes)
    },
    setBaud: () => undefined,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        client?.destroy()
      }),
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', thrown => reject(listenError(`${host}:${port}`, thrown)))
    server.listen(port, host, () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
}

function listenError(address: string, thrown: Error): AppError {
  const code = 'code' in thrown ? thrown.code : undefined
  if (code === 'EADDRINUSE') {
    return new AppError('port_busy', `${address} is in use already: choose another port.`, { cause: thrown })
  }
  if (code === 'EACCES') {
    const message = `${address} may not be opened: choose a port of 1024 or above.`
    return new AppError('port_denied', message, { cause: thrown })
  }
  return new AppError('link_failed', `${address} cannot be opened: ${toError(thrown).message}`, {
    cause: thrown,
  })
}

function addressOf(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') return String(address)
  return address.family === 'IPv6'
    ? `[${address.address}]:${address.port}`
    : `${address.address}:${address.port}`
}
