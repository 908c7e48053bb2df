import { generate } from '../daemon/generate.ts'
import { FastClient } from './fast-client.ts'
import { type Credentials, publishTemplate } from './packets.ts'

export interface FrozenConfig {
  readonly port: number
  readonly publisher: Credentials & { readonly clientId: string; readonly topic: string }
  readonly subscriber: Credentials
  readonly filter: string
  readonly frozen: number
  readonly payloadBytes: number
}

export interface FrozenFigures {
  readonly published: number
  readonly heard: number
  readonly longestGapMs: number
}

/** Messages that have not reached the healthy one. */
const window = 50

/** A healthy subscriber among many that freeze at `begin`. */
await generate<FrozenConfig, FrozenFigures>(async config => {
  const { port, publisher, subscriber, filter, frozen, payloadBytes } = config
  let [published, heard, longestGapMs] = [0, 0, 0]
  let lastMs = Number.POSITIVE_INFINITY
  let running = false
  const crowd: FastClient[] = []
  for (let i = 0; i < frozen; i++) {
    const client = await FastClient.connect({ ...subscriber, port, clientId: `frozen-${i}` })
    await client.subscribe(filter, 0)
    crowd.push(client)
  }
  const { topic, ...who } = publisher
  const { bytes } = publishTemplate(topic, Buffer.alloc(payloadBytes), 0)
  const says = await FastClient.connect({ ...who, port })
  const fill = () => {
    if (running) for (; published - heard < window; published++) says.socket.write(bytes)
  }
  const healthy = await FastClient.connect({
    ...subscriber,
    port,
    clientId: 'healthy',
    onMessage: () => {
      heard++
      const nowMs = performance.now()
      longestGapMs = Math.max(longestGapMs, nowMs - lastMs)
      lastMs = nowMs
    },
    onChunk: () => fill(),
  })
  await healthy.subscribe(filter, 0)
  running = true
  fill()
  return {
    begin() {
      longestGapMs = 0
      lastMs = performance.now()
      for (const { socket } of crowd) socket.pause()
    },
    end: () => ({
      published,
      heard,
      longestGapMs: Math.max(longestGapMs, performance.now() - lastMs),
    }),
  }
})
