import type { Test } from 'tap'
import { type BrokerRig, packet, publishPacket, RawClient, subscribePacket, until } from './broker-rig.ts'

export interface Received {
  readonly type: number
  readonly flags: number
  readonly id: number
  /** Of a PUBLISH. */
  readonly topic: string
  readonly payload: string
  readonly body: Buffer
}

export interface PeerOptions {
  readonly clientId?: string
  readonly clean?: boolean
  readonly keepAlive?: number
  readonly will?: {
    readonly topic: string
    readonly payload: string
    readonly qos?: number
    readonly retain?: boolean
  }
  /** Level of CONNECT; 0x84 is a bridge. */
  readonly level?: number
}

export interface Credential {
  readonly username: string
  readonly password: string
}

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 255), bytes])
}
const word = (value: number): Buffer => Buffer.of(value >> 8, value & 255)

export const types = {
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  suback: 9,
  unsuback: 11,
  pingresp: 13,
} as const

/** A client that does nothing of itself: no acknowledgement, no PINGREQ. */
export class Peer {
  readonly raw: RawClient
  #seen = 0
  #pings = 0

  private constructor(raw: RawClient) {
    this.raw = raw
  }

  /** Anonymous without a credential. Nothing is sent. */
  static async open(t: Test, rig: BrokerRig, credential?: Credential): Promise<Peer> {
    return new Peer(await RawClient.open(t, credential === undefined ? rig.openPort : rig.port))
  }

  static async connect(
    t: Test,
    rig: BrokerRig,
    options: PeerOptions,
    credential?: Credential,
  ): Promise<Peer> {
    const peer = await Peer.open(t, rig, credential)
    peer.raw.send(connectBytes(options, credential))
    await peer.next(types.connack)
    return peer
  }

  get received(): Received[] {
    const found: Received[] = []
    const all = Buffer.from(this.raw.received, 'hex')
    for (let at = 0; at < all.length; ) {
      let [length, shift, from] = [0, 0, at + 1]
      for (let byte = 128; byte > 127; from++, shift += 7) {
        byte = all[from] ?? 0
        length += (byte & 127) << shift
      }
      if (from + length > all.length) break
      found.push(parsed(all[at] ?? 0, all.subarray(from, from + length)))
      at = from + length
    }
    return found
  }

  get publishes(): Received[] {
    return this.received.filter(({ type }) => type === types.publish)
  }

  /** The next packet of this type that was not returned yet; those before it are skipped. */
  async next(type: number): Promise<Received> {
    const find = () => this.received.findIndex((each, i) => i >= this.#seen && each.type === type)
    await until(
      () => find() >= 0 || this.raw.closed,
      () => `type ${type}, got ${this.raw.received.slice(-200)}`,
    )
    const at = find()
    const found = this.received[at]
    if (found === undefined)
      throw new Error(`closed before type ${type}, got ${this.raw.received.slice(-200)}`)
    this.#seen = at + 1
    return found
  }

  send(...packets: readonly (string | Uint8Array)[]): void {
    this.raw.send(...packets)
  }

  async subscribe(...filters: readonly (readonly [filter: string, qos: number])[]): Promise<Buffer> {
    this.send(subscribePacket(1, ...filters))
    return (await this.next(types.suback)).body.subarray(2)
  }

  async unsubscribe(filter: string): Promise<void> {
    this.send(packet(0xa2, word(2), text(filter)))
    await this.next(types.unsuback)
  }

  /** Waits for its acknowledgements. */
  async publish(
    topic: string,
    payload: string,
    { qos = 0, id = 1, retain = false }: { qos?: number; id?: number; retain?: boolean } = {},
  ): Promise<void> {
    this.send(publishPacket(topic, payload, { qos, id, retain }))
    if (qos === 1) await this.next(types.puback)
    if (qos === 2) {
      await this.next(types.pubrec)
      this.acknowledge(types.pubrel, id)
      await this.next(types.pubcomp)
    }
    if (qos === 0) await this.ping()
  }

  acknowledge(type: number, id: number): void {
    this.send(packet((type << 4) | (type === types.pubrel ? 2 : 0), word(id)))
  }

  /** Whatever it has sent was taken. */
  async ping(): Promise<void> {
    const wanted = ++this.#pings
    this.send('c000')
    await until(
      () => this.received.filter(({ type }) => type === types.pingresp).length >= wanted || this.raw.closed,
      'PINGRESP',
    )
  }

  /** Says good-bye. */
  async leave(): Promise<void> {
    this.send('e000')
    await this.raw.ends()
  }

  /** Without a word. */
  cut(): void {
    this.raw.socket.destroy()
  }
}

export function connectBytes(
  { clientId = '', clean = true, keepAlive = 0, will, level = 4 }: PeerOptions,
  credential?: Credential,
): Buffer {
  const flags =
    (clean ? 2 : 0) |
    (will === undefined ? 0 : 4 | ((will.qos ?? 0) << 3) | (will.retain === true ? 32 : 0)) |
    (credential === undefined ? 0 : 0xc0)
  return packet(
    0x10,
    text('MQTT'),
    level,
    flags,
    word(keepAlive),
    text(clientId),
    ...(will === undefined ? [] : [text(will.topic), text(will.payload)]),
    ...(credential === undefined ? [] : [text(credential.username), text(credential.password)]),
  )
}

function parsed(first: number, body: Buffer): Received {
  const type = first >> 4
  const flags = first & 15
  if (type !== types.publish) {
    const id = body.length >= 2 && type !== types.connack ? body.readUInt16BE(0) : 0
    return { type, flags, id, topic: '', payload: '', body }
  }
  const end = 2 + body.readUInt16BE(0)
  const hasId = (flags & 6) !== 0
  return {
    type,
    flags,
    id: hasId ? body.readUInt16BE(end) : 0,
    topic: body.toString('utf8', 2, end),
    payload: body.toString('utf8', end + (hasId ? 2 : 0)),
    body,
  }
}

export const qosOf = ({ flags }: Received): number => (flags >> 1) & 3
export const isDup = ({ flags }: Received): boolean => (flags & 8) !== 0
export const isRetained = ({ flags }: Received): boolean => (flags & 1) !== 0
