import type { JobEventRecord, JobRecord } from '../store/tables/job-record.ts'
import type { JobCheckpoint, JobEvent, JobView } from '../wire/job.ts'

/** A job as the API shows it. */
export const jobView = (job: JobRecord): JobView => ({
  id: job.id,
  batchId: job.batchId,
  boardId: job.boardId,
  patternId: job.patternId,
  name: job.name,
  state: job.state,
  raw: job.raw,
  blocks: job.blocks,
  durableBlocks: job.durableBlocks,
  imageBytes: job.imageBytes,
  payloadBytes: job.payloadBytes,
  attempts: job.attempts,
  errorCode: job.errorCode,
  errorMessage: job.errorMessage,
  createdBy: job.createdBy,
  retryOf: job.retryOf,
  createdAt: new Date(job.createdMs).toISOString(),
  updatedAt: new Date(job.updatedMs).toISOString(),
  finishedAt: job.finishedMs === null ? null : new Date(job.finishedMs).toISOString(),
})

/** What is known of its progress, for people. */
export function jobCheckpointView(job: JobRecord): JobCheckpoint {
  const share = job.blocks === 0 ? 0 : Math.min(1, job.durableBlocks / job.blocks)
  return {
    jobId: job.id,
    boardId: job.boardId,
    state: job.state,
    transferId: job.transferId,
    blocks: job.blocks,
    durableBlocks: job.durableBlocks,
    imageBytes: job.imageBytes,
    durableBytes: Math.floor(job.imageBytes * share),
    percent: Math.floor(share * 1000) / 10,
    authority: 'board',
    updatedAt: new Date(job.updatedMs).toISOString(),
  }
}

export const jobEventView = ({ atMs, ...event }: JobEventRecord): JobEvent => ({
  ...event,
  at: new Date(atMs).toISOString(),
})
