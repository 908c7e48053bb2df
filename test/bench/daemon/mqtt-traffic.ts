import mqtt from 'mqtt'
import { generate, wallMs } from './generate.ts'
import { quantile } from './quantile.ts'

export interface TrafficConfig {
  readonly url: string
  readonly clientId: string
  readonly username: string
  readonly password: string
  /** Of the board whose telemetry this is. */
  readonly topic: string
  readonly messagesPerSecond: number
}

export interface TrafficFigures {
  readonly published: number
  /** Of those published between begin and end; what was still under way then does not count. */
  readonly delivered: number
  readonly p99Ms: number
}

const qos = 1

await generate<TrafficConfig, TrafficFigures>(
  async ({ url, clientId, username, password, topic, messagesPerSecond }) => {
    const subscriber = await mqtt.connectAsync(url, { reconnectPeriod: 0 })
    const publisher = await mqtt.connectAsync(url, { clientId, username, password, reconnectPeriod: 0 })
    await subscriber.subscribeAsync(`${topic}/telemetry/#`, { qos })
    let [published, fromMs] = [0, Number.POSITIVE_INFINITY]
    const delaysMs: number[] = []
    subscriber.on('message', (_, payload) => {
      const { sentMs } = JSON.parse(payload.toString()) as { sentMs: number }
      if (sentMs >= fromMs) delaysMs.push(wallMs() - sentMs)
    })
    const beganMs = performance.now()
    let sent = 0
    setInterval(() => {
      // A timer that came late makes up for what it missed.
      const due = Math.floor(((performance.now() - beganMs) / 1000) * messagesPerSecond)
      for (; sent < due; sent++) {
        const sentMs = wallMs()
        if (sentMs >= fromMs) published++
        publisher.publish(`${topic}/telemetry/load`, JSON.stringify({ sentMs }), { qos })
      }
    }, 1000 / messagesPerSecond)
    return {
      begin() {
        fromMs = wallMs()
      },
      end: () => ({ published, delivered: delaysMs.length, p99Ms: quantile(delaysMs, 0.99) }),
    }
  },
)
