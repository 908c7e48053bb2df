import { type BoardId, boardId, type JobId, jobId, type PatternId, patternId } from '../../kernel/ids.ts'
import { shaHexOrNull } from '../sha256.ts'

export const finalStates = ['done', 'failed', 'cancelled'] as const
export const unfinishedStates = ['queued', 'waiting', 'transferring', 'verifying', 'trial', 'paused'] as const

export type FinalState = (typeof finalStates)[number]
export type UnfinishedState = (typeof unfinishedStates)[number]
/** `waiting`: the board is absent. `trial`: activated, not yet confirmed (SPEC §7.3). */
export type JobState = FinalState | UnfinishedState

/** One pattern on its way to one board. */
export interface JobRecord {
  readonly id: JobId
  /** The same for the jobs of one upload to many boards. */
  readonly batchId: string
  readonly boardId: BoardId
  readonly name: string
  readonly patternId: PatternId | null
  readonly state: JobState
  /** Opaque bytes: sent as they are, not compiled. */
  readonly raw: boolean
  /** How to compile; the upload module owns the shape. */
  readonly optionsJson: string
  readonly sourceSha: string | null
  readonly manifestSha: string | null
  readonly imageSha: string | null
  /** Hexadecimal, SPEC §4.1; null until compiled. */
  readonly transferId: string | null
  readonly blocks: number
  /** For display only: what counts is what the board says (SPEC §4.2). */
  readonly durableBlocks: number
  /** Bytes that this job had to send; `imageBytes` less what the board could keep or copy. */
  readonly payloadBytes: number
  readonly imageBytes: number
  readonly statsJson: string | null
  readonly digestAlg: string | null
  readonly digestValue: string | null
  readonly errorCode: string | null
  readonly errorMessage: string | null
  /** How often a transfer was started or taken up again. */
  readonly attempts: number
  /** Name of who asked for it; null: not known. */
  readonly createdBy: string | null
  /** The failed or cancelled job that this one repeats. */
  readonly retryOf: JobId | null
  readonly createdMs: number
  readonly updatedMs: number
  readonly finishedMs: number | null
}

/** One change of a job's state. The first and the 199 latest of a job are kept. */
export interface JobEventRecord {
  readonly seq: number
  readonly jobId: string
  readonly state: JobState
  readonly atMs: number
  /** Why the job waits, is paused or has failed. */
  readonly errorCode: string | null
  readonly errorMessage: string | null
}

/** The row of a SELECT of `jobColumns`. */
export interface JobRow
  extends Omit<
    JobRecord,
    'id' | 'boardId' | 'patternId' | 'retryOf' | 'raw' | 'sourceSha' | 'manifestSha' | 'imageSha'
  > {
  readonly id: string
  readonly boardId: string
  readonly patternId: string | null
  readonly retryOf: string | null
  readonly raw: number
  readonly sourceSha: Buffer | null
  readonly manifestSha: Buffer | null
  readonly imageSha: Buffer | null
}

export const jobColumns = `id, batchId, boardId, name, patternId, state, raw, optionsJson, sourceSha, manifestSha, imageSha,
  transferId, blocks, durableBlocks, payloadBytes, imageBytes, statsJson, digestAlg, digestValue, errorCode,
  errorMessage, attempts, createdBy, retryOf, createdMs, updatedMs, finishedMs`

export const toJob = (row: JobRow): JobRecord => ({
  ...row,
  id: jobId(row.id),
  boardId: boardId(row.boardId),
  patternId: row.patternId === null ? null : patternId(row.patternId),
  retryOf: row.retryOf === null ? null : jobId(row.retryOf),
  raw: row.raw === 1,
  sourceSha: shaHexOrNull(row.sourceSha),
  manifestSha: shaHexOrNull(row.manifestSha),
  imageSha: shaHexOrNull(row.imageSha),
})
