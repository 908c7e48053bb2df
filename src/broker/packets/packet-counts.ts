import { packetTypes } from './check-packet.ts'

/** What has gone over the connections of clients since the start. */
export class PacketCounts {
  /** Of MQTT alone, without what TLS and WebSocket add. */
  bytesReceived = 0
  bytesSent = 0
  /** Of every type. */
  packetsReceived = 0
  /** Packets that have one answer each, which is every answer that there is. */
  answers = 0
  /** CONNECT packets. */
  connects = 0
  /** Connections, let in or not. */
  sockets = 0

  /** A whole packet that has passed every check, by its first byte. */
  took(first: number): void {
    this.packetsReceived++
    const type = first >> 4
    if (type === packetTypes.connect) this.connects++
    const isAnswered =
      type === packetTypes.publish
        ? (first & 6) !== 0
        : type !== packetTypes.puback && type !== packetTypes.pubcomp && type !== packetTypes.disconnect
    if (isAnswered) this.answers++
  }
}
