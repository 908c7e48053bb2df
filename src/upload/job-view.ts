import type { JobRecord } from '../upload/uploads.ts'
import type { JobView } from '../wire/job.ts'

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
  createdAt: new Date(job.createdMs).toISOString(),
  updatedAt: new Date(job.updatedMs).toISOString(),
  finishedAt: job.finishedMs === null ? null : new Date(job.finishedMs).toISOString(),
})
