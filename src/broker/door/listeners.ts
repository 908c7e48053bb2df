import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { doorAt } from '../connection/door.ts'
import { acceptWebSocket, type WebSocketOrigin } from './accept-websocket.ts'
import type { Doorkeeper } from './doorkeeper.ts'
import type { HandshakeLimits } from './handshakes.ts'
import { listenTcp, type TcpListener, type TlsSource } from './listen-tcp.ts'

export interface MqttListener {
  readonly host: string
  readonly port: number
  /** Clients without a user name may do what `control` may; for loopback only. */
  readonly anonymous: boolean
  /** With TLS; plain when left out. */
  readonly tls?: TlsSource
}

/** All ways by which clients come to the doorkeeper. */
export class Listeners {
  readonly #doorkeeper: Pick<Doorkeeper, 'take'>
  readonly #limits: HandshakeLimits
  readonly #open: TcpListener[] = []
  #closed = false

  constructor(doorkeeper: Pick<Doorkeeper, 'take'>, limits: HandshakeLimits) {
    this.#doorkeeper = doorkeeper
    this.#limits = limits
  }

  /** In the order in which they were opened. */
  get urls(): readonly string[] {
    return this.#open.map(({ url }) => url)
  }

  /** Rejects with `address_in_use` or `config_invalid`. */
  async listen({ host, port, anonymous, tls }: MqttListener): Promise<void> {
    const door = { anonymous, secure: tls !== undefined }
    const take = (socket: Socket) =>
      this.#doorkeeper.take(socket, socket.remoteAddress, doorAt(door, socket.localAddress))
    const listener = await listenTcp({ host, port }, take, tls && { tls, limits: this.#limits })
    if (this.#closed) listener.close()
    else this.#open.push(listener)
  }

  /** Takes the socket of an upgrade request over. */
  acceptWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer, from: WebSocketOrigin): void {
    if (this.#closed) return void socket.destroy()
    const stream = acceptWebSocket(request, socket, head)
    if (stream === undefined) return
    this.#doorkeeper.take(stream, from.address, { anonymous: false, devicesOnly: !from.secure })
  }

  /** Nobody comes in any more; connections stay. */
  close(): void {
    this.#closed = true
    for (const listener of this.#open) listener.close()
  }
}
