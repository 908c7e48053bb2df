import { type PatternId, patternId } from '../../kernel/ids.ts'
import { shaHexOrNull } from '../sha256.ts'
import type { Door } from './pattern-record.ts'

export type FileState = 'receiving' | 'complete' | 'refused'

/** A file that comes in piece by piece. */
export interface FileRecord {
  readonly id: string
  readonly ownerId: string
  /** Name of the person; null: somebody on the control socket. */
  readonly owner: string | null
  readonly name: string
  /** As it was sent. */
  readonly metadata: string
  readonly door: Door
  readonly sizeBytes: number
  /** Bytes that are on the disk. The whole is reached in the step that ends it, and not before. */
  readonly offset: number
  readonly state: FileState
  readonly sha256: string | null
  readonly patternId: PatternId | null
  /** Why it was refused. */
  readonly problemJson: string | null
  readonly createdMs: number
  readonly expiresMs: number
}

/** The row of a SELECT of `fileColumns`. */
export interface FileRow extends Omit<FileRecord, 'sha256' | 'patternId'> {
  readonly sha256: Buffer | null
  readonly patternId: string | null
}

export const fileColumns = `id, ownerId, owner, name, metadata, door, sizeBytes, offset, state, sha256, patternId, problemJson,
  createdMs, expiresMs`

export const toFile = (row: FileRow): FileRecord => ({
  ...row,
  sha256: shaHexOrNull(row.sha256),
  patternId: row.patternId === null ? null : patternId(row.patternId),
})
