import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import { OutboxThread } from '../../store/outbox/outbox-thread.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import type { UpstreamView } from '../../wire/upstream.ts'
import { brokerLimits } from '../broker-limits.ts'
import type { BrokerPart, BrokerPort } from '../broker-port.ts'
import { sessionOpener } from './open-session.ts'
import type { OpenSession } from './remote-session.ts'
import { loops } from './topic-map.ts'
import { Upstream } from './upstream.ts'
import type { UpstreamSettings } from './upstream-settings.ts'

export interface UpstreamsParts {
  readonly settings: readonly UpstreamSettings[]
  readonly gatewayId: string
  /** The outbox of all of them. */
  readonly databasePath: string
  readonly core: { readonly uploads: Pick<GatewayCore['uploads'], 'jobs'> }
  readonly clock: Clock
  readonly log: Log
  /** 0 to 1; Math.random when left out. */
  readonly random?: () => number
  readonly open?: OpenSession
  /** Of what comes down; as the configuration has it by default when left out. */
  readonly maxPacketBytes?: number
}

/** Every broker above, over one outbox. Its thread runs only if there is one. */
export class Upstreams implements BrokerPart {
  readonly #parts: UpstreamsParts
  #thread: OutboxThread | undefined
  #all: readonly Upstream[] = []

  /** Throws `config_invalid` where a message could go round. */
  constructor(parts: UpstreamsParts) {
    this.#parts = parts
    for (const [at, { out, in: incoming }] of parts.settings.entries()) {
      const [found] = loops(out ?? [`pixelgate/${parts.gatewayId}/#`], incoming)
      if (found !== undefined)
        throw new AppError(
          'config_invalid',
          `mqtt.upstream[${at}]: "${found[0]}" of out and "${found[1]}" of in have topics in common, so messages would go round: make them apart`,
        )
    }
  }

  /** After a stop it may start again. Rejects with `storage_failed` when there can be no outbox. */
  async start(port: BrokerPort): Promise<void> {
    const { settings, databasePath, log, random = Math.random } = this.#parts
    const { maxPacketBytes = brokerLimits.maxPacketBytes } = this.#parts
    const { open = sessionOpener({ maxPacketBytes }) } = this.#parts
    if (settings.length === 0) return
    this.#thread ??= await this.#openThread(databasePath, log)
    const store = this.#thread
    const parts = { ...this.#parts, random, open, store, maxPacketBytes }
    this.#all = settings.map(each => new Upstream({ ...parts, settings: each }))
    await Promise.all(this.#all.map(upstream => upstream.start(port)))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map(upstream => upstream.stop()))
  }

  /** After the broker, which may still write. */
  async close(): Promise<void> {
    await this.#thread?.close()
    this.#thread = undefined
  }

  view(): readonly UpstreamView[] {
    return this.#all.map(upstream => upstream.view()).sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async #openThread(path: string, log: Log): Promise<OutboxThread> {
    const thread = await OutboxThread.open(path)
    if (thread.damaged !== undefined)
      log.error(
        { moved: thread.damaged },
        'the outbox was damaged and was moved aside; what waited in it for brokers above is not sent',
      )
    return thread
  }
}
