import type { Aedes, PublishPacket } from 'aedes'
import type { Log } from '../kernel/log.ts'

interface LastWord {
  readonly text: string
  /** Said by a board, and retained in its name. */
  readonly overheard: boolean
}

/** What the gateway itself says. Retained topics are published only when they change. */
export class Publisher {
  readonly #aedes: Pick<Aedes, 'publish'>
  readonly #log: Log
  readonly #last = new Map<string, LastWord>()

  constructor(aedes: Pick<Aedes, 'publish'>, log: Log) {
    this.#aedes = aedes
    this.#log = log
  }

  /** Bytes as they are, else text or JSON. Resolves when all who listen have been served, or have been given up. Never rejects. */
  send(topic: string, message: unknown, qos: 0 | 1 = 1): Promise<void> {
    return this.#publish(topic, bytesOf(message), { retain: false, qos })
  }

  /** A board or its will has spoken at a topic of which the gateway speaks as well: that is its last word now. */
  overhear(topic: string, text: string): void {
    if (text === '') this.#last.delete(topic)
    else this.#last.set(topic, { text, overheard: true })
  }

  /** The last word of this topic is one that was overheard. */
  isOverheard(topic: string): boolean {
    return this.#last.get(topic)?.overheard === true
  }

  /** The topic's last word, for whoever subscribes later. Nothing (undefined) clears it. */
  async retain(topic: string, message: unknown): Promise<void> {
    const text = message === undefined ? '' : textOf(message)
    const before = this.#last.get(topic)?.text ?? ''
    if (text === '') this.#last.delete(topic)
    else this.#last.set(topic, { text, overheard: false })
    if (before === text) return
    await this.#publish(topic, Buffer.from(text), { retain: true, qos: 1 })
  }

  /** The topic's last word once more, for somebody who may have missed it; that of a board would become the gateway's by it. */
  async repeat(topic: string): Promise<void> {
    const last = this.#last.get(topic)
    if (last === undefined || last.overheard) return
    await this.#publish(topic, Buffer.from(last.text), { retain: true, qos: 1 })
  }

  /** Clears a topic, whoever has said something there and when. */
  clear(topic: string): Promise<void> {
    this.#last.delete(topic)
    return this.#publish(topic, Buffer.alloc(0), { retain: true, qos: 1 })
  }

  /** Bytes as they are; settles as `send` does. The caller must not change them afterwards. */
  sendBytes(
    topic: string,
    payload: Uint8Array,
    how: { readonly retain: boolean; readonly qos: 0 | 1 },
  ): Promise<void> {
    return this.#publish(topic, bytesOf(payload), how)
  }

  #publish(
    topic: string,
    payload: Buffer,
    { retain, qos }: { readonly retain: boolean; readonly qos: 0 | 1 },
  ): Promise<void> {
    const packet: PublishPacket = { cmd: 'publish', topic, payload, qos, retain, dup: false }
    return new Promise(resolve => {
      this.#aedes.publish(packet, error => {
        if (error) this.#log.debug({ topic, reason: error.message }, 'an MQTT message was not published')
        resolve()
      })
    })
  }
}

const textOf = (message: unknown): string => (typeof message === 'string' ? message : JSON.stringify(message))

const bytesOf = (message: unknown): Buffer =>
  message instanceof Uint8Array
    ? Buffer.from(message.buffer, message.byteOffset, message.byteLength)
    : Buffer.from(textOf(message))
