import type { BoardProfile } from '../board/profile.ts'
import type { Bus } from '../kernel/bus.ts'
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
  /** Of the whole job so far. */
  readonly retransmittedBytes: number
}

/** What a job's pattern will draw on its board, told before it is sent. */
export interface JobPower {
  readonly jobId: JobId
  readonly boardId: BoardId
  /** Estimated. */
  readonly peakMa: number
  /** null: the board has no cap. */
  readonly capMa: number | null
}

export interface JobEvents {
  /** A job was made or changed its state; the row is what the database now holds. */
  readonly 'job.changed': JobRecord
  readonly 'job.progress': JobProgress
  readonly 'job.power': JobPower
  /** Its image is made or was found, and is about to be sent; the job's row names it. */
  readonly 'job.prepared': { readonly jobId: JobId; readonly boardId: BoardId }
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
    retransmittedBytes: stats.retransmittedBytes,
  }
}

/** Opaque bytes draw nothing that could be known. */
export const announcePower =
  (bus: Pick<Bus<JobEvents>, 'emit'>) =>
  (
    { id, boardId }: JobRecord,
    { peakMa }: { readonly peakMa: number },
    { powerCapMa }: BoardProfile,
  ): void => {
    if (peakMa > 0) bus.emit('job.power', { jobId: id, boardId, peakMa, capMa: powerCapMa ?? null })
  }
