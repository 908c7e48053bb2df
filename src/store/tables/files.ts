import type { Database } from 'better-sqlite3'
import { AppError } from '../../kernel/errors.ts'
import type { PatternId } from '../../kernel/ids.ts'
import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { shaKeyOrNull } from '../sha256.ts'
import { type FileRecord, type FileRow, type FileState, fileColumns, toFile } from './file-record.ts'

/** What may be under way at once. */
export interface FileCaps {
  readonly unfinishedOfOwner: number
  readonly unfinished: number
  /** Of all that are unfinished, whole. */
  readonly sizeBytes: number
  /** What the disk has left for them. */
  readonly freeBytes: number
  /** Finished and refused ones of a person that are remembered. */
  readonly endedOfOwner: number
}

export type NewFile = Pick<
  FileRecord,
  'id' | 'ownerId' | 'owner' | 'name' | 'metadata' | 'door' | 'sizeBytes' | 'createdMs' | 'expiresMs'
>

export interface FileFilter {
  /** Left out: everybody's. */
  readonly ownerId?: string | undefined
  readonly state?: FileState | undefined
  /** Only what is older than this one. */
  readonly before?: string | undefined
  readonly skip: number
  readonly limit: number
}

export interface FilePage {
  /** Newest first. */
  readonly files: readonly FileRecord[]
  readonly total: number
}

export const files = {
  /** Throws `conflict` where the person, and `overloaded` where the gateway has too many under way. */
  create: write((db, { file, caps }: { readonly file: NewFile; readonly caps: FileCaps }): void => {
    refuseBeyond(db, file, caps)
    const sql = `INSERT INTO files (id, ownerId, owner, name, metadata, door, sizeBytes, createdMs, expiresMs)
      VALUES (@id, @ownerId, @owner, @name, @metadata, @door, @sizeBytes, @createdMs, @expiresMs)`
    prepared(db, sql).run(file)
    const forget = `DELETE FROM files WHERE seq IN (
      SELECT seq FROM files WHERE ownerId = ? AND state <> 'receiving' ORDER BY seq DESC LIMIT -1 OFFSET ?)`
    prepared(db, forget).run(file.ownerId, caps.endedOfOwner)
  }),

  get: read((db, id: string): FileRecord | undefined => {
    const row = prepared<FileRow>(db, `SELECT ${fileColumns} FROM files WHERE id = ?`).get(id)
    return row && toFile(row)
  }),

  list: read((db, filter: FileFilter): FilePage => {
    const conditions = [
      ...(filter.ownerId === undefined ? [] : ['ownerId = @ownerId']),
      ...(filter.state === undefined ? [] : ['state = @state']),
    ]
    const older = filter.before === undefined ? [] : ['seq < (SELECT seq FROM files WHERE id = @before)']
    const where = (all: readonly string[]) => (all.length === 0 ? '' : `WHERE ${all.join(' AND ')}`)
    const page = `SELECT ${fileColumns} FROM files ${where([...conditions, ...older])}
      ORDER BY seq DESC LIMIT @limit OFFSET @skip`
    const count = `SELECT count(*) AS total FROM files ${where(conditions)}`
    return {
      files: prepared<FileRow>(db, page).all(filter).map(toFile),
      total: prepared<{ total: number }>(db, count).get(filter)?.total ?? 0,
    }
  }),

  /** Those that still wait for bytes. */
  receiving: read((db): readonly FileRecord[] =>
    prepared<FileRow>(db, `SELECT ${fileColumns} FROM files WHERE state = 'receiving' ORDER BY seq`)
      .all()
      .map(toFile),
  ),

  /** Says how many bytes are on the disk; false: it does not wait for any. */
  note: write(
    (db, note: { readonly id: string; readonly offset: number; readonly expiresMs: number }): boolean => {
      const sql = `UPDATE files SET offset = @offset, expiresMs = @expiresMs WHERE id = @id AND state = 'receiving'`
      return prepared(db, sql).run(note).changes > 0
    },
  ),

  /** The file is whole, and either a pattern or refused; false: it is not there any more. */
  end: write(
    (
      db,
      end: {
        readonly id: string
        readonly state: 'complete' | 'refused'
        readonly sha256: string
        readonly patternId: PatternId | null
        readonly problemJson: string | null
        readonly expiresMs: number
      },
    ): boolean => {
      const sql = `UPDATE files SET state = @state, offset = sizeBytes, sha256 = @sha256, patternId = @patternId,
          problemJson = @problemJson, expiresMs = @expiresMs WHERE id = @id AND state = 'receiving'`
      return prepared(db, sql).run({ ...end, sha256: shaKeyOrNull(end.sha256) }).changes > 0
    },
  ),

  remove: write(
    (db, id: string): boolean => prepared(db, 'DELETE FROM files WHERE id = ?').run(id).changes > 0,
  ),

  /** Removes what has expired; returns the ids. */
  removeExpired: write((db, { nowMs }: { readonly nowMs: number }): readonly string[] =>
    prepared<{ id: string }>(db, 'DELETE FROM files WHERE expiresMs <= ? RETURNING id')
      .all(nowMs)
      .map(({ id }) => id),
  ),
}

function refuseBeyond(db: Database, { ownerId, sizeBytes }: NewFile, caps: FileCaps): void {
  const sql = `SELECT count(*) AS unfinished, coalesce(sum(ownerId = ?), 0) AS own, coalesce(sum(sizeBytes), 0) AS wholeBytes,
      coalesce(sum(sizeBytes - offset), 0) AS missingBytes
    FROM files WHERE state = 'receiving'`
  const now = prepared<{ unfinished: number; own: number; wholeBytes: number; missingBytes: number }>(
    db,
    sql,
  ).get(ownerId) ?? { unfinished: 0, own: 0, wholeBytes: 0, missingBytes: 0 }
  if (now.own >= caps.unfinishedOfOwner)
    throw new AppError(
      'conflict',
      `You have ${now.own} files on their way already. Send the rest of one, or remove it with DELETE /files/ID (GET /files lists them).`,
    )
  if (now.unfinished >= caps.unfinished || now.wholeBytes + sizeBytes > caps.sizeBytes)
    throw new AppError(
      'overloaded',
      `${now.unfinished} files of ${Math.round(now.wholeBytes / 1_048_576)} MiB are on their way already. Try again when some are finished, or remove what nobody sends any more.`,
    )
  if (now.missingBytes + sizeBytes > caps.freeBytes)
    throw new AppError(
      'storage_failed',
      'The disk of the gateway has no room for this file. Free space on it, then send the file again.',
    )
}
