import { generate } from '../daemon/generate.ts'
import { quantile } from '../daemon/quantile.ts'
import { FastClient } from './fast-client.ts'
import { type Credentials, publishTemplate } from './packets.ts'

export interface LatencyConfig {
  readonly port: number
  readonly publisher: Credentials & { readonly clientId: string; readonly topic: string }
  readonly subscriber: Credentials
  readonly filter: string
  readonly qos: 0 | 1 | 2
  readonly payloadBytes: number
  readonly messagesPerSecond: number
  /** Until `begin`, so that what is measured is a broker that has been at work for a while. */
  readonly warmMessagesPerSecond: number
}

export interface LatencyFigures {
  readonly messages: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** How long a message is under way when there are few. */
await generate<LatencyConfig, LatencyFigures>(async config => {
  const { port, publisher, subscriber, filter, qos, payloadBytes } = config
  const delaysMs: number[] = []
  const hears = await FastClient.connect({
    ...subscriber,
    port,
    clientId: 'hears',
    onMessage: (chunk, payloadAt) => delaysMs.push(performance.now() - chunk.readDoubleBE(payloadAt)),
  })
  await hears.subscribe(filter, qos)
  const { topic, ...who } = publisher
  const says = await FastClient.connect({ ...who, port })
  const { bytes, idAt } = publishTemplate(topic, Buffer.alloc(payloadBytes), qos)
  let id = 0
  const say = () => {
    const message = Buffer.from(bytes)
    id = (id % 65_535) + 1
    if (qos > 0) message.writeUInt16BE(id, idAt)
    message.writeDoubleBE(performance.now(), message.length - payloadBytes)
    says.socket.write(message)
  }
  const everyMs = 10
  const warming = setInterval(() => {
    for (let n = 0; n < (config.warmMessagesPerSecond * everyMs) / 1000; n++) say()
  }, everyMs)
  return {
    begin() {
      clearInterval(warming)
      setInterval(say, 1000 / config.messagesPerSecond)
      delaysMs.length = 0
    },
    end: () => ({
      messages: delaysMs.length,
      p50Ms: quantile(delaysMs, 0.5),
      p99Ms: quantile(delaysMs, 0.99),
    }),
  }
})
