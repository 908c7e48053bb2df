import { checkConnect } from './check-connect.ts'
import { checkFilter } from './check-topic.ts'
import { PacketReader } from './packet-reader.ts'
import { cutOff, type Violation } from './violation.ts'

export const packetTypes = {
  connect: 1,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  unsubscribe: 10,
  pingreq: 12,
  disconnect: 14,
} as const

/** Flags that the fixed header must have (§2.2.2); those of PUBLISH vary. Only types that a client may send. */
const flags: Readonly<Record<number, number | undefined>> = {
  [packetTypes.connect]: 0,
  [packetTypes.puback]: 0,
  [packetTypes.pubrec]: 0,
  [packetTypes.pubrel]: 2,
  [packetTypes.pubcomp]: 0,
  [packetTypes.subscribe]: 2,
  [packetTypes.unsubscribe]: 2,
  [packetTypes.pingreq]: 0,
  [packetTypes.disconnect]: 0,
}

const reservedFlags: Violation = { clause: 'MQTT-2.2.2-2', reason: 'reserved flags are set wrongly' }

/** Of one SUBSCRIBE or UNSUBSCRIBE. */
const maxFilters = 64

/** What the first byte alone tells. */
export function checkHeader(first: number, connected: boolean): Violation | undefined {
  const type = first >> 4
  if (!connected && type !== packetTypes.connect)
    return { clause: 'MQTT-3.1.0-1', reason: 'the first packet was no CONNECT' }
  if (connected && type === packetTypes.connect) return { clause: 'MQTT-3.1.0-2', reason: 'a second CONNECT' }
  if (type === packetTypes.publish) return checkPublishFlags(first & 15)
  // MQTT 3.1 does not use them: judged when the level is known.
  if (type === packetTypes.connect) return undefined
  const expected = flags[type]
  if (expected === undefined)
    return { clause: '2.2.1', reason: `a client does not send packets of type ${type}` }
  return expected === (first & 15) ? undefined : reservedFlags
}

function checkPublishFlags(flags: number): Violation | undefined {
  const qos = (flags >> 1) & 3
  if (qos === 3) return { clause: 'MQTT-3.3.1-4', reason: 'a QoS of 3' }
  if (qos === 0 && (flags & 8) !== 0) return { clause: 'MQTT-3.3.1-2', reason: 'DUP with QoS 0' }
  return undefined
}

/** A whole packet whose header has passed, any but a PUBLISH; `bodyAt` is where the variable header begins. */
export function checkPacket(packet: Buffer, bodyAt: number): Violation | undefined {
  const reader = new PacketReader(packet, bodyAt)
  const first = packet[0] ?? 0
  switch (first >> 4) {
    case packetTypes.connect:
      return (first & 15) === 0 ? checkConnect(reader) : reservedFlags
    case packetTypes.subscribe:
      return checkFilters(reader, true)
    case packetTypes.unsubscribe:
      return checkFilters(reader, false)
    case packetTypes.pingreq:
    case packetTypes.disconnect:
      return reader.rest === 0 ? undefined : { clause: '3.12, 3.14', reason: 'a body where none belongs' }
    default:
      return checkAcknowledgement(reader)
  }
}

function checkFilters(reader: PacketReader, withQos: boolean): Violation | undefined {
  const id = checkId(reader.word())
  if (id !== undefined) return id
  let count = 0
  while (reader.rest > 0) {
    const filter = reader.text()
    const qos = withQos ? reader.byte() : 0
    if (reader.short) return cutOff
    if (qos > 2) return { clause: 'MQTT-3.8.3-4', reason: 'reserved bits of a requested QoS are set' }
    const fault = checkFilter(filter)
    if (fault !== undefined) return fault
    if (++count > maxFilters)
      return { clause: 'limit', reason: `more than ${maxFilters} filters in one packet` }
  }
  if (count > 0) return undefined
  return { clause: withQos ? 'MQTT-3.8.3-3' : 'MQTT-3.10.3-2', reason: 'no topic filter at all' }
}

function checkAcknowledgement(reader: PacketReader): Violation | undefined {
  if (reader.rest !== 2) return { clause: '3.4.1', reason: 'an acknowledgement that is not two bytes long' }
  return checkId(reader.word())
}

const checkId = (id: number): Violation | undefined =>
  id === 0 ? { clause: 'MQTT-2.3.1-1', reason: 'a packet identifier of 0' } : undefined
