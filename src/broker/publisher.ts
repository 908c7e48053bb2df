import type { Aedes, PublishPacket } from 'aedes'
import type { Log } from '../kernel/log.ts'

/** What the gateway itself says. Retained topics are published only when they change. */
export class Publisher {
  readonly #aedes: Pick<Aedes, 'publish'>
  readonly #log: Log
  readonly #last = new Map<string, string>()

  constructor(aedes: Pick<Aedes, 'publish'>, log: Log) {
    this.#aedes = aedes
    this.#log = log
  }

  /** QoS 1; resolves when all who listen have been served, or have been given up. Never rejects. */
  send(topic: string, message: unknown): Promise<void> {
    return this.#publish(topic, textOf(message), false)
  }

  /** The topic's last word, for whoever subscribes later. Nothing (undefined) clears it. */
  async retain(topic: string, message: unknown): Promise<void> {
    const text = message === undefined ? '' : textOf(message)
    if (this.#last.get(topic) === text || (text === '' && !this.#last.has(topic))) return
    if (text === '') this.#last.delete(topic)
    else this.#last.set(topic, text)
    await this.#publish(topic, text, true)
  }

  #publish(topic: string, text: string, retain: boolean): Promise<void> {
    const packet: PublishPacket = {
      cmd: 'publish',
      topic,
      payload: Buffer.from(text),
      qos: 1,
      retain,
      dup: false,
    }
    return new Promise(resolve => {
      this.#aedes.publish(packet, error => {
        if (error) this.#log.debug({ topic, reason: error.message }, 'an MQTT message was not published')
        resolve()
      })
    })
  }
}

const textOf = (message: unknown): string => (typeof message === 'string' ? message : JSON.stringify(message))
