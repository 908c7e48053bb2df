import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt'
import type { Test } from 'tap'
import type { UpstreamSettings } from '../../src/broker/upstream/upstream-settings.ts'
import { Upstreams, type UpstreamsParts } from '../../src/broker/upstream/upstreams.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLog } from '../../src/kernel/log.ts'
import type { UpstreamView } from '../../src/wire/upstream.ts'
import { BrokerRig, gw, until } from '../broker/broker-rig.ts'
import { entered } from '../broker/entered.ts'

export const noUploads = { uploads: { jobs: async () => ({ jobs: [], total: 0 }) } }

/** In a folder that goes with the test. */
export const databaseOf = async (t: Test): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'upstream-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'upstream.db')
}

export const settingsOf = (
  settings: Partial<UpstreamSettings> & Pick<UpstreamSettings, 'url'>,
): UpstreamSettings => ({
  ...{ name: 'above', otherUrls: [], protocol: 'auto', clientId: null, user: null, passwordFile: null },
  ...{ caFile: null, certFile: null, keyFile: null, site: null, map: [], out: null, in: [] },
  ...{ commands: false, escapeTopics: false, maxOutboxBytes: 64 * 1024 * 1024, maxAgeHours: 168 },
  ...settings,
})

/** Every publish that came to a client above. */
export interface Arrived {
  readonly topic: string
  readonly text: string
  readonly retain: boolean
  readonly id: string | undefined
}

/** A client of the broker above that remembers everything. */
export class Watcher {
  readonly client: MqttClient
  readonly heard: Arrived[] = []

  private constructor(client: MqttClient) {
    this.client = client
    client.on('message', (topic, payload, packet: IPublishPacket) => {
      const id = packet.properties?.userProperties?.['pixelgate-id']
      this.heard.push({
        topic,
        text: payload.toString(),
        retain: packet.retain,
        id: Array.isArray(id) ? id[0] : id,
      })
    })
  }

  static async on(t: Test, url: string, filter = '#', options: IClientOptions = {}): Promise<Watcher> {
    const watcher = new Watcher(connect(url, { reconnectPeriod: 200, protocolVersion: 5, ...options }))
    const { client } = watcher
    await entered(client)
    t.teardown(() => client.endAsync(true))
    await client.subscribeAsync(filter, {
      qos: 1,
      ...(client.options.protocolVersion === 5 && { rap: true }),
    })
    return watcher
  }

  texts(topic: string): string[] {
    return this.heard.filter(each => each.topic === topic).map(({ text }) => text)
  }

  async hears(topic: string, text: string | RegExp = /^/): Promise<string> {
    const fits = (each: string) => (typeof text === 'string' ? each === text : text.test(each))
    await until(
      () => this.texts(topic).some(fits),
      () => `${topic} ${text} above; heard ${JSON.stringify(this.heard.slice(-6))}`,
      20_000,
    )
    return this.texts(topic).find(fits) ?? ''
  }
}

/** A broker with upstreams. */
export class UpstreamRig {
  readonly rig: BrokerRig
  readonly upstreams: Upstreams
  readonly databasePath: string

  private constructor(rig: BrokerRig, upstreams: Upstreams, databasePath: string) {
    this.rig = rig
    this.databasePath = databasePath
    this.upstreams = upstreams
  }

  static async start(
    t: Test,
    settings: readonly UpstreamSettings[],
    parts: Partial<UpstreamsParts> = {},
  ): Promise<UpstreamRig> {
    const { databasePath = await databaseOf(t) } = parts
    const upstreams = new Upstreams({
      ...{ settings, gatewayId: gw, core: noUploads, clock: systemClock, log: silentLog },
      databasePath,
      ...parts,
    })
    t.teardown(() => upstreams.close())
    const rig = await BrokerRig.start(t, { parts: [upstreams] })
    return new UpstreamRig(rig, upstreams, databasePath)
  }

  get view(): UpstreamView {
    const [first] = this.upstreams.view()
    if (first === undefined) throw new Error('there is no upstream')
    return first
  }

  async online(limitMs = 10_000): Promise<void> {
    await until(
      () => this.view.state === 'online',
      () => `the connection: ${JSON.stringify(this.view)}`,
      limitMs,
    )
  }

  /** Everything has arrived. */
  async drained(limitMs = 20_000): Promise<void> {
    await until(
      () => this.view.outbox.rows + this.view.outbox.unwritten + this.view.underWay === 0,
      () => `an empty outbox: ${JSON.stringify(this.view)}`,
      limitMs,
    )
  }
}
