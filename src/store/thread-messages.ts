import { AppError, type ErrorCode, toError } from '../kernel/errors.ts'
import type { DatabaseOptions } from './open-database.ts'
import type { StatementTimes } from './statement-meter.ts'

/** What a storage thread is started with. */
export interface ThreadStart extends DatabaseOptions {
  readonly path: string
  /** A reader never writes, and takes one call at a time. */
  readonly role: 'writer' | 'reader'
}

/** To the storage thread. Calls are answered in the order in which they were sent. */
export type ThreadRequest =
  | {
      readonly kind: 'call'
      readonly table: string
      readonly operation: string
      readonly args: readonly unknown[]
    }
  | { readonly kind: 'close' }

/** From the storage thread: one for the opening, then one a request, in order. */
export type ThreadReply = (
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: PlainError }
) & {
  /** Of a call. */
  readonly statements?: StatementTimes
}

/** An error as it crosses threads: structured clone would drop the class and the code of an AppError. */
export interface PlainError {
  readonly code: ErrorCode | undefined
  readonly message: string
  readonly detail: Readonly<Record<string, unknown>> | undefined
  readonly stack: string | undefined
}

export function toPlainError(thrown: unknown): PlainError {
  const error = toError(thrown)
  const app = error instanceof AppError ? error : undefined
  return { code: app?.code, message: error.message, detail: app?.detail, stack: error.stack }
}

/** The AppError again; a bug comes back as a plain Error with the stack of the thread it happened in. */
export function fromPlainError(plain: PlainError): Error {
  if (plain.code !== undefined) {
    return new AppError(plain.code, plain.message, plain.detail ? { detail: plain.detail } : {})
  }
  const error = new Error(plain.message)
  if (plain.stack !== undefined) error.stack = plain.stack
  return error
}
