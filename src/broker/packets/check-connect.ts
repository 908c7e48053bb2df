import { checkTopic } from './check-topic.ts'
import type { PacketReader } from './packet-reader.ts'
import { badText, cutOff, type Violation } from './violation.ts'

/** The highest bit of the level marks a bridge of mosquitto. */
const levels: Readonly<Record<string, number>> = { MQTT: 4, MQIsdp: 3 }
const unacceptableLevel = 1
const identifierRejected = 2
const maxClientIdBytes = 128

/** The variable header and payload of CONNECT (§3.1). */
export function checkConnect(reader: PacketReader): Violation | undefined {
  const protocol = reader.text()
  const level = reader.byte()
  if (reader.short) return cutOff
  if (protocol !== 'MQTT' && protocol !== 'MQIsdp')
    return { clause: 'MQTT-3.1.2-1', reason: 'another protocol' }
  if ((level & 0x7f) !== levels[protocol]) {
    const reason = `protocol level ${level}; MQTT 3.1.1 and 3.1 are spoken here`
    return { clause: 'MQTT-3.1.2-2', reason, returnCode: unacceptableLevel }
  }
  const flags = reader.byte()
  reader.word() // keep alive
  const fault = checkFlags(flags)
  if (fault !== undefined) return fault
  return reader.short ? cutOff : checkPayload(reader, flags, protocol === 'MQIsdp')
}

const bit = (flags: number, at: number): boolean => (flags & (1 << at)) !== 0

function checkFlags(flags: number): Violation | undefined {
  const willQos = (flags >> 3) & 3
  if (bit(flags, 0)) return { clause: 'MQTT-3.1.2-3', reason: 'the reserved flag is set' }
  if (willQos === 3) return { clause: 'MQTT-3.1.2-14', reason: 'a will with a QoS of 3' }
  if (!bit(flags, 2) && (willQos !== 0 || bit(flags, 5)))
    return { clause: 'MQTT-3.1.2-13', reason: 'flags of a will without a will' }
  if (bit(flags, 6) && !bit(flags, 7))
    return { clause: 'MQTT-3.1.2-22', reason: 'a password without a user name' }
  return undefined
}

function checkPayload(reader: PacketReader, flags: number, isMqtt31: boolean): Violation | undefined {
  const clientId = reader.text()
  const will = bit(flags, 2) ? reader.text() : 'none'
  if (bit(flags, 2)) reader.bytes()
  const userName = bit(flags, 7) ? reader.text() : ''
  if (bit(flags, 6)) reader.bytes()
  if (reader.short) return cutOff
  if (reader.rest > 0) return { clause: 'MQTT-3.1.3-1', reason: 'bytes after the last field' }
  if (clientId === undefined || userName === undefined) return badText
  if (Buffer.byteLength(clientId) > maxClientIdBytes) {
    const reason = `a client id of more than ${maxClientIdBytes} bytes`
    return { clause: 'limit', reason, returnCode: identifierRejected }
  }
  // MQTT 3.1 §3.1 wants one letter at least.
  if (clientId === '' && isMqtt31)
    return { clause: '3.1', reason: 'an empty client id', returnCode: identifierRejected }
  if (clientId === '' && !bit(flags, 1)) {
    const reason = 'a session that is to last, without a client id'
    return { clause: 'MQTT-3.1.3-8', reason, returnCode: identifierRejected }
  }
  return checkTopic(will)
}
