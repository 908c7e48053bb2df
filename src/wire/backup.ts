/** A backup of the database that was proved when it was made. */
export interface BackupView {
  readonly name: string
  /** On the gateway. */
  readonly path: string
  readonly kind: 'nightly' | 'manual'
  readonly sizeBytes: number
  /** Hexadecimal SHA-256 of the file. */
  readonly sha256: string
  readonly schemaVersion: number
  /** Rows of each table. */
  readonly rows: Readonly<Record<string, number>>
  /** RFC 3339. */
  readonly createdAt: string
  readonly durationMs: number
}

/** Answer of GET /backups, newest first. */
export interface BackupsView {
  readonly backups: readonly BackupView[]
  /** One is being made at this moment. */
  readonly running: boolean
}
