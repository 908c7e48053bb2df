import { z } from 'zod'

export const webhookEvents = [
  'job.done',
  'job.failed',
  'job.cancelled',
  'board.up',
  'board.down',
  'board.quarantined',
  'alert.raised',
  'alert.cleared',
] as const
export type WebhookEvent = (typeof webhookEvents)[number]

const url = z
  .url({ protocol: /^https?$/, error: 'an address that begins with https:// or http://' })
  .max(2000)
  .refine(
    text => !/^[a-z]+:\/\/[^/?#]*@/i.test(text),
    'no name and password in the address: the signature proves who calls',
  )
const events = z.array(z.enum(webhookEvents)).min(1).max(webhookEvents.length)

/** Body of POST /webhooks (admin). */
export const newWebhook = z.strictObject({
  url: url.describe('Where messages are posted to'),
  events: events.describe('Of what it hears'),
})

/** Body of PATCH /webhooks/:id (admin). */
export const webhookChange = z
  .strictObject({
    url: url.optional(),
    events: events.optional(),
    enabled: z.boolean().optional(),
    newSecret: z.literal(true).optional().describe('Makes another secret'),
  })
  .refine(change => Object.keys(change).length > 0, 'at least one of url, events, enabled and newSecret')

export const webhookView = z
  .object({
    id: z.string(),
    url: z.string(),
    events: z.array(z.enum(webhookEvents)).readonly(),
    enabled: z.boolean(),
    breaker: z.enum(['CLOSED', 'OPEN', 'HALF_OPEN']).describe('OPEN: it has failed too often, and rests'),
    createdAt: z.iso.datetime(),
  })
  .readonly()
  .meta({ id: 'Webhook', description: 'A program elsewhere that hears of events' })
export type WebhookView = z.output<typeof webhookView>

export const issuedWebhook = z
  .object({ webhook: webhookView, secret: z.string().describe('whsec_…; told this once') })
  .readonly()

export const changedWebhook = z
  .object({ webhook: webhookView, secret: z.string().optional().describe('The new one; told this once') })
  .readonly()

/** Answer of GET /webhooks, newest first. */
export const webhooksView = z
  .object({
    webhooks: z.array(webhookView).readonly(),
    total: z.int().min(0),
    nextCursor: z.string().nullable(),
  })
  .readonly()

export const deliveryView = z
  .object({
    id: z.string().describe('webhook-id of the message'),
    event: z.string(),
    state: z.enum(['waiting', 'delivered', 'failed', 'dropped']),
    attempts: z.int().min(0),
    lastStatus: z.int().nullable().describe('HTTP status of the last answer'),
    lastError: z.string().nullable(),
    createdAt: z.iso.datetime(),
    nextAt: z.iso.datetime().nullable().describe('When it is tried again'),
    finishedAt: z.iso.datetime().nullable(),
  })
  .readonly()
  .meta({ id: 'Delivery', description: 'A message to a webhook' })
export type DeliveryView = z.output<typeof deliveryView>

/** Answer of GET /webhooks/:id/deliveries, newest first. */
export const deliveriesView = z
  .object({
    deliveries: z.array(deliveryView).readonly(),
    total: z.int().min(0),
    nextCursor: z.string().nullable(),
  })
  .readonly()

/** Answer of POST /webhooks/:id/test. */
export const testedWebhook = z
  .object({
    delivered: z.boolean(),
    status: z.int().nullable().describe('HTTP status of the answer'),
    error: z.string().nullable(),
    durationMs: z.number().min(0),
  })
  .readonly()
