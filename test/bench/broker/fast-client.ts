import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Credentials, connectPacket, packetTypes, subscribePacket } from './packets.ts'

/** Bytes of packets that only acknowledge. */
const acknowledgementBytes = 4

export interface FastClientOptions extends Credentials {
  readonly port: number
  readonly clientId: string
  readonly clean?: boolean
  /** A whole PUBLISH: `payloadAt` to `end` of `chunk` is its payload. */
  readonly onMessage?: (chunk: Buffer, payloadAt: number, end: number) => void
  /** A message of its own has been acknowledged to the end: PUBACK or PUBCOMP. */
  readonly onDone?: (id: number) => void
  /** A chunk was worked off. */
  readonly onChunk?: () => void
}

/** A client that costs as little as can be: it checks nothing and answers all of a chunk with one write. */
export class FastClient {
  readonly socket: Socket
  readonly #options: FastClientOptions
  #rest: Buffer = Buffer.alloc(0)
  #answers: number[] = []
  #waiting: ((type: number) => void) | undefined

  private constructor(options: FastClientOptions) {
    this.#options = options
    this.socket = connect({ host: '127.0.0.1', port: options.port, noDelay: true })
    this.socket.on('data', chunk => this.#take(chunk as unknown as Buffer))
    this.socket.on('error', () => undefined)
  }

  /** Rejects when it is not let in. */
  static async connect(options: FastClientOptions): Promise<FastClient> {
    const client = new FastClient(options)
    await once(client.socket, 'connect')
    const { clientId, clean = true } = options
    await client.#ask(connectPacket(clientId, clean, options), packetTypes.connack)
    return client
  }

  subscribe(filter: string, qos: number): Promise<void> {
    return this.#ask(subscribePacket(1, filter, qos), packetTypes.suback)
  }

  #ask(packet: Buffer, answer: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.once('close', () => reject(new Error('the broker has closed the connection')))
      this.#waiting = type => {
        if (type === answer) resolve()
      }
      this.socket.write(packet)
    })
  }

  #take(read: Buffer): void {
    const chunk = this.#rest.length > 0 ? Buffer.concat([this.#rest, read]) : read
    let at = 0
    while (at < chunk.length) {
      const end = endOf(chunk, at)
      if (end > chunk.length) break
      this.#packet(chunk, at, end)
      at = end
    }
    this.#rest = at < chunk.length ? Buffer.from(chunk.subarray(at)) : Buffer.alloc(0)
    if (this.#answers.length > 0) {
      this.socket.write(Buffer.from(this.#answers))
      this.#answers = []
    }
    this.#options.onChunk?.()
  }

  #packet(chunk: Buffer, at: number, end: number): void {
    const first = chunk[at] ?? 0
    const type = first >> 4
    if (type === packetTypes.publish) return this.#message(chunk, at, end, (first >> 1) & 3)
    if (end - at === acknowledgementBytes) {
      const [high, low] = [chunk[at + 2] ?? 0, chunk[at + 3] ?? 0]
      if (type === packetTypes.puback || type === packetTypes.pubcomp)
        this.#options.onDone?.((high << 8) | low)
      else if (type === packetTypes.pubrec) this.#answers.push(0x62, 2, high, low)
      else if (type === packetTypes.pubrel) this.#answers.push(0x70, 2, high, low)
    }
    if (this.#waiting === undefined) return
    this.#waiting(type)
    this.#waiting = undefined
  }

  #message(chunk: Buffer, at: number, end: number, qos: number): void {
    let from = at + 1
    while ((chunk[from++] ?? 0) > 127);
    from += 2 + (((chunk[from] ?? 0) << 8) | (chunk[from + 1] ?? 0))
    if (qos > 0) {
      this.#answers.push(qos === 1 ? 0x40 : 0x50, 2, chunk[from] ?? 0, chunk[from + 1] ?? 0)
      from += 2
    }
    this.#options.onMessage?.(chunk, from, end)
  }
}

/** Where the packet at `at` ends; infinity while that cannot be told. */
function endOf(chunk: Buffer, at: number): number {
  let length = 0
  for (let i = 1; i <= 4; i++) {
    const byte = chunk[at + i]
    if (byte === undefined) return Number.POSITIVE_INFINITY
    length |= (byte & 127) << (7 * (i - 1))
    if (byte < 128) return at + i + 1 + length
  }
  return Number.POSITIVE_INFINITY
}
