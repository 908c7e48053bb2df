import { z } from 'zod'

/** One entry of the audit log. */
export const auditEntryView = z
  .object({
    seq: z.int().describe('Rises with each entry'),
    at: z.iso.datetime(),
    actor: z
      .object({
        kind: z
          .string()
          .describe('local, user, token, guest, callback, mqtt, stranger (nobody has signed in) or system'),
        id: z.string().nullable(),
        name: z.string().nullable(),
      })
      .readonly(),
    action: z
      .string()
      .describe(
        'The operation, such as changeBoard, or signIn, suspicion, mqttCommand, mqttConnect, mqttFlood, chatCommand',
      ),
    resource: z.string().describe('Such as boards/0198…'),
    outcome: z.string().describe('ok, or the code of the error'),
    before: z.unknown().describe('Without secrets; null: there was nothing'),
    after: z.unknown().describe('Without secrets; null: there is nothing'),
    address: z.string().describe('local: the control socket'),
    agent: z.string(),
    requestId: z.string().nullable(),
  })
  .readonly()
  .meta({ id: 'AuditEntry', description: 'Who did what, when, and what came of it' })
export type AuditEntryView = z.output<typeof auditEntryView>

/** Answer of GET /audit, newest first. */
export const auditView = z
  .object({
    entries: z.array(auditEntryView).readonly(),
    total: z.int().min(0),
    nextCursor: z.string().nullable(),
  })
  .readonly()
