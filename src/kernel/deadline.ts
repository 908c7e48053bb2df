import type { Clock } from './clock.ts'
import { AppError, type ErrorCode } from './errors.ts'

/**
 * Settles with the promise, or rejects with `code` after `timeoutMs`. Every wait on something outside has one.
 * The work itself goes on; the caller closes what it opened.
 */
export function withDeadline<T>(
  clock: Clock,
  timeoutMs: number,
  work: Promise<T>,
  code: ErrorCode,
  message: string,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(timeoutMs, () => reject(new AppError(code, message)))
    work.then(resolve, reject).finally(() => timer.cancel())
  })
}
