/** Packets of MQTT 3.1.1 as the load sends them; nothing is checked. */

export const packetTypes = {
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  suback: 9,
} as const

const word = (value: number): Buffer => Buffer.of(value >> 8, value & 255)
const field = (value: string): Buffer => Buffer.concat([word(Buffer.byteLength(value)), Buffer.from(value)])

function packet(first: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const length: number[] = []
  let rest = body.length
  do {
    length.push((rest & 127) | (rest > 127 ? 128 : 0))
    rest >>= 7
  } while (rest > 0)
  return Buffer.concat([Buffer.of(first, ...length), body])
}

export interface Credentials {
  readonly username?: string
  readonly password?: string
}

export function connectPacket(clientId: string, clean: boolean, { username, password }: Credentials): Buffer {
  const flags = (clean ? 2 : 0) | (username === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40)
  const fields = [clientId, username, password].filter(value => value !== undefined)
  return packet(0x10, field('MQTT'), Buffer.of(4, flags), word(0), ...fields.map(field))
}

export const subscribePacket = (id: number, filter: string, qos: number): Buffer =>
  packet(0x82, word(id), field(filter), Buffer.of(qos))

/** With QoS 1 or 2 its identifier is to be set at `idAt`. */
export function publishTemplate(
  topic: string,
  payload: Uint8Array,
  qos: number,
): { bytes: Buffer; idAt: number } {
  const bytes = packet(0x30 | (qos << 1), field(topic), ...(qos > 0 ? [word(1)] : []), payload)
  return { bytes, idAt: bytes.length - payload.length - 2 }
}

export const disconnectPacket = Buffer.of(0xe0, 0)
