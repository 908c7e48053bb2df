import type { Clock, Timer } from '../../kernel/clock.ts'
import { toError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import { type DroppedRow, messageClasses } from '../../store/outbox/outbox-row.ts'
import { finalStates } from '../../store/tables/job-record.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import type { UpstreamView } from '../../wire/upstream.ts'
import type { BrokerMessage, BrokerPort } from '../broker-port.ts'
import { statusOf } from '../devices/job-mirror.ts'
import {
  type ConnectionEffect,
  type ConnectionFault,
  type ConnectionInput,
  type ConnectionState,
  connectionStep,
  type ProtocolLevel,
  stoppedConnection,
} from './connection-machine.ts'
import { Courier } from './courier.ts'
import { explainFault } from './explain-fault.ts'
import { classify } from './message-class.ts'
import { isPromised, OutFilters } from './out-filters.ts'
import { Outbox, type OutboxStore } from './outbox.ts'
import { readSecrets } from './read-secrets.ts'
import { Receiver } from './receiver.ts'
import type { OpenSession, RemoteSession, SessionEnd } from './remote-session.ts'
import { SendWindow } from './send-window.ts'
import { TopicMap } from './topic-map.ts'
import type { UpstreamSettings } from './upstream-settings.ts'
import { type DropCounts, upstreamView } from './upstream-view.ts'

const hourMs = 3_600_000
/** Before the last word, for what others say last. */
const lastWordsMs = 250
const goodbyeMs = 100
/** Ends of uploads that an earlier run may have kept to itself. */
const jobsToLookAt = 1_000

export interface UpstreamParts {
  readonly settings: UpstreamSettings
  readonly gatewayId: string
  readonly core: { readonly uploads: Pick<GatewayCore['uploads'], 'jobs'> }
  readonly clock: Clock
  readonly log: Log
  /** 0 to 1. */
  readonly random: () => number
  readonly open: OpenSession
  /** Of what comes down. */
  readonly maxPacketBytes: number
  readonly store: OutboxStore
}

/** One broker above: what goes up, what comes down, and the connection. */
export class Upstream {
  readonly #parts: UpstreamParts
  readonly #map: TopicMap
  readonly #window = new SendWindow()
  readonly #outbox: Outbox
  readonly #receiver: Receiver
  readonly #drops: DropCounts = {
    byClass: { telemetry: 0, state: 0, message: 0, result: 0 },
    byReason: { space: 0, age: 0, damaged: 0 },
    lastMs: undefined,
  }
  #courier: Courier | undefined
  #port: BrokerPort | undefined
  #state: ConnectionState = stoppedConnection
  #session: RemoteSession | undefined
  #fault: string | undefined
  #awaySinceMs: number | undefined
  #connections = 0
  #timer: Timer | undefined

  constructor(parts: UpstreamParts) {
    const { settings, gatewayId, clock, log, store, maxPacketBytes } = parts
    const { site, map, escapeTopics, maxOutboxBytes, maxAgeHours } = settings
    this.#parts = parts
    const bySite = site === null ? [] : [{ local: 'pixelgate', remote: `sites/${site}/pixelgate` }]
    this.#map = new TopicMap({ prefixes: [...map, ...bySite], escape: escapeTopics })
    this.#outbox = new Outbox({
      ...{ store, clock, log },
      upstream: settings.name,
      limits: { maxBytes: maxOutboxBytes, maxAgeMs: maxAgeHours * hourMs },
      window: this.#window,
      onReady: () => this.#courier?.pump(),
      onDropped: dropped => this.#dropped(dropped),
    })
    this.#receiver = new Receiver({ ...settings, gatewayId, clock, log, maxPacketBytes, map: this.#map })
  }

  /** Takes messages from now on; the connection comes when it comes. */
  async start(port: BrokerPort): Promise<void> {
    const { settings, gatewayId, clock, log } = this.#parts
    this.#port = port
    const { known } = await this.#outbox.open()
    const out = new OutFilters(gatewayId, settings.out, port.topics, settings.commands)
    const { outbox, window, map } = { outbox: this.#outbox, window: this.#window, map: this.#map }
    this.#courier = new Courier({
      ...{ outbox, window, map, gatewayId, clock, log },
      statusTopic: port.topics.status,
      values: () => wanted(port, out),
    })
    const forwards = (message: BrokerMessage, filter: string) =>
      !this.#receiver.isFromAbove(message.payload) && out.goesUp(message.topic, filter)
    // They stay to the end: as long as clients are there, what they are promised has to be in the outbox.
    for (const filter of out.filters) {
      port.beforeAcknowledged(filter, async message => {
        if (forwards(message, filter)) await this.#outbox.keep(rowOf(message, port.topics.own))
      })
      port.onMessage(filter, message => {
        if (!forwards(message, filter)) return
        if (!isPromised(message)) this.#outbox.note(rowOf(message, port.topics.own))
        else if (message.retain) this.#outbox.shown(message.topic)
      })
    }
    await this.#tellOfEndedUploads(port, out, known)
    this.#awaySinceMs = clock.now()
    this.#apply({ type: 'start' })
  }

  /** Tells what is still to be told if it can be done quickly, says goodbye, and writes down the rest. */
  async stop(): Promise<void> {
    const { clock } = this.#parts
    await within(clock, lastWordsMs, () => this.#courier?.idle !== false || this.#session === undefined, 20)
    const session = this.#session
    if (session !== undefined) {
      let said = false
      this.#courier?.goodbye(() => {
        said = true
      })
      await within(clock, goodbyeMs, () => said || this.#session === undefined)
    }
    this.#apply({ type: 'stop' })
    await session?.close()
    await this.#outbox.close()
    this.#courier = undefined
  }

  view(): UpstreamView {
    return upstreamView({
      settings: this.#parts.settings,
      clock: this.#parts.clock,
      connection: this.#state,
      fault: this.#fault ?? this.#outbox.fault,
      awaySinceMs: this.#awaySinceMs,
      connections: this.#connections,
      outbox: this.#outbox.usage,
      underWay: this.#window.underWay,
      courier: this.#courier,
      receiver: this.#receiver,
      drops: this.#drops,
      setAside: this.#window.setAside.map(topic => this.#map.toRemote(topic)),
    })
  }

  /** Milliseconds without a connection; undefined: there is one. */
  get awayMs(): number | undefined {
    return this.#awaySinceMs === undefined ? undefined : this.#parts.clock.now() - this.#awaySinceMs
  }

  #apply(input: ConnectionInput): void {
    const { clock, random, settings } = this.#parts
    const rules = { protocol: settings.protocol, random }
    const { state, effects } = connectionStep(this.#state, input, clock.now(), rules)
    this.#state = state
    for (const effect of effects) this.#perform(effect)
  }

  #perform(effect: ConnectionEffect): void {
    switch (effect.type) {
      case 'connect':
        return void this.#connect(effect.level, effect.urlIndex)
      case 'wait':
        this.#timer = this.#parts.clock.setTimer(effect.delayMs, () => this.#apply({ type: 'timer' }))
        return
      case 'end':
        this.#timer?.cancel()
        if (this.#session !== undefined) this.#courier?.lost(false)
        this.#session = undefined
    }
  }

  async #connect(level: ProtocolLevel, urlIndex: number): Promise<void> {
    const { settings, gatewayId, open, log } = this.#parts
    const port = this.#port
    const urls = [settings.url, ...settings.otherUrls]
    const url = urls[urlIndex % urls.length] ?? settings.url
    const mine = this.#state
    let session: RemoteSession | undefined
    try {
      const secrets = await readSecrets(settings)
      const will = { topic: this.#map.toRemote(port?.topics.status ?? ''), payload: 'offline' }
      session = await open(
        {
          ...{ url, level, will, secrets },
          clientId: settings.clientId ?? `pixelgate-${gatewayId}-${settings.name}`,
          filters: this.#receiver.filters.map(filter => this.#map.toRemote(filter)),
        },
        {
          onMessage: async message =>
            port === undefined ? undefined : this.#receiver.receive(port, message),
          onEnd: end => this.#ended(session, end),
        },
      )
    } catch (thrown) {
      if (this.#state !== mine) return
      const fault = isFault(thrown) ? thrown : explainFault(settings.name, thrown)
      if (!(fault.version && settings.protocol === 'auto' && level === 5)) this.#troubled(fault.message)
      return this.#apply({ type: 'failed', fault })
    }
    if (this.#state !== mine) return void session.close()
    this.#session = session
    this.#connections++
    this.#fault = undefined
    this.#awaySinceMs = undefined
    log.info({ upstream: settings.name, url, protocol: level }, 'the broker above is connected')
    this.#apply({ type: 'opened' })
    this.#courier?.begin(session)
  }

  #ended(session: RemoteSession | undefined, { byEngine, reason }: SessionEnd): void {
    if (session === undefined || session !== this.#session) return
    this.#session = undefined
    this.#awaySinceMs = this.#parts.clock.now()
    for (const topic of this.#courier?.lost(byEngine) ?? [])
      this.#parts.log.warn(
        { upstream: this.#parts.settings.name, topic: this.#map.toRemote(topic) },
        'the broker above ends the connection whenever it gets this topic; it gets no more of it. With escapeTopics "." and blanks are sent as %2E and %20',
      )
    this.#troubled(reason)
    this.#apply({ type: 'lost' })
  }

  /** The same trouble is told once. */
  #troubled(reason: string): void {
    if (this.#fault !== reason)
      this.#parts.log.warn(
        { upstream: this.#parts.settings.name, reason },
        'the broker above cannot be reached; what is for it waits',
      )
    this.#fault = reason
  }

  #dropped(dropped: readonly DroppedRow[]): void {
    const { log, settings, clock } = this.#parts
    for (const row of dropped) {
      this.#drops.byClass[row.class]++
      this.#drops.byReason[row.reason]++
    }
    this.#drops.lastMs = clock.now()
    const counts = Object.fromEntries(
      messageClasses.map(kind => [kind, dropped.filter(row => row.class === kind).length]),
    )
    log.warn({ upstream: settings.name, ...counts }, 'messages for the broker above were dropped')
  }

  /** The end of an upload is told even if the gateway was killed between that end and the outbox. */
  async #tellOfEndedUploads(port: BrokerPort, out: OutFilters, known: boolean): Promise<void> {
    try {
      const { jobs } = await this.#parts.core.uploads.jobs({ states: finalStates, limit: jobsToLookAt })
      const ids = jobs.map(({ id }) => id as string)
      if (!known) return await this.#outbox.seen(ids)
      const unseen = new Set(await this.#outbox.unseenJobs(ids))
      for (const job of [...jobs].reverse()) {
        const topic = port.topics.uploadStatus(job.boardId, job.id)
        if (!unseen.has(job.id) || !out.admits(topic)) continue
        if (!out.filters.some(filter => out.goesUp(topic, filter))) continue
        const payload = Buffer.from(JSON.stringify(statusOf(job, undefined)))
        this.#outbox.note({ topic, payload, class: 'result', retain: false, job: job.id })
      }
    } catch (thrown) {
      this.#parts.log.warn(
        { upstream: this.#parts.settings.name, reason: toError(thrown).message },
        'ends of uploads of an earlier run could not be looked up',
      )
    }
  }
}

function* wanted(port: BrokerPort, out: OutFilters) {
  for (const message of port.retained(out.filters)) if (out.admits(message.topic)) yield message
}

const rowOf = (message: BrokerMessage, own: string) => ({
  ...classify(message, own),
  topic: message.topic,
  // In memory of its own: a slice would keep a whole packet alive, and be copied whole to the thread.
  payload: copyOf(message.payload),
  retain: message.retain,
})

const isFault = (thrown: unknown): thrown is ConnectionFault =>
  typeof thrown === 'object' &&
  thrown !== null &&
  'version' in thrown &&
  'message' in thrown &&
  !(thrown instanceof Error)

function copyOf(payload: Buffer): Buffer {
  const copy = Buffer.alloc(payload.length)
  payload.copy(copy)
  return copy
}

/** Waits for the condition, `leastMs` at least and not for ever. */
async function within(clock: Clock, timeoutMs: number, condition: () => boolean, leastMs = 0): Promise<void> {
  const beganMs = clock.now()
  const pause = () => new Promise<void>(resolve => clock.setTimer(10, resolve))
  while (clock.now() - beganMs < timeoutMs && (clock.now() - beganMs < leastMs || !condition())) await pause()
}
