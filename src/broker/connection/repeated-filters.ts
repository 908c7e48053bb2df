import { packetTypes } from '../packets/check-packet.ts'
import { PacketReader } from '../packets/packet-reader.ts'

/**
 * A SUBSCRIBE may name a filter twice. aedes drops the repetition and answers with too few return codes, which
 * [MQTT-3.8.4-5] forbids and some clients take for a broken connection. So it is dropped here, and the SUBACK is widened.
 */
export class RepeatedFilters {
  /** By packet identifier: for each filter of the SUBSCRIBE which return code of the SUBACK is its own. */
  readonly #pending = new Map<number, readonly number[]>()

  /** The packet without repetitions; of one filter the last QoS counts. Any other packet is returned as it is. */
  take(packet: Buffer): Buffer {
    if ((packet[0] ?? 0) >> 4 !== packetTypes.subscribe) return packet
    const reader = new PacketReader(packet, bodyAt(packet))
    const id = reader.word()
    const wanted = new Map<string, { filter: Buffer; qos: number }>()
    const names: string[] = []
    while (reader.rest > 0) {
      const filter = reader.bytes()
      const name = filter.toString('latin1')
      names.push(name)
      wanted.set(name, { filter, qos: reader.byte() })
    }
    if (wanted.size === names.length) return packet
    const order = [...wanted.keys()]
    this.#pending.set(
      id,
      names.map(name => order.indexOf(name)),
    )
    const fields = [...wanted.values()].flatMap(({ filter, qos }) => [
      word(filter.length),
      filter,
      Buffer.of(qos),
    ])
    return withHeader(packet[0] ?? 0, Buffer.concat([word(id), ...fields]))
  }

  /** What the broker sends, whole packets only, with each SUBACK as long as it has to be. */
  give(packets: Buffer): Buffer {
    if (this.#pending.size === 0) return packets
    const given: Buffer[] = []
    for (let at = 0; at < packets.length; ) {
      const start = bodyAt(packets.subarray(at)) + at
      const end = start + bodyBytes(packets.subarray(at))
      given.push(this.#widened(packets.subarray(at, end), packets.subarray(start, end)))
      at = end
    }
    return Buffer.concat(given)
  }

  #widened(packet: Buffer, body: Buffer): Buffer {
    if (packet[0] !== suback) return packet
    const id = body.readUInt16BE(0)
    const order = this.#pending.get(id)
    if (order === undefined) return packet
    this.#pending.delete(id)
    return withHeader(suback, Buffer.concat([word(id), Buffer.from(order.map(i => body[2 + i] ?? 0x80))]))
  }
}

const suback = 0x90

const word = (value: number): Buffer => Buffer.of(value >> 8, value & 255)

/** Where the body begins, behind type and remaining length (§2.2.3). */
function bodyAt(packet: Buffer): number {
  let at = 1
  while ((packet[at] ?? 0) > 127) at++
  return at + 1
}

function bodyBytes(packet: Buffer): number {
  let value = 0
  for (let at = bodyAt(packet) - 1; at > 0; at--) value = value * 128 + ((packet[at] ?? 0) & 127)
  return value
}

function withHeader(first: number, body: Buffer): Buffer {
  const header = [first]
  let rest = body.length
  do {
    header.push((rest & 127) | (rest > 127 ? 128 : 0))
    rest >>= 7
  } while (rest > 0)
  return Buffer.concat([Buffer.from(header), body])
}
