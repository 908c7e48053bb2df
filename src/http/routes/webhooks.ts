import { z } from 'zod'
import type { Webhooks } from '../../callback/webhooks.ts'
import { AppError } from '../../kernel/errors.ts'
import {
  changedWebhook,
  deliveriesView,
  issuedWebhook,
  newWebhook,
  testedWebhook,
  webhookChange,
  webhooksView,
  webhookView,
} from '../../wire/webhook.ts'
import { empty, json, type Operation, operation } from '../api/operation.ts'
import { pageOf, paging } from '../api/paging.ts'

/** The host says enough: paths and queries of such addresses are often secrets. */
const shown = ({ url, events, enabled }: { url: string; events: readonly string[]; enabled: boolean }) => ({
  host: new URL(url).host,
  events,
  enabled,
})

/** Programs elsewhere that hear of events. */
export const webhookOperations = (webhooks: Webhooks): readonly Operation[] => [
  operation({
    id: 'createWebhook',
    method: 'post',
    path: '/webhooks',
    tag: 'webhooks',
    summary: 'Have events posted to an address',
    description:
      'The answer holds the secret, this once. Messages are signed as Standard Webhooks 1.0.0 has it, and repeated until they are taken, for a day at most.',
    access: 'admin',
    body: newWebhook,
    answers: { 201: json(issuedWebhook, 'The webhook and its secret') },
    errors: ['conflict'],
    secret: true,
    async run(call) {
      const made = await webhooks.make(call.body)
      call.changed({ resource: `webhooks/${made.webhook.id}`, after: shown(made.webhook) })
      return made
    },
  }),

  operation({
    id: 'listWebhooks',
    method: 'get',
    path: '/webhooks',
    tag: 'webhooks',
    summary: 'Webhooks, newest first',
    access: 'admin',
    query: paging,
    answers: { 200: json(webhooksView, 'A page of the webhooks') },
    run({ query }) {
      const { items, total, nextCursor } = pageOf(webhooks.list(), query, ({ id }) => id)
      return { webhooks: items, total, nextCursor }
    },
  }),

  operation({
    id: 'getWebhook',
    method: 'get',
    path: '/webhooks/:id',
    tag: 'webhooks',
    summary: 'One webhook',
    access: 'admin',
    answers: { 200: json(z.object({ webhook: webhookView }), 'The webhook') },
    errors: ['not_found'],
    run: ({ params }) => ({ webhook: webhooks.get(params.id) }),
  }),

  operation({
    id: 'changeWebhook',
    method: 'patch',
    path: '/webhooks/:id',
    tag: 'webhooks',
    summary: 'Change a webhook, switch it off or on, or make another secret',
    access: 'admin',
    body: webhookChange,
    answers: { 200: json(changedWebhook, 'As it is now') },
    errors: ['not_found'],
    secret: true,
    async run(call) {
      const before = webhooks.get(call.params.id)
      const made = await webhooks.change(call.params.id, call.body)
      call.changed({
        resource: `webhooks/${before.id}`,
        before: shown(before),
        after: { ...shown(made.webhook), rotated: made.secret !== undefined },
      })
      return made
    },
  }),

  operation({
    id: 'deleteWebhook',
    method: 'delete',
    path: '/webhooks/:id',
    tag: 'webhooks',
    summary: 'Remove a webhook, with what waits for it',
    access: 'admin',
    answers: { 204: empty('It hears nothing any more') },
    errors: ['not_found'],
    async run(call) {
      const removed = await webhooks.remove(call.params.id)
      call.changed({ resource: `webhooks/${removed.id}`, before: shown(removed) })
    },
  }),

  operation({
    id: 'testWebhook',
    method: 'post',
    path: '/webhooks/:id/test',
    tag: 'webhooks',
    summary: 'Post a test message now',
    access: 'admin',
    answers: { 200: json(testedWebhook, 'What came of it') },
    errors: ['not_found'],
    run: ({ params }) => webhooks.test(params.id),
  }),

  operation({
    id: 'listDeliveries',
    method: 'get',
    path: '/webhooks/:id/deliveries',
    tag: 'webhooks',
    summary: 'Messages to a webhook, newest first',
    access: 'admin',
    query: paging,
    answers: { 200: json(deliveriesView, 'A page of the messages') },
    errors: ['not_found', 'usage'],
    async run({ params, query: { limit, skip, cursor, before } }) {
      const last = cursor ?? before
      if (last !== undefined && !/^\d{1,15}$/.test(last))
        throw new AppError('usage', 'This is no cursor of the messages. Begin with the first page again.')
      const place = { limit, skip, before: last === undefined ? null : Number(last) }
      const page = await webhooks.deliveries(params.id, place)
      const nextCursor = page.last === null ? null : String(page.last)
      return { deliveries: page.deliveries, total: page.total, nextCursor }
    },
  }),
]
