import { randomBytes } from 'node:crypto'
import { generate } from '../daemon/generate.ts'
import { FastClient } from './fast-client.ts'
import { type Credentials, publishTemplate } from './packets.ts'

export interface FanConfig {
  readonly port: number
  readonly publishers: readonly (Credentials & { readonly clientId: string; readonly topic: string })[]
  readonly subscriber: Credentials
  readonly subscribers: number
  readonly filter: string
  readonly qos: 0 | 1 | 2
  /** Messages of each publisher that have not reached everybody. */
  readonly window: number
  readonly payloadBytes: number
  /** The subscribers' sessions last. */
  readonly durable?: boolean
}

export interface FanFigures {
  readonly published: number
  readonly delivered: number
  readonly seconds: number
}

/** One publisher; the window moves with what the subscribers have. */
class Publisher {
  readonly #client: FastClient
  readonly #template: { readonly bytes: Buffer; readonly idAt: number }
  readonly #qos: number
  readonly #window: number
  /** Room for a whole window. */
  readonly #batch: Buffer
  #id = 0
  #unfinished = 0
  published = 0

  constructor(client: FastClient, topic: string, { qos, window, payloadBytes }: FanConfig) {
    this.#client = client
    this.#qos = qos
    this.#window = window
    this.#template = publishTemplate(topic, randomBytes(payloadBytes), qos)
    this.#batch = Buffer.concat(Array.from({ length: window }, () => this.#template.bytes))
  }

  done(): void {
    this.#unfinished--
  }

  /** `underWay`: messages that have not reached everybody. Half a window at a time, so that both sides have batches. */
  fill(underWay: number): void {
    const room = this.#window - Math.max(underWay, this.#unfinished)
    if (room < this.#window / 2) return
    const { bytes, idAt } = this.#template
    const batch = this.#batch.subarray(0, room * bytes.length)
    if (this.#qos > 0) {
      for (let i = 0; i < room; i++) {
        this.#id = (this.#id % 65_535) + 1
        batch.writeUInt16BE(this.#id, i * bytes.length + idAt)
      }
      this.#unfinished += room
    }
    this.published += room
    // A socket that does not take it all at once would send what the next batch has overwritten.
    this.#client.socket.write(this.#qos > 0 ? Buffer.from(batch) : batch)
  }
}

await generate<FanConfig, FanFigures>(async config => {
  const { port, subscribers, subscriber, filter, qos, durable = false } = config
  let delivered = 0
  let running = false
  const publishers: Publisher[] = []
  const fill = () => {
    if (!running) return
    const eachHas = delivered / (subscribers * publishers.length)
    for (const publisher of publishers) publisher.fill(Math.ceil(publisher.published - eachHas))
  }
  for (let i = 0; i < subscribers; i++) {
    const client = await FastClient.connect({
      ...subscriber,
      port,
      clientId: `s${i}`,
      clean: !durable,
      onMessage: () => {
        delivered++
      },
      onChunk: fill,
    })
    await client.subscribe(filter, qos)
  }
  for (const { topic, ...who } of config.publishers) {
    const client = await FastClient.connect({ ...who, port, onDone: () => publisher.done(), onChunk: fill })
    const publisher = new Publisher(client, topic, config)
    publishers.push(publisher)
  }
  // Before it begins to count it runs: code that is compiled late counts for nobody.
  running = true
  fill()
  let from = { published: 0, delivered: 0, ms: 0 }
  const now = () => ({
    published: publishers.reduce((sum, { published }) => sum + published, 0),
    delivered,
    ms: performance.now(),
  })
  return {
    begin() {
      from = now()
    },
    end() {
      const to = now()
      return {
        published: to.published - from.published,
        delivered: to.delivered - from.delivered,
        seconds: (to.ms - from.ms) / 1000,
      }
    },
  }
})
