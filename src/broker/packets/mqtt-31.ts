import { packetTypes } from './check-packet.ts'
import { PacketReader } from './packet-reader.ts'

const name = '\0\x06MQIsdp'
const dup = 8

/**
 * MQTT 3.1 (§2.1, §3.1) does not use some flags that 3.1.1 wants to be 0, and a user name or a password may be missing although its
 * flag is set. Makes such a CONNECT one of 3.1.1, in place; `bodyAt` is where its variable header begins. False: it is not of 3.1.
 */
export function adaptConnect(packet: Buffer, bodyAt: number): boolean {
  if (packet.toString('latin1', bodyAt, bodyAt + name.length) !== name) return false
  packet[0] = packetTypes.connect << 4
  const flagsAt = bodyAt + name.length + 1
  const flags = packet[flagsAt]
  if (flags === undefined) return true
  const reader = new PacketReader(packet, flagsAt + 3)
  reader.bytes() // client id
  if ((flags & 0x04) !== 0) {
    reader.bytes() // will topic
    reader.bytes() // will message
  }
  let kept = flags & 0xfe
  if (reader.rest === 0) kept &= 0x3f
  reader.bytes() // user name
  if (reader.rest === 0) kept &= 0xbf
  packet[flagsAt] = kept
  return true
}

/** The first byte of a packet of MQTT 3.1, without the DUP that 3.1.1 has on PUBLISH only. */
export function withoutDup(first: number): number {
  const type = first >> 4
  const mayHave =
    type === packetTypes.pubrel || type === packetTypes.subscribe || type === packetTypes.unsubscribe
  return mayHave ? first & ~dup : first
}
