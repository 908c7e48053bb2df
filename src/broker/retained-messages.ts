import type { AedesPublishPacket } from 'aedes'
import { matches } from './topic-filter.ts'

const maxTopics = 10_000
const maxBytes = 16 * 1024 * 1024

/** The last retained message of each topic, in memory: the gateway publishes its own anew at each start. */
export class RetainedMessages {
  readonly #packets = new Map<string, AedesPublishPacket>()
  #bytes = 0

  get count(): number {
    return this.#packets.size
  }

  get sizeBytes(): number {
    return this.#bytes
  }

  /** An empty payload removes (MQTT-3.3.1-10). False: there is no room, and what stood there is gone. */
  set(packet: AedesPublishPacket): boolean {
    const before = this.#packets.get(packet.topic)
    if (before !== undefined) {
      this.#packets.delete(packet.topic)
      this.#bytes -= sizeOf(before)
    }
    if (packet.payload.length === 0) return true
    const kept = { ...packet, payload: copyOf(packet.payload) }
    if (this.#packets.size >= maxTopics || this.#bytes + sizeOf(kept) > maxBytes) return false
    this.#packets.set(packet.topic, kept)
    this.#bytes += sizeOf(kept)
    return true
  }

  *matching(filters: readonly string[]): Generator<AedesPublishPacket> {
    for (const packet of this.#packets.values())
      if (filters.some(filter => matches(filter, packet.topic))) yield packet
  }
}

const sizeOf = ({ topic, payload }: AedesPublishPacket): number => topic.length + payload.length + 256

/** In memory of its own: a slice would keep the whole packet, or a pool of 8 KiB, alive. */
export function copyOf(payload: string | Buffer): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
  const copy = Buffer.alloc(bytes.length)
  bytes.copy(copy)
  return copy
}
