import type { Breakers } from '../guard/breakers.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import { uuidV7 } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Store } from '../store/store.ts'
import type { DeliveryRecord, WebhookRecord } from '../store/tables/webhooks.ts'
import type { DeliveryView, WebhookEvent, WebhookView } from '../wire/webhook.ts'
import { Outbox, type Outcome } from './outbox.ts'
import { isRefusedUrl, postMessage } from './post-message.ts'
import type { Sealing } from './sealing.ts'
import { keyOf, makeSecret, sign } from './signature.ts'

export interface WebhooksParts {
  readonly store: Pick<Store, 'webhooks'>
  readonly clock: Clock
  readonly log: Log
  readonly sealing: Sealing
  readonly breakers: Breakers
  /** Name and version, for the receiver's log. */
  readonly agent: string
  /** Hosts to which messages may go although they are this machine or its link. */
  readonly allowHosts: readonly string[]
  /** 0 to 1. */
  readonly random?: () => number
}

interface Webhook {
  readonly record: WebhookRecord
  readonly outbox: Outbox
}

const maxWebhooks = 50
const attemptTimeoutMs = 10_000

/** Tells programs elsewhere of events: signed, in order, until they have been taken. */
export class Webhooks {
  readonly #parts: WebhooksParts
  readonly #webhooks = new Map<string, Webhook>()

  private constructor(parts: WebhooksParts) {
    this.#parts = parts
  }

  /** What waited at the last stop is delivered. */
  static async open(parts: WebhooksParts): Promise<Webhooks> {
    const webhooks = new Webhooks(parts)
    for (const record of await parts.store.webhooks.list()) webhooks.#take(record)
    for (const { outbox } of webhooks.#webhooks.values()) outbox.wake()
    return webhooks
  }

  /** The answer holds the secret, this once. Rejects with `invalid` (an address that is refused) or `conflict`. */
  async make(asked: {
    readonly url: string
    readonly events: readonly WebhookEvent[]
  }): Promise<{ readonly webhook: WebhookView; readonly secret: string }> {
    const { store, clock, sealing } = this.#parts
    this.#checkUrl(asked.url)
    const createdMs = clock.wallTime()
    const id = uuidV7(createdMs)
    const secret = makeSecret()
    const record: WebhookRecord = {
      ...{ id, url: asked.url, enabled: 1, createdMs },
      eventsJson: JSON.stringify([...new Set(asked.events)]),
      sealed: await sealing.seal(`webhook ${id}`, secret),
    }
    if (!(await store.webhooks.insert({ ...record, atMost: maxWebhooks })))
      throw new AppError(
        'conflict',
        `There are ${maxWebhooks} webhooks already. Remove one that is not needed.`,
      )
    this.#take(record)
    return { webhook: this.#view(record), secret }
  }

  /** Newest first. */
  list(): readonly WebhookView[] {
    return [...this.#webhooks.values()]
      .map(({ record }) => this.#view(record))
      .sort((a, b) => (a.id < b.id ? 1 : -1))
  }

  /** Throws `not_found`. */
  get(id: string): WebhookView {
    return this.#view(this.#find(id).record)
  }

  /** What is left out stays. Rejects with `not_found` or `invalid`. */
  async change(
    id: string,
    change: {
      readonly url?: string | undefined
      readonly events?: readonly WebhookEvent[] | undefined
      readonly enabled?: boolean | undefined
      readonly newSecret?: true | undefined
    },
  ): Promise<{ readonly webhook: WebhookView; readonly secret?: string }> {
    this.#find(id)
    const { url = null, events, enabled, newSecret } = change
    if (url !== null) this.#checkUrl(url)
    const secret = newSecret === true ? makeSecret() : undefined
    const sealed = secret === undefined ? null : await this.#parts.sealing.seal(`webhook ${id}`, secret)
    const eventsJson = events === undefined ? null : JSON.stringify([...new Set(events)])
    const flag = enabled === undefined ? null : enabled ? 1 : 0
    if (!(await this.#parts.store.webhooks.change({ id, url, eventsJson, sealed, enabled: flag })))
      throw unknown()
    const { record, outbox } = this.#find(id)
    const changed: WebhookRecord = {
      ...record,
      ...{ url: url ?? record.url, eventsJson: eventsJson ?? record.eventsJson },
      ...{ sealed: sealed ?? record.sealed, enabled: flag ?? record.enabled },
    }
    this.#webhooks.set(id, { record: changed, outbox })
    if (url !== null || flag === 1) this.#breaker(id).reset()
    outbox.wake()
    return { webhook: this.#view(changed), ...(secret !== undefined && { secret }) }
  }

  /** With what waits for it. Rejects with `not_found`. */
  async remove(id: string): Promise<WebhookView> {
    const { record, outbox } = this.#find(id)
    this.#webhooks.delete(id)
    outbox.stop()
    await this.#parts.store.webhooks.remove(id)
    const shown = this.#view(record)
    this.#parts.breakers.drop(breakerName(id))
    return shown
  }

  /** One message at once, past those that wait. Rejects with `not_found`. */
  async test(id: string): Promise<Outcome & { readonly delivered: boolean; readonly durationMs: number }> {
    this.#find(id)
    const { clock } = this.#parts
    const began = clock.now()
    const outcome = await this.#send(id, messageId(clock), bodyOf(clock, 'test', {}))
    const durationMs = Math.round(clock.now() - began)
    return { ...outcome, delivered: isTaken(outcome), durationMs }
  }

  /** Newest first. Rejects with `not_found`. */
  async deliveries(
    webhookId: string,
    page: { readonly limit: number; readonly skip: number; readonly before: number | null },
  ): Promise<{
    readonly deliveries: readonly DeliveryView[]
    readonly total: number
    readonly last: number | null
  }> {
    this.#find(webhookId)
    const { deliveries, total } = await this.#parts.store.webhooks.deliveries({ webhookId, ...page })
    const last = deliveries.length < page.limit ? null : (deliveries.at(-1)?.seq ?? null)
    return { deliveries: deliveries.map(deliveryView), total, last }
  }

  /** Puts the event into the outbox of everybody who wants to hear of it. Never rejects: a fault stands in the log. */
  async publish(event: WebhookEvent, data: object): Promise<void> {
    const { clock, store, log } = this.#parts
    const wanting = [...this.#webhooks.values()].filter(
      ({ record }) => record.enabled === 1 && eventsOf(record).includes(event),
    )
    if (wanting.length === 0) return
    const body = bodyOf(clock, event, data)
    const createdMs = clock.wallTime()
    const messages = wanting.map(({ record }) => ({
      ...{ id: messageId(clock), webhookId: record.id, event, body, createdMs },
    }))
    try {
      await store.webhooks.enqueue(messages)
    } catch (thrown) {
      log.error({ event, reason: toError(thrown).message }, 'an event could not be kept for its webhooks')
      return
    }
    for (const { outbox } of wanting) outbox.wake()
  }

  /** What is under way is given up and tried again at the next start. */
  stop(): void {
    for (const { outbox } of this.#webhooks.values()) outbox.stop()
  }

  #take(record: WebhookRecord): void {
    const { id } = record
    const { store, clock, log, random = Math.random } = this.#parts
    const outbox = new Outbox({
      ...{ store, clock, log, random, webhookId: id, breaker: this.#breaker(id) },
      isEnabled: () => this.#webhooks.get(id)?.record.enabled === 1,
      send: delivery => this.#send(id, delivery.id, delivery.body),
      isTaken,
      gone: () => this.change(id, { enabled: false }).then(() => undefined),
    })
    this.#webhooks.set(id, { record, outbox })
  }

  async #send(id: string, message: string, text: string): Promise<Outcome> {
    const { clock, sealing, agent, allowHosts } = this.#parts
    const { record } = this.#find(id)
    const key = keyOf(sealing.open(`webhook ${id}`, record.sealed)) ?? new Uint8Array()
    const body = Buffer.from(text)
    const late = new AbortController()
    const timer = clock.setTimer(attemptTimeoutMs, () => late.abort())
    try {
      const status = await postMessage({
        url: record.url,
        headers: {
          ...{ 'content-type': 'application/json', 'user-agent': agent },
          ...sign(key, message, clock.wallTime(), body),
        },
        ...{ body, allowHosts, signal: late.signal },
      })
      return { status, error: status >= 200 && status < 300 ? null : `the receiver answered ${status}` }
    } catch (thrown) {
      const { message: words } = toError(thrown)
      const error = late.signal.aborted ? `no answer within ${attemptTimeoutMs / 1000} s` : words
      return { status: null, error }
    } finally {
      timer.cancel()
    }
  }

  #breaker(id: string) {
    return this.#parts.breakers.for({ name: breakerName(id) })
  }

  #find(id: string): Webhook {
    const found = this.#webhooks.get(id)
    if (found === undefined) throw unknown()
    return found
  }

  #checkUrl(url: string): void {
    if (!isRefusedUrl(url, this.#parts.allowHosts)) return
    const message =
      'this is the gateway itself or not of the network; webhooks.allowHosts in the configuration can allow it'
    throw new AppError('invalid', `url: ${message}`, {
      detail: { errors: [{ path: 'url', pointer: '/url', message }] },
    })
  }

  #view(record: WebhookRecord): WebhookView {
    return {
      ...{ id: record.id, url: record.url, events: eventsOf(record), enabled: record.enabled === 1 },
      breaker: this.#breaker(record.id).state,
      createdAt: new Date(record.createdMs).toISOString(),
    }
  }
}

const breakerName = (id: string): string => `webhook ${id}`
const messageId = (clock: Clock): string => `msg_${uuidV7(clock.wallTime())}`
const eventsOf = ({ eventsJson }: WebhookRecord): readonly WebhookEvent[] =>
  JSON.parse(eventsJson) as WebhookEvent[]
const bodyOf = (clock: Clock, type: string, data: object): string =>
  JSON.stringify({ type, timestamp: new Date(clock.wallTime()).toISOString(), data })
const isTaken = ({ status }: Outcome): boolean => status !== null && status >= 200 && status < 300
const unknown = (): AppError =>
  new AppError('not_found', 'There is no such webhook. GET /api/v1/webhooks lists them.')

const deliveryView = (row: DeliveryRecord): DeliveryView => ({
  ...{ id: row.id, event: row.event, state: row.state, attempts: row.attempts },
  ...{ lastStatus: row.lastStatus, lastError: row.lastError },
  createdAt: new Date(row.createdMs).toISOString(),
  nextAt: row.state === 'waiting' ? new Date(row.nextMs).toISOString() : null,
  finishedAt: row.finishedMs === null ? null : new Date(row.finishedMs).toISOString(),
})
