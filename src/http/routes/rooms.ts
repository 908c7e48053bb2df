import { Router } from '@koa/router'
import type { Context } from 'koa'
import { z } from 'zod'
import type { Chat } from '../../chat/chat.ts'
import { AppError } from '../../kernel/errors.ts'
import { maxMessageCharacters, newMember, newMessage, newRoom } from '../../wire/chat.ts'
import { readJson } from '../read-body.ts'
import { readQuery } from '../read-query.ts'
import { principalOf, requireRole } from '../require-role.ts'

const messagePage = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  before: z.string().min(1).max(64).optional(),
})

/** The chat has the last word on the length of a text, and its own words for it. */
const anyMessage = newMessage.extend({ text: z.string() })

/**
 * Rooms, messages and presence. Everybody may write where they are; to make rooms and bring people in takes an
 * operator.
 */
export function roomRoutes({ chat }: { readonly chat: Chat }): Router {
  const router = new Router()

  router.get('/rooms', async ctx => {
    ctx.body = { rooms: await chat.rooms.list(principalOf(ctx)) }
  })

  router.post('/rooms', async ctx => {
    const principal = requireRole(ctx, 'operator')
    ctx.body = { room: await chat.rooms.create(principal, await readJson(ctx, newRoom)) }
    ctx.status = 201
  })

  router.get('/rooms/:id', async ctx => {
    ctx.body = { room: await chat.rooms.get(principalOf(ctx), idOf(ctx)) }
  })

  router.delete('/rooms/:id', async ctx => {
    await chat.rooms.remove(requireRole(ctx, 'operator'), idOf(ctx))
    ctx.status = 204
  })

  router.post('/rooms/:id/members', async ctx => {
    const principal = requireRole(ctx, 'operator')
    const { name } = await readJson(ctx, newMember)
    ctx.body = { room: await chat.rooms.addMember(principal, idOf(ctx), name) }
  })

  router.delete('/rooms/:id/members/:name', async ctx => {
    await chat.rooms.removeMember(principalOf(ctx), idOf(ctx), ctx.params['name'] ?? '')
    ctx.status = 204
  })

  router.get('/rooms/:id/messages', async ctx => {
    ctx.body = await chat.messages(principalOf(ctx), idOf(ctx), readQuery(ctx, messagePage))
  })

  router.post('/rooms/:id/messages', async ctx => {
    const principal = principalOf(ctx)
    const { message, repeated } = await chat.post(principal, idOf(ctx), await readMessage(ctx))
    ctx.body = { message }
    ctx.status = repeated ? 200 : 201
  })

  router.get('/presence', ctx => {
    principalOf(ctx)
    ctx.body = chat.presence.view()
  })
  return router
}

const idOf = (ctx: { readonly params: Readonly<Record<string, string | undefined>> }): string =>
  ctx.params['id'] ?? ''

/** A body that is too large for the server is a message that is too long. */
async function readMessage(ctx: Context): Promise<z.output<typeof anyMessage>> {
  try {
    return await readJson(ctx, anyMessage)
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'file_too_large') throw thrown
    throw new AppError('file_too_large', `Message too long (max ${maxMessageCharacters} characters)`)
  }
}
