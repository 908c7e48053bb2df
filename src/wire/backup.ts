import { z } from 'zod'

/** A backup of the database that was proved when it was made. */
export const backupView = z
  .object({
    name: z.string(),
    path: z.string().describe('On the gateway'),
    kind: z.enum(['nightly', 'manual']),
    sizeBytes: z.int().min(0),
    sha256: z.string().describe('Hexadecimal SHA-256 of the file'),
    schemaVersion: z.int(),
    rows: z.record(z.string(), z.int()).readonly().describe('Rows of each table'),
    createdAt: z.iso.datetime(),
    durationMs: z.number().min(0),
  })
  .readonly()
  .meta({ id: 'Backup', description: 'A backup of the database that was proved when it was made' })
export type BackupView = z.output<typeof backupView>

/** Answer of GET /backups, newest first. */
export const backupsView = z
  .object({
    backups: z.array(backupView).readonly(),
    total: z.int().min(0),
    nextCursor: z.string().nullable(),
    running: z.boolean().describe('One is being made at this moment'),
  })
  .readonly()
export type BackupsView = z.output<typeof backupsView>
