import type { Database } from 'better-sqlite3'
import type { BoardId, JobId, PatternId } from '../../kernel/ids.ts'
import { longRead, read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { shaKey, shaKeyOrNull } from '../sha256.ts'
import { type JobFilter, type JobPage, listJobs } from './job-list.ts'
import {
  type JobEventRecord,
  type JobRecord,
  type JobRow,
  jobColumns,
  toJob,
  type UnfinishedState,
  unfinishedStates,
} from './job-record.ts'

export interface NewJob
  extends Pick<
      JobRecord,
      'id' | 'batchId' | 'boardId' | 'name' | 'patternId' | 'raw' | 'optionsJson' | 'sourceSha'
    >,
    Partial<Pick<JobRecord, 'createdBy' | 'retryOf'>> {
  readonly nowMs: number
}

/** What an image was made from. */
export interface JobOfImage {
  readonly transferId: string
  readonly patternId: PatternId | null
  readonly name: string
}

/** A change of one job. */
interface Change {
  readonly id: JobId
  readonly nowMs: number
}

const unfinished = unfinishedStates.map(state => `'${state}'`).join(', ')

const mayFail = unfinishedStates
  .filter(state => state !== 'paused')
  .map(state => `'${state}'`)
  .join(', ')

/** Applies the assignments where the job exists and is in one of the states; false: it is not, and nothing changed. */
function change(db: Database, id: JobId, states: string, assignments: string, values: object): boolean {
  const sql = `UPDATE jobs SET ${assignments}, updatedMs = @nowMs WHERE id = @id AND state IN (${states})`
  return prepared(db, sql).run({ ...values, id }).changes > 0
}

function insert(db: Database, job: NewJob): void {
  const sql = `INSERT INTO jobs (id, batchId, boardId, name, patternId, state, raw, optionsJson, sourceSha, createdBy, retryOf, createdMs, updatedMs)
    VALUES (@id, @batchId, @boardId, @name, @patternId, 'queued', @raw, @optionsJson, @sourceSha, @createdBy, @retryOf,
      @nowMs, @nowMs)`
  const { raw, sourceSha, createdBy = null, retryOf = null } = job
  prepared(db, sql).run({ ...job, raw: raw ? 1 : 0, sourceSha: shaKeyOrNull(sourceSha), createdBy, retryOf })
}

export const jobs = {
  insert: write(insert),

  /** All of them or, when one is refused, none: the jobs of one upload to many boards. */
  insertBatch: write((db, batch: readonly NewJob[]): void => {
    for (const job of batch) insert(db, job)
  }),

  get: read((db, id: JobId): JobRecord | undefined => {
    const row = prepared<JobRow>(db, `SELECT ${jobColumns} FROM jobs WHERE id = ?`).get(id)
    return row && toJob(row)
  }),

  /** Ids of the images that this gateway has made of a pattern for a board. */
  imagesOf: read(
    (db, of: { readonly boardId: BoardId; readonly patternId: PatternId }): readonly string[] => {
      const sql = `SELECT DISTINCT transferId FROM jobs
      WHERE patternId = @patternId AND boardId = @boardId AND transferId IS NOT NULL`
      return prepared<{ transferId: string }>(db, sql)
        .all(of)
        .map(({ transferId }) => transferId)
    },
  ),

  /** The newest job whose image has this id: what a board shows was made by it. */
  ofImage: read((db, transferId: string): JobRecord | undefined => {
    const sql = `SELECT ${jobColumns} FROM jobs WHERE transferId = ? ORDER BY seq DESC LIMIT 1`
    const row = prepared<JobRow>(db, sql).get(transferId)
    return row && toJob(row)
  }),

  /** The same of many images: whose pattern each shows. Images that this gateway has not made are left out. */
  ofImages: read((db, transferIds: readonly string[]): readonly JobOfImage[] => {
    const newest = `SELECT max(seq) FROM jobs WHERE transferId IN (SELECT value FROM json_each(?)) GROUP BY transferId`
    const sql = `SELECT transferId, patternId, name FROM jobs WHERE seq IN (${newest})`
    return prepared<JobOfImage>(db, sql).all(JSON.stringify(transferIds))
  }),

  list: longRead((db, filter: JobFilter): JobPage => {
    const { page, count, values } = listJobs(filter)
    return {
      jobs: prepared<JobRow>(db, page).all(values).map(toJob),
      total: prepared<{ total: number }>(db, count).get(values)?.total ?? 0,
    }
  }),

  /** What happened to a job, oldest first; `afterSeq`: only what came later. */
  events: read(
    (
      db,
      { id, afterSeq = 0 }: { readonly id: JobId; readonly afterSeq?: number },
    ): readonly JobEventRecord[] =>
      prepared<JobEventRecord>(
        db,
        `SELECT seq, jobId, state, atMs, errorCode, errorMessage FROM jobEvents WHERE jobId = ? AND seq > ? ORDER BY seq`,
      ).all(id, afterSeq),
  ),

  /** What a restart takes up again, in order of creation, whatever the clock did meanwhile. */
  unfinished: read((db): JobRecord[] =>
    prepared<JobRow>(db, `SELECT ${jobColumns} FROM jobs WHERE state IN (${unfinished}) ORDER BY seq`)
      .all()
      .map(toJob),
  ),

  /**
   * Moves the job if it is in one of `from`, of which none is final: false means that it was elsewhere. `done` is said
   * by `finish` alone and `failed` by `fail`. Entering `transferring` counts an attempt and forgets the last error.
   */
  setState: write(
    (
      db,
      move: Change & {
        readonly from: readonly UnfinishedState[]
        readonly to: UnfinishedState | 'cancelled'
        /** Left out: why the job waits or is paused stays as it was noted. */
        readonly why?: { readonly errorCode: string; readonly errorMessage: string } | undefined
      },
    ): boolean => {
      const sql = `UPDATE jobs SET updatedMs = @nowMs, state = @to,
          finishedMs = iif(@to = 'cancelled', @nowMs, NULL),
          attempts = attempts + (@to = 'transferring' AND state <> 'transferring'),
          errorCode = iif(@to = 'transferring', NULL, coalesce(@errorCode, errorCode)),
          errorMessage = iif(@to = 'transferring', NULL, coalesce(@errorMessage, errorMessage))
        WHERE id = @id AND state IN (${unfinished}) AND state IN (SELECT value FROM json_each(@fromJson))`
      const { from, why = { errorCode: null, errorMessage: null }, ...values } = move
      return prepared(db, sql).run({ ...values, ...why, fromJson: JSON.stringify(from) }).changes > 0
    },
  ),

  /** Notes progress, for display and for statistics. */
  checkpoint: write(
    (db, note: Change & Pick<JobRecord, 'durableBlocks' | 'payloadBytes' | 'statsJson'>): boolean =>
      change(
        db,
        note.id,
        unfinished,
        'durableBlocks = @durableBlocks, payloadBytes = @payloadBytes, statsJson = @statsJson',
        note,
      ),
  ),

  /** What the compiler made. Both blobs must have been put before. */
  setImage: write(
    (
      db,
      image: Change & {
        readonly manifestSha: string
        readonly imageSha: string
        readonly transferId: string
        readonly blocks: number
        readonly imageBytes: number
      },
    ): boolean =>
      change(
        db,
        image.id,
        unfinished,
        `manifestSha = @manifestSha, imageSha = @imageSha, transferId = @transferId, blocks = @blocks,
         imageBytes = @imageBytes`,
        { ...image, manifestSha: shaKey(image.manifestSha), imageSha: shaKey(image.imageSha) },
      ),
  ),

  /** Done: the board's digest matched. From `transferring` too, as the board may hold the pattern verified already. */
  finish: write(
    (
      db,
      end: Change & {
        readonly digestAlg: string
        readonly digestValue: string
        readonly payloadBytes: number
        readonly statsJson: string | null
      },
    ): boolean =>
      change(
        db,
        end.id,
        `'transferring', 'verifying', 'trial'`,
        `state = 'done', finishedMs = @nowMs, durableBlocks = blocks, digestAlg = @digestAlg,
         digestValue = @digestValue, payloadBytes = @payloadBytes, statsJson = @statsJson,
         errorCode = NULL, errorMessage = NULL`,
        end,
      ),
  ),

  /** False: it has ended, or somebody was told that it is paused. */
  fail: write((db, end: Change & { readonly errorCode: string; readonly errorMessage: string }): boolean =>
    change(
      db,
      end.id,
      mayFail,
      `state = 'failed', finishedMs = @nowMs, errorCode = @errorCode, errorMessage = @errorMessage`,
      end,
    ),
  ),

  /** Notes why the job waits or is paused; its state stays. */
  noteError: write(
    (db, note: Change & { readonly errorCode: string; readonly errorMessage: string }): boolean =>
      change(db, note.id, unfinished, 'errorCode = @errorCode, errorMessage = @errorMessage', note),
  ),

  /** Deletes jobs that finished before `beforeMs`; returns how many. Their blobs go with the next prune. */
  removeFinished: write(
    (db, old: { readonly beforeMs: number }): number =>
      prepared(db, 'DELETE FROM jobs WHERE finishedMs < ?').run(old.beforeMs).changes,
  ),
}
