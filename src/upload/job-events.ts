import type { BoardId, JobId } from '../kernel/ids.ts'
import type { SenderProgress } from '../protocol/sender/sender.ts'
import type { JobRecord } from '../store/tables/job-record.ts'
import { lineShare, type RunStats } from './run-stats.ts'

export interface JobProgress {
  readonly jobId: JobId
  readonly boardId: BoardId
  readonly phase: SenderProgress['phase']
  readonly doneBytes: number
  readonly totalBytes: number
  readonly durableBlocks: number
  readonly blocks: number
  readonly bodyBytes: number
  readonly lineShare: number | null
}

export interface JobEvents {
  /** A job was made or changed its state; the row is what the database now holds. */
  readonly 'job.changed': JobRecord
  readonly 'job.progress': JobProgress
}

export function toProgress(record: JobRecord, progress: SenderProgress, stats: RunStats): JobProgress {
  return {
    jobId: record.id,
    boardId: record.boardId,
    phase: progress.phase,
    doneBytes: progress.doneBytes,
    totalBytes: progress.imageBytes,
    durableBlocks: progress.durableBlocks,
    blocks: progress.blocks,
    bodyBytes: progress.bodyBytes,
    lineShare: lineShare(stats),
  }
}
