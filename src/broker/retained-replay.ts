import type { AedesPublishPacket, Client, PublishPacket } from 'aedes'
import { GuardedStream } from './connection/guarded-stream.ts'
import type { RetainedMessages } from './memory/retained-messages.ts'
import { EncodedPublish } from './packets/encoded-publish.ts'

export interface RetainedReplayParts {
  readonly retained: Pick<RetainedMessages, 'matching' | 'get'>
  /** As this client is sent it; null: not at all. */
  readonly forward: (client: Client, packet: AedesPublishPacket) => PublishPacket | null
}

/**
 * Tells what is retained to whoever subscribes. aedes reads ahead and writes a turn later: a newer message gets past there, and
 * the old one is what the client believes in the end. Here each goes from memory to its connection in one step, and only while it
 * is the last word of its topic.
 */
export class RetainedReplay {
  readonly #parts: RetainedReplayParts
  /** By topic, what a slow connection is still to get. */
  readonly #waiting = new WeakMap<GuardedStream, Map<string, AedesPublishPacket>>()

  constructor(parts: RetainedReplayParts) {
    this.#parts = parts
  }

  /** When SUBACK is written. Filters that were there before bring theirs again [MQTT-3.8.4-3]. */
  subscribed(client: Client, filters: readonly string[]): void {
    const stream = client.conn
    if (!(stream instanceof GuardedStream) || filters.length === 0) return
    const waiting = this.#waiting.get(stream)
    const all = waiting ?? new Map<string, AedesPublishPacket>()
    for (const packet of this.#parts.retained.matching(filters)) all.set(packet.topic, packet)
    if (waiting === undefined) this.#send(client, stream, all)
  }

  #send(client: Client, stream: GuardedStream, all: Map<string, AedesPublishPacket>): void {
    for (const [topic, packet] of all) {
      if (stream.destroyed) break
      if (stream.slow) {
        this.#waiting.set(stream, all)
        stream.whenRoom(() => setImmediate(() => this.#send(client, stream, all)))
        return
      }
      all.delete(topic)
      // What came since was told as a message of that moment.
      if (this.#parts.retained.get(topic) === packet) this.#give(client, stream, packet)
    }
    this.#waiting.delete(stream)
  }

  #give(client: Client, stream: GuardedStream, { topic, payload, qos }: AedesPublishPacket): void {
    const packet = { cmd: 'publish', topic, payload, qos, retain: true, dup: false }
    const given = this.#parts.forward(client, packet as AedesPublishPacket)
    if (given === null) return
    const encoded = new EncodedPublish(topic, payload)
    const { bytes, idAt } = encoded.head(given.qos)
    bytes[0] = (bytes[0] ?? 0) | retainFlag
    if (idAt > 0) bytes.writeUInt16BE(given.messageId ?? 0, idAt)
    stream.write(bytes)
    if (encoded.tail.bytes.length > 0) stream.write(encoded.tail.bytes)
  }
}

const retainFlag = 1
