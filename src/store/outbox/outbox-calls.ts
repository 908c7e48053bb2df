import type { PlainError } from '../thread-messages.ts'
import type { OutboxTable } from './outbox-table.ts'

/** What the outbox's thread can be asked; answered in the order of the asking. */
export type OutboxCalls = Pick<OutboxTable, 'commit' | 'resume' | 'read' | 'unseenJobs'>

export type OutboxRequest =
  | { readonly call: keyof OutboxCalls; readonly args: readonly unknown[] }
  | { readonly call: 'close' }

/** The first one is of the opening: `value` is where a damaged file was moved. */
export type OutboxReply =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: PlainError }
