import type { Clock } from '../kernel/clock.ts'
import { withDeadline } from '../kernel/deadline.ts'
import { type ErrorCode, toError } from '../kernel/errors.ts'
import type { BoardId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { JobRecord } from '../store/tables/job-record.ts'

/** Pulls the board's reset line; false: it has none. */
export type ResetBoard = (boardId: BoardId) => Promise<boolean>

/** The longest pulse takes 2 s, and as long again may pass until a line is had and let go. */
const resetTimeoutMs = 5_000

/**
 * Pulls the reset line of the job's board, if it has one; a board that restarts is greeted again, and its job goes on.
 * True when it was pulled. Never rejects.
 */
export async function pullReset(
  { resetBoard, log, clock }: { resetBoard?: ResetBoard | undefined; log: Log; clock: Clock },
  { id, boardId }: JobRecord,
  code: ErrorCode,
): Promise<boolean> {
  if (resetBoard === undefined) return false
  const fields = { jobId: id, boardId, code }
  try {
    const late = `The reset line was not pulled within ${resetTimeoutMs / 1000} s.`
    const pulled = await withDeadline(clock, resetTimeoutMs, resetBoard(boardId), 'gpio_failed', late)
    if (pulled) log.warn(fields, 'the reset line of a board was pulled, for its upload was interrupted')
    return pulled
  } catch (thrown) {
    log.warn(fields, `the reset line of a board could not be pulled: ${toError(thrown).message}`)
    return false
  }
}
