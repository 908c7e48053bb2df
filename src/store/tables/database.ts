import { read } from '../operation.ts'

/** How the database is set up and how large it is, for health checks and the doctor. */
export interface DatabaseInfo {
  readonly schemaVersion: number
  readonly journalMode: string
  /** 2 is FULL (https://sqlite.org/pragma.html#pragma_synchronous). */
  readonly synchronous: number
  readonly foreignKeys: boolean
  readonly busyTimeoutMs: number
  readonly sizeBytes: number
  /** Part of `sizeBytes` that new records will use first. */
  readonly freeBytes: number
}

export const database = {
  info: read((db): DatabaseInfo => {
    const pragma = (name: string): unknown => db.pragma(name, { simple: true })
    const pageBytes = Number(pragma('page_size'))
    return {
      schemaVersion: Number(pragma('user_version')),
      journalMode: String(pragma('journal_mode')),
      synchronous: Number(pragma('synchronous')),
      foreignKeys: pragma('foreign_keys') === 1,
      busyTimeoutMs: Number(pragma('busy_timeout')),
      sizeBytes: Number(pragma('page_count')) * pageBytes,
      freeBytes: Number(pragma('freelist_count')) * pageBytes,
    }
  }),
}
