import { z } from 'zod'
import type { Callbacks } from '../../callback/callbacks.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import {
  callAccepted,
  callbackChange,
  callbacksView,
  callbackView,
  changedCallback,
  issuedCallback,
  newCallback,
} from '../../wire/callback.ts'
import { callerOf } from '../access/caller.ts'
import { empty, json, type Operation, operation } from '../api/operation.ts'
import { pageOf, paging } from '../api/paging.ts'
import { readBody } from '../read-body.ts'

export interface CallbackDeps {
  readonly callbacks: Callbacks
  readonly core: {
    readonly book: Pick<GatewayCore['book'], 'find'>
    readonly library: Pick<GatewayCore['library'], 'find'>
  }
}

type Orders = {
  readonly [K in keyof z.output<typeof newCallback>]?: z.output<typeof newCallback>[K] | undefined
}

/** Of a call: what it says is signed, not looked at. */
const maxCallBytes = 64 * 1024

/** Things that a program elsewhere may have done with a signature instead of an account. */
export function callbackOperations({ callbacks, core }: CallbackDeps): readonly Operation[] {
  /** Names become ids, so that a board or a pattern that is renamed stays the one that was meant. */
  const resolved = async <T extends Orders>(asked: T): Promise<T> => {
    const { action, boards } = asked
    const ids =
      boards === undefined || boards === 'all'
        ? boards
        : await Promise.all(boards.map(async board => (await core.book.find(board)).id))
    const found =
      action?.type === 'upload'
        ? { ...action, patternId: (await core.library.find(action.patternId)).id }
        : action
    return {
      ...asked,
      ...(ids !== undefined && { boards: ids }),
      ...(found !== undefined && { action: found }),
    }
  }

  return [
    operation({
      id: 'createCallback',
      method: 'post',
      path: '/callbacks',
      tag: 'callbacks',
      summary: 'Let a program elsewhere have one thing done',
      description:
        'The answer holds the secret, this once. Calls are signed as Standard Webhooks 1.0.0 has it, and act as an operator.',
      access: 'admin',
      body: newCallback,
      answers: { 201: json(issuedCallback, 'The callback and its secret') },
      errors: ['conflict', 'not_found'],
      secret: true,
      async run(call) {
        const made = await callbacks.make(await resolved(call.body))
        const { id, name, action, boards } = made.callback
        call.changed({ resource: `callbacks/${id}`, after: { name, action, boards } })
        return made
      },
    }),

    operation({
      id: 'listCallbacks',
      method: 'get',
      path: '/callbacks',
      tag: 'callbacks',
      summary: 'Callbacks, newest first',
      access: 'admin',
      query: paging,
      answers: { 200: json(callbacksView, 'A page of the callbacks') },
      async run({ query }) {
        const { items, total, nextCursor } = pageOf(await callbacks.list(), query, ({ id }) => id)
        return { callbacks: items, total, nextCursor }
      },
    }),

    operation({
      id: 'getCallback',
      method: 'get',
      path: '/callbacks/:id',
      tag: 'callbacks',
      summary: 'One callback',
      access: 'admin',
      answers: { 200: json(z.object({ callback: callbackView }), 'The callback') },
      errors: ['not_found'],
      run: async ({ params }) => ({ callback: await callbacks.get(params.id) }),
    }),

    operation({
      id: 'changeCallback',
      method: 'patch',
      path: '/callbacks/:id',
      tag: 'callbacks',
      summary: 'Change a callback, or make another secret',
      access: 'admin',
      body: callbackChange,
      answers: { 200: json(changedCallback, 'As it is now') },
      errors: ['not_found', 'conflict'],
      secret: true,
      async run(call) {
        const before = await callbacks.get(call.params.id)
        const made = await callbacks.change(call.params.id, await resolved(call.body))
        const shown = ({ name, action, boards }: typeof before) => ({ name, action, boards })
        call.changed({
          resource: `callbacks/${before.id}`,
          before: shown(before),
          after: { ...shown(made.callback), rotated: made.secret !== undefined },
        })
        return made
      },
    }),

    operation({
      id: 'deleteCallback',
      method: 'delete',
      path: '/callbacks/:id',
      tag: 'callbacks',
      summary: 'Remove a callback',
      access: 'admin',
      answers: { 204: empty('Its calls are refused from now on') },
      errors: ['not_found'],
      async run(call) {
        const { name, action, boards } = await callbacks.remove(call.params.id)
        call.changed({ resource: `callbacks/${call.params.id}`, before: { name, action, boards } })
      },
    }),

    operation({
      id: 'callCallback',
      method: 'post',
      path: '/callbacks/:id/call',
      tag: 'callbacks',
      summary: 'Have it done, with a signature',
      description:
        'Headers webhook-id (good once), webhook-timestamp (within 5 minutes) and webhook-signature: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`. The body may be anything up to 64 KiB. What becomes of it is in the audit log.',
      access: 'open',
      audited: false,
      repeatable: false,
      bodyType: '*/*',
      maxBodyBytes: maxCallBytes,
      answers: { 202: json(callAccepted, 'It is certain that it is done once') },
      errors: ['unauthenticated', 'rate_limited', 'overloaded', 'file_too_large'],
      async stream(ctx, { params }) {
        const { bytes } = await readBody(ctx, maxCallBytes)
        const { address } = callerOf(ctx.req)
        const { messageId } = await callbacks.call(params.id, ctx.req.headers, bytes, address)
        ctx.status = 202
        ctx.body = { accepted: true, id: messageId }
      },
    }),
  ]
}
