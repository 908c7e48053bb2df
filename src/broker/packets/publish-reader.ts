import { checkTopic } from './check-topic.ts'
import { PacketReader } from './packet-reader.ts'
import { cutOff, type Violation } from './violation.ts'

const noId: Violation = { clause: 'MQTT-2.3.1-1', reason: 'a packet identifier of 0' }

/** Reads PUBLISH packets (§3.3) of one client, which mostly go to the same topic: that is decoded and checked once. */
export class PublishReader {
  #topicBytes: Buffer = Buffer.alloc(0)
  topic = ''
  /** 0 with QoS 0. */
  messageId = 0
  /** Where the payload begins. */
  payloadAt = 0

  /** A whole packet whose first byte has been checked; the variable header begins at `bodyAt`. */
  read(packet: Buffer, bodyAt: number): Violation | undefined {
    if (bodyAt + 2 > packet.length) return cutOff
    const topicAt = bodyAt + 2
    const topicEnd = topicAt + (((packet[bodyAt] ?? 0) << 8) | (packet[bodyAt + 1] ?? 0))
    if (topicEnd > packet.length) return cutOff
    if (!this.#sameTopic(packet, topicAt, topicEnd)) {
      const topic = new PacketReader(packet, bodyAt).text()
      const fault = checkTopic(topic)
      if (fault !== undefined || topic === undefined) return fault
      this.topic = topic
      this.#topicBytes = Buffer.from(packet.subarray(topicAt, topicEnd))
    }
    this.messageId = 0
    this.payloadAt = topicEnd
    if (((packet[0] ?? 0) & 6) === 0) return undefined
    if (topicEnd + 2 > packet.length) return cutOff
    this.messageId = ((packet[topicEnd] ?? 0) << 8) | (packet[topicEnd + 1] ?? 0)
    this.payloadAt = topicEnd + 2
    return this.messageId === 0 ? noId : undefined
  }

  #sameTopic(packet: Buffer, from: number, to: number): boolean {
    const known = this.#topicBytes
    if (known.length !== to - from || known.length === 0) return false
    // What is different is so at the end, mostly.
    for (let i = known.length - 1; i >= 0; i--) if (known[i] !== packet[from + i]) return false
    return true
  }
}
