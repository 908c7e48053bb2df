import { parentPort } from 'node:worker_threads'
import type { PatternLimits } from '../../pattern/limits.ts'
import { withOwnBytes } from '../../store/argument-size.ts'
import { type PlainError, toPlainError } from '../../store/thread-messages.ts'
import { doWork, type PatternWork, type WorkResult } from './pattern-work.ts'

export interface PatternRequest {
  readonly source: Uint8Array
  readonly task: PatternWork
  readonly limits: PatternLimits
}

export type PatternReply =
  | { readonly ok: true; readonly value: WorkResult<PatternWork> }
  | { readonly ok: false; readonly error: PlainError }

function answer({ source, task, limits }: PatternRequest): PatternReply {
  try {
    return { ok: true, value: withOwnBytes(doWork(source, task, limits)) as WorkResult<PatternWork> }
  } catch (thrown) {
    return { ok: false, error: toPlainError(thrown) }
  }
}

/** What is handed over instead of copied. */
function buffersIn(value: unknown): ArrayBuffer[] {
  if (value instanceof Uint8Array) return [value.buffer as ArrayBuffer]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(buffersIn) : []
}

parentPort?.on('message', (request: PatternRequest) => {
  const reply = answer(request)
  parentPort?.postMessage(reply, buffersIn(reply))
})
