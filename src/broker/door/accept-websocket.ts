import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketStream } from './websocket-stream.ts'

/** RFC 6455 §1.3. */
const handshakeGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
/** The name of MQTT 3.1.1 [MQTT-6.0.0-3], and the one that clients of MQTT 3.1 use. */
const protocols = ['mqtt', 'mqttv3.1']

/** Of a handshake whose Host and Origin were found good. */
export interface WebSocketOrigin {
  /** IP address of the client. */
  readonly address: string
  /** Whether it came over TLS, or from this machine. */
  readonly secure: boolean
}

/** Makes the socket of an upgrade request a stream of MQTT; undefined: it was refused and ends. */
export function acceptWebSocket(
  { method, headers }: Pick<IncomingMessage, 'method' | 'headers'>,
  socket: Duplex,
  head: Buffer,
): WebSocketStream | undefined {
  const key = headers['sec-websocket-key'] ?? ''
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map(each => each.trim())
  const protocol = protocols.find(each => offered.includes(each))
  if (method !== 'GET' || headers.upgrade?.toLowerCase() !== 'websocket' || !isKey(key))
    return refuse(socket, '400 Bad Request', 'This is no handshake of a WebSocket.')
  if (headers['sec-websocket-version'] !== '13')
    return refuse(socket, '426 Upgrade Required', 'Use version 13.', 'Sec-WebSocket-Version: 13')
  if (protocol === undefined)
    return refuse(socket, '400 Bad Request', 'MQTT needs the sub-protocol mqtt. Offer it in the handshake.')
  const accept = createHash('sha1').update(`${key}${handshakeGuid}`).digest('base64')
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    `Sec-WebSocket-Protocol: ${protocol}`,
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  return new WebSocketStream(socket, head)
}

/** 16 bytes in base64 (§4.1). */
const isKey = (key: string): boolean => /^[+/0-9A-Za-z]{22}==$/.test(key)

function refuse(socket: Duplex, status: string, words: string, ...headers: readonly string[]): undefined {
  const lines = [
    `HTTP/1.1 ${status}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(words)}`,
    ...headers,
  ]
  socket.end(`${lines.join('\r\n')}\r\n\r\n${words}`, () => socket.destroy())
}
