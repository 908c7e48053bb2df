import { z } from 'zod'
import { boardCommand } from './board-command.ts'
import { newJobs } from './job.ts'

const name = z.string().trim().min(1).max(64)
const { boards } = newJobs.shape

/** What a signed call does. */
export const callbackAction = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('command'),
    command: boardCommand.describe('As in POST /boards/:id/commands'),
  }),
  z.strictObject({
    type: z.literal('upload'),
    patternId: z.string().min(1).max(255).describe('Id or name of a stored pattern'),
  }),
])
export type CallbackAction = z.output<typeof callbackAction>

/** Body of POST /callbacks (admin). */
export const newCallback = z.strictObject({
  name: name.describe('By which it acts: it stands in the audit log'),
  action: callbackAction,
  boards: boards.describe('Ids or names, or "all"'),
})

/** Body of PATCH /callbacks/:id (admin). */
export const callbackChange = newCallback
  .partial()
  .extend({
    newSecret: z.literal(true).optional().describe('Makes another secret; the one before is of no use then'),
  })
  .refine(change => Object.keys(change).length > 0, 'at least one of name, action, boards and newSecret')

export const callbackView = z
  .object({
    id: z.string(),
    name: z.string(),
    action: z.looseObject({ type: z.enum(['command', 'upload']) }).describe('As it was made'),
    boards,
    path: z.string().describe('Where it is called'),
    createdAt: z.iso.datetime(),
    lastCalledAt: z.iso.datetime().nullable(),
  })
  .readonly()
  .meta({ id: 'Callback', description: 'What a program elsewhere may have done with a signed call' })
export type CallbackView = z.output<typeof callbackView>

export const issuedCallback = z
  .object({ callback: callbackView, secret: z.string().describe('whsec_…; told this once') })
  .readonly()

/** Answer of PATCH; the secret where a new one was made. */
export const changedCallback = z
  .object({ callback: callbackView, secret: z.string().optional().describe('The new one; told this once') })
  .readonly()

/** Answer of GET /callbacks, newest first. */
export const callbacksView = z
  .object({
    callbacks: z.array(callbackView).readonly(),
    total: z.int().min(0),
    nextCursor: z.string().nullable(),
  })
  .readonly()

/** Answer of POST /callbacks/:id/call. */
export const callAccepted = z
  .object({
    accepted: z.literal(true),
    id: z.string().describe('The webhook-id of the call'),
  })
  .readonly()
