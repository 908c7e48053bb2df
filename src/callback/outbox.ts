import type { CircuitBreaker } from '../guard/circuit-breaker.ts'
import type { Clock, Timer } from '../kernel/clock.ts'
import { toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Store } from '../store/store.ts'
import type { DeliveryRecord } from '../store/tables/webhooks.ts'
import { deliveryDelayMs } from './delivery-delay.ts'

/** What one attempt came to. */
export interface Outcome {
  /** null: there was no answer. */
  readonly status: number | null
  readonly error: string | null
}

export interface OutboxParts {
  readonly store: Pick<Store, 'webhooks'>
  readonly clock: Clock
  readonly log: Log
  /** 0 to 1. */
  readonly random: () => number
  readonly webhookId: string
  readonly breaker: CircuitBreaker
  readonly isEnabled: () => boolean
  readonly send: (delivery: DeliveryRecord) => Promise<Outcome>
  readonly isTaken: (outcome: Outcome) => boolean
  /** The receiver says that it is gone for good (410). */
  readonly gone: () => Promise<void>
}

/** After a fault of the storage, or of the key that opens the secret. */
const faultRetryMs = 10_000
const maxErrorLength = 300
const gone = 410

/** Sends what waits for one webhook, one after the other in the order of the events. The rows are in the database. */
export class Outbox {
  readonly #parts: OutboxParts
  #running = false
  /** Something came while it was running. */
  #again = false
  #stopped = false
  #timer: Timer | undefined

  constructor(parts: OutboxParts) {
    this.#parts = parts
  }

  /** There may be something to send. */
  wake(): void {
    if (this.#stopped) return
    this.#again = true
    if (this.#running) return
    this.#timer?.cancel()
    this.#running = true
    void this.#run()
      .catch((thrown: unknown) => {
        const { webhookId, log } = this.#parts
        if (this.#stopped) return undefined
        log.error({ webhookId, reason: toError(thrown).message }, 'a webhook cannot be served for the moment')
        return faultRetryMs
      })
      .then(waitMs => {
        this.#running = false
        if (waitMs !== undefined) this.#wakeIn(waitMs)
        // It came after the last look.
        else if (this.#again && this.#parts.isEnabled()) this.wake()
      })
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  #wakeIn(waitMs: number): void {
    if (this.#stopped) return
    this.#timer?.cancel()
    this.#timer = this.#parts.clock.setTimer(waitMs, () => this.wake())
  }

  /** Sends until nothing is due. Resolves with the time until something is; undefined: nothing waits. */
  async #run(): Promise<number | undefined> {
    const { store, clock, webhookId, isEnabled, breaker } = this.#parts
    while (this.#again && !this.#stopped && isEnabled()) {
      this.#again = false
      for (;;) {
        const delivery = await store.webhooks.next(webhookId)
        if (delivery === undefined || this.#stopped || !isEnabled()) break
        if (delivery.damaged) {
          await this.#settle(delivery, { state: 'failed', lastError: 'the stored message is damaged' })
          continue
        }
        // Wall time may have jumped since it was written down: nothing waits longer than the longest delay.
        const waitMs = Math.min(delivery.nextMs - clock.wallTime(), 2 * 3_600_000)
        if (waitMs > 0) return waitMs
        const admission = breaker.admit()
        if (admission === undefined) return Math.max(breaker.stats().retryAfterMs, 1000)
        const outcome = await this.#attempt(delivery)
        if (outcome === undefined) admission.succeeded()
        else admission.failed(new Error(outcome))
      }
    }
    return undefined
  }

  /** undefined: it was taken; else what was wrong. */
  async #attempt(delivery: DeliveryRecord): Promise<string | undefined> {
    const { send, isTaken, clock, random } = this.#parts
    const outcome = await send(delivery)
    const attempts = delivery.attempts + 1
    if (isTaken(outcome)) {
      await this.#settle(delivery, {
        state: 'delivered',
        attempts,
        lastStatus: outcome.status,
        lastError: null,
      })
      return undefined
    }
    const lastError = (outcome.error ?? 'no answer').slice(0, maxErrorLength)
    const nowMs = clock.wallTime()
    const isGone = outcome.status === gone
    const delayMs = isGone ? undefined : deliveryDelayMs(attempts, nowMs - delivery.createdMs, random())
    const state = delayMs === undefined ? 'failed' : 'waiting'
    const nextMs = nowMs + (delayMs ?? 0)
    await this.#settle(delivery, { state, attempts, nextMs, lastStatus: outcome.status, lastError })
    if (isGone) await this.#parts.gone()
    return lastError
  }

  #settle(
    delivery: DeliveryRecord,
    change: Partial<DeliveryRecord> & Pick<DeliveryRecord, 'state'>,
  ): Promise<void> {
    const { store, clock } = this.#parts
    const finishedMs = change.state === 'waiting' ? null : clock.wallTime()
    const { seq, webhookId, attempts, nextMs, lastStatus, lastError } = { ...delivery, ...change }
    const { state } = change
    return store.webhooks.settle({
      seq,
      webhookId,
      state,
      attempts,
      nextMs,
      lastStatus,
      lastError,
      finishedMs,
    })
  }
}
