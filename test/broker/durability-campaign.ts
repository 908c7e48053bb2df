import { setTimeout as sleep } from 'node:timers/promises'
import { BrokerChild, boardTopic } from './broker-child.ts'
import { gw } from './broker-rig.ts'

export interface CampaignOptions {
  readonly folder: string
  readonly qos: 1 | 2
  /** Messages in all. */
  readonly total: number
  readonly inFlight: number
  readonly kills: number
  readonly payloadBytes?: number
  /** The subscriber is away while this share of the messages is published. */
  readonly awayShare?: number
  readonly random: () => number
  readonly commitDelayMs?: number
}

export interface CampaignTally {
  readonly kills: number
  readonly acknowledged: number
  readonly lost: number
  readonly twice: number
  readonly disordered: number
  /** Acknowledged a second; null, as the next one, when the process was killed in between. */
  readonly perSecond: number | null
  /** Of the broker's process, for a message from its sender to its receiver. */
  readonly cpuMicroseconds: number | null
  readonly longestStallMs: number
}

const deadlineMs = 120_000

/** Publishes numbers to a lasting session, and kills the broker meanwhile. What was acknowledged has to arrive. */
export async function durabilityCampaign(options: CampaignOptions): Promise<CampaignTally> {
  const { folder, qos, total, inFlight, random } = options
  const topic = boardTopic(gw)
  const broker = await BrokerChild.open(folder, options.commitDelayMs)
  const heard: number[] = []
  const acknowledged = new Set<number>()
  const subscriber = await broker.connect('desk')
  subscriber.on('message', (_topic, payload) => heard.push(Number.parseInt(payload.toString(), 10)))
  const publisher = await broker.connect('shelf')
  try {
    await subscriber.subscribeAsync(topic, { qos })
    const before = await broker.stats()
    let kills = 0
    const beganMs = performance.now()
    const killAt = Array.from({ length: options.kills }, () => Math.floor(random() * total)).sort(
      (a, b) => a - b,
    )
    let failed: unknown
    const killer = (async () => {
      for (const at of killAt) {
        while (acknowledged.size < at) await sleep(1)
        await sleep(random() * 20)
        const back = new Promise(resolve => publisher.once('connect', resolve))
        await broker.kill()
        await broker.start()
        await back
        kills++
      }
    })().catch((thrown: unknown) => {
      failed = thrown
    })
    const pad = 'x'.repeat(options.payloadBytes ?? 0)
    let next = 0
    const send = async () => {
      while (next < total) {
        const number = next++
        await publisher.publishAsync(topic, `${number} ${pad}`.slice(0, Math.max(8, pad.length)), { qos })
        acknowledged.add(number)
      }
    }
    await Promise.all([killer, ...Array.from({ length: inFlight }, send)])
    if (failed !== undefined) throw failed
    const tookMs = performance.now() - beganMs
    const endMs = performance.now() + deadlineMs
    while (new Set(heard).size < acknowledged.size && performance.now() < endMs) await sleep(20)
    await sleep(200)
    const { longestStallMs, cpuMs } = await broker.stats()
    const cpuMicroseconds = kills > 0 ? null : Math.round((1000 * (cpuMs - before.cpuMs)) / total)
    const first = new Set<number>()
    let disordered = 0
    let highest = -1
    for (const number of heard) {
      if (first.has(number)) continue
      first.add(number)
      if (number < highest) disordered++
      highest = Math.max(highest, number)
    }
    return {
      ...{ kills, acknowledged: acknowledged.size, disordered, longestStallMs, cpuMicroseconds },
      lost: [...acknowledged].filter(number => !first.has(number)).length,
      twice: heard.length - first.size,
      perSecond: kills > 0 ? null : Math.round((1000 * total) / tookMs),
    }
  } finally {
    await Promise.allSettled([subscriber.endAsync(true), publisher.endAsync(true), broker.kill()])
  }
}
