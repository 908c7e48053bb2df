import type { Socket } from 'node:net'

export interface HandshakeLimits {
  readonly maxClients: number
  readonly maxClientsPerAddress: number
}

interface Pending {
  readonly socket: Socket
  readonly address: string
}

/**
 * Connections whose TLS handshake is under way, before anybody counts them as clients. Beyond the caps the oldest one
 * goes: who is silent for long keeps nobody out.
 */
export class Handshakes {
  readonly #limits: HandshakeLimits
  /** By address and port of the client, which a TLS socket and the one below it share. */
  readonly #pending = new Map<string, Pending>()

  constructor(limits: HandshakeLimits) {
    this.#limits = limits
  }

  get count(): number {
    return this.#pending.size
  }

  began(socket: Socket): void {
    const { remoteAddress: address } = socket
    if (address === undefined) return
    const fromThere = [...this.#pending.values()].filter(each => each.address === address)
    const oldest =
      fromThere.length >= this.#limits.maxClientsPerAddress
        ? fromThere[0]
        : this.#pending.size >= this.#limits.maxClients
          ? this.#pending.values().next().value
          : undefined
    if (oldest !== undefined) {
      this.ended(oldest.socket)
      oldest.socket.destroy()
    }
    const key = peerOf(socket)
    this.#pending.set(key, { socket, address })
    socket.once('close', () => {
      if (this.#pending.get(key)?.socket === socket) this.#pending.delete(key)
    })
  }

  ended(socket: Socket): void {
    this.#pending.delete(peerOf(socket))
  }
}

const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`
