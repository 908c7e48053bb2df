import { copyOf } from './kept-message.ts'
import type { Outgoing } from './session-queue.ts'

interface IncomingPacket extends Outgoing {
  readonly topic?: string | undefined
  readonly qos?: 0 | 1 | 2 | undefined
  readonly dup?: boolean | undefined
  readonly retain?: boolean | undefined
}

interface Incoming {
  /** Of the packet that brought it first and is still under way; undefined: it is stored, every further one repeats it. */
  first: Buffer | string | undefined
  packet: IncomingPacket
}

/** aedes takes no more from one client. */
const maxIdsOfClient = 1000
/** Packets are returned whole while they are few; the protocol needs the identifier alone (MQTT 3.1.1 §4.3.3, method B). */
const maxKeptBytes = 1024 * 1024

/** Packet identifiers of QoS 2 messages from clients whose PUBREL is still to come. */
export class IncomingIds {
  readonly #clients = new Map<string, Map<number, Incoming>>()
  #keptBytes = 0

  /** `full`: the client has too many under way. */
  begin(clientId: string, packetId: number, payload: Buffer | string): 'new' | 'known' | 'full' {
    const ids = this.#clients.get(clientId)
    if (ids?.has(packetId) === true) return 'known'
    if (ids !== undefined && ids.size >= maxIdsOfClient) return 'full'
    this.#put(clientId, packetId, { first: payload, packet: { cmd: 'publish', messageId: packetId } })
    return 'new'
  }

  /** The packet that brought it has this payload from now on. */
  identify(clientId: string, packetId: number, payload: Buffer | string): void {
    const known = this.#clients.get(clientId)?.get(packetId)
    if (known?.first !== undefined) known.first = payload
  }

  /** As it was kept. */
  restore(clientId: string, packetId: number): void {
    this.#put(clientId, packetId, { first: undefined, packet: { cmd: 'publish', messageId: packetId } })
  }

  store(clientId: string, given: IncomingPacket): void {
    const { cmd, topic, payload = '', qos, dup, retain, messageId = 0 } = given
    // A slice would keep all of the chunk alive that it came with.
    const packet = { cmd, topic, payload: copyOf(payload), qos, dup, retain, messageId }
    if (this.#keptBytes + payload.length > maxKeptBytes) {
      this.#put(clientId, messageId, { first: undefined, packet: { cmd: 'publish', messageId } })
      return
    }
    this.#keptBytes += payload.length
    this.#put(clientId, messageId, { first: undefined, packet })
  }

  /** undefined: it is new, or the very packet that brought it. */
  get(clientId: string, { messageId = 0, payload }: Outgoing): Outgoing | undefined {
    const known = this.#clients.get(clientId)?.get(messageId)
    if (known === undefined || (known.first !== undefined && known.first === payload)) return undefined
    return known.packet
  }

  remove(clientId: string, packetId: number): boolean {
    const ids = this.#clients.get(clientId)
    const known = ids?.get(packetId)
    if (ids === undefined || known === undefined) return false
    this.#keptBytes -= known.packet.payload?.length ?? 0
    ids.delete(packetId)
    if (ids.size === 0) this.#clients.delete(clientId)
    return true
  }

  clear(clientId: string): void {
    for (const packetId of this.of(clientId)) this.remove(clientId, packetId)
  }

  has(clientId: string): boolean {
    return this.#clients.has(clientId)
  }

  of(clientId: string): readonly number[] {
    return [...(this.#clients.get(clientId)?.keys() ?? [])]
  }

  #put(clientId: string, packetId: number, incoming: Incoming): void {
    let ids = this.#clients.get(clientId)
    if (ids === undefined) {
      ids = new Map()
      this.#clients.set(clientId, ids)
    }
    this.#keptBytes -= ids.get(packetId)?.packet.payload?.length ?? 0
    ids.set(packetId, incoming)
  }
}
