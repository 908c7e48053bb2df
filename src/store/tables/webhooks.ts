import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { sha256 } from '../sha256.ts'

/** A program elsewhere that wants to hear of events. */
export interface WebhookRecord {
  /** UUIDv7. */
  readonly id: string
  readonly url: string
  readonly eventsJson: string
  /** The secret, encrypted; what opens it is not in the database. */
  readonly sealed: Uint8Array
  readonly enabled: 0 | 1
  readonly createdMs: number
}

export type DeliveryState = 'waiting' | 'delivered' | 'failed' | 'dropped'

export interface DeliveryRecord {
  readonly seq: number
  /** `webhook-id` of the message. */
  readonly id: string
  readonly webhookId: string
  readonly event: string
  readonly body: string
  readonly state: DeliveryState
  readonly attempts: number
  /** Wall time of the next attempt. */
  readonly nextMs: number
  readonly lastStatus: number | null
  readonly lastError: string | null
  readonly createdMs: number
  readonly finishedMs: number | null
}

/** Messages of one webhook that wait; one more, and the oldest is dropped. */
const maxWaiting = 1_000
/** Messages of a webhook that are kept, whatever became of them. */
const maxKept = 1_200

const columns = 'id, url, eventsJson, sealed, enabled, createdMs'
const deliveryColumns =
  'seq, id, webhookId, event, body, state, attempts, nextMs, lastStatus, lastError, createdMs, finishedMs'

export const webhooks = {
  /** False: there are `atMost` already. */
  insert: write((db, webhook: WebhookRecord & { readonly atMost: number }): boolean => {
    const { atMost, ...row } = webhook
    const sql = 'SELECT count(*) AS count FROM webhooks'
    if ((prepared<{ count: number }>(db, sql).get()?.count ?? 0) >= atMost) return false
    const insert = `INSERT INTO webhooks (${columns}) VALUES (@id, @url, @eventsJson, @sealed, @enabled, @createdMs)`
    return prepared(db, insert).run(row).changes > 0
  }),

  /** Newest first. */
  list: read((db): WebhookRecord[] =>
    prepared<WebhookRecord>(db, `SELECT ${columns} FROM webhooks ORDER BY id DESC`).all(),
  ),

  /** Any at all. */
  some: read((db): boolean => prepared(db, 'SELECT 1 FROM webhooks LIMIT 1').get() !== undefined),

  /** What is null stays. False: there is no such webhook. */
  change: write(
    (
      db,
      change: {
        readonly id: string
        readonly url: string | null
        readonly eventsJson: string | null
        readonly sealed: Uint8Array | null
        readonly enabled: 0 | 1 | null
      },
    ): boolean => {
      const sql = `UPDATE webhooks SET url = coalesce(@url, url), eventsJson = coalesce(@eventsJson, eventsJson),
        sealed = coalesce(@sealed, sealed), enabled = coalesce(@enabled, enabled) WHERE id = @id`
      return prepared(db, sql).run(change).changes > 0
    },
  ),

  /** With its messages. */
  remove: write(
    (db, id: string): boolean => prepared(db, 'DELETE FROM webhooks WHERE id = ?').run(id).changes > 0,
  ),

  /** Puts a message behind the others of its webhook; beyond 1,000 that wait the oldest is dropped. */
  enqueue: write(
    (
      db,
      messages: readonly Pick<DeliveryRecord, 'id' | 'webhookId' | 'event' | 'body' | 'createdMs'>[],
    ): void => {
      for (const message of messages) {
        const sql = `INSERT INTO webhookDeliveries (id, webhookId, event, body, bodySha, state, nextMs, createdMs)
          SELECT @id, @webhookId, @event, @body, @bodySha, 'waiting', @createdMs, @createdMs
          WHERE EXISTS (SELECT 1 FROM webhooks WHERE id = @webhookId)`
        prepared(db, sql).run({ ...message, bodySha: sha256(Buffer.from(message.body)) })
        const drop = `UPDATE webhookDeliveries SET state = 'dropped', finishedMs = @nowMs, lastError = 'too many were waiting'
          WHERE seq IN (SELECT seq FROM webhookDeliveries WHERE webhookId = @webhookId AND state = 'waiting'
            ORDER BY seq DESC LIMIT -1 OFFSET ${maxWaiting})`
        prepared(db, drop).run({ webhookId: message.webhookId, nowMs: message.createdMs })
      }
    },
  ),

  /** The message of this webhook that is to be sent next. `damaged`: its bytes are not what was stored. */
  next: read((db, webhookId: string): (DeliveryRecord & { damaged: boolean }) | undefined => {
    const sql = `SELECT ${deliveryColumns}, bodySha FROM webhookDeliveries WHERE webhookId = ? AND state = 'waiting'
      ORDER BY seq LIMIT 1`
    const row = prepared<DeliveryRecord & { bodySha: Buffer }>(db, sql).get(webhookId)
    if (row === undefined) return undefined
    const { bodySha, ...delivery } = row
    return { ...delivery, damaged: !sha256(Buffer.from(delivery.body)).equals(bodySha) }
  }),

  /** What came of an attempt. Of the webhook's messages the newest 1,200 stay. */
  settle: write(
    (
      db,
      attempt: Pick<
        DeliveryRecord,
        'seq' | 'webhookId' | 'state' | 'attempts' | 'nextMs' | 'lastStatus' | 'lastError' | 'finishedMs'
      >,
    ): void => {
      const sql = `UPDATE webhookDeliveries SET state = @state, attempts = @attempts, nextMs = @nextMs,
        lastStatus = @lastStatus, lastError = @lastError, finishedMs = @finishedMs
        WHERE seq = @seq AND webhookId = @webhookId AND state = 'waiting'`
      prepared(db, sql).run(attempt)
      if (attempt.state === 'waiting') return
      const old = `DELETE FROM webhookDeliveries WHERE webhookId = ? AND state <> 'waiting' AND seq <=
        (SELECT seq FROM webhookDeliveries WHERE webhookId = ? ORDER BY seq DESC LIMIT 1 OFFSET ${maxKept})`
      prepared(db, old).run(attempt.webhookId, attempt.webhookId)
    },
  ),

  /** Newest first; `before`: only those older than this seq. */
  deliveries: read(
    (
      db,
      page: {
        readonly webhookId: string
        readonly limit: number
        readonly skip: number
        readonly before: number | null
      },
    ): { deliveries: DeliveryRecord[]; total: number } => {
      const sql = `SELECT ${deliveryColumns} FROM webhookDeliveries WHERE webhookId = @webhookId
        AND seq < coalesce(@before, 9007199254740991) ORDER BY seq DESC LIMIT @limit OFFSET @skip`
      const count = 'SELECT count(*) AS count FROM webhookDeliveries WHERE webhookId = ?'
      return {
        deliveries: prepared<DeliveryRecord>(db, sql).all(page),
        total: prepared<{ count: number }>(db, count).get(page.webhookId)?.count ?? 0,
      }
    },
  ),
}
