import type { Duplex } from 'node:stream'

const body = 'Too many connections. Try again later.'
const head = [
  'HTTP/1.1 503 Service Unavailable',
  'Connection: close',
  'Retry-After: 5',
  'Content-Type: text/plain; charset=utf-8',
  `Content-Length: ${Buffer.byteLength(body)}`,
].join('\r\n')

/** Answers before the connection becomes a WebSocket (RFC 9110 §15.6.4), and ends it. */
export function refuseUpgrade(socket: Duplex): void {
  socket.end(`${head}\r\n\r\n${body}`, () => socket.destroy())
}
