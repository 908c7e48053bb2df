import { open } from 'node:fs/promises'
import { z } from 'zod'
import { AppError } from '../../kernel/errors.ts'
import { type BackupView, backupsView, backupView } from '../../wire/backup.ts'
import { bytes, empty, json, type Operation, operation } from '../api/operation.ts'
import { pageOf, paging } from '../api/paging.ts'

/** A backup as the store describes it. */
interface Backup extends Omit<BackupView, 'createdAt'> {
  readonly createdMs: number
}

export interface BackupDeps {
  readonly running: boolean
  make(kind: 'manual'): Promise<Backup>
  /** Newest first. */
  list(): Promise<readonly Backup[]>
  /** False: there is none of this name. */
  remove(name: string): Promise<boolean>
}

/** A backup holds all that the gateway knows, so it is a matter of admins. */
export const backupOperations = (backups: BackupDeps): readonly Operation[] => [
  operation({
    id: 'listBackups',
    method: 'get',
    path: '/backups',
    tag: 'backups',
    summary: 'Backups of the database, newest first',
    access: 'admin',
    query: paging,
    answers: { 200: json(backupsView, 'A page of the backups') },
    async run({ query }) {
      const { items, total, nextCursor } = pageOf(await backups.list(), query, ({ name }) => name)
      return { backups: items.map(view), total, nextCursor, running: backups.running }
    },
  }),

  operation({
    id: 'makeBackup',
    method: 'post',
    path: '/backups',
    tag: 'backups',
    summary: 'Make a backup now',
    description: 'Answers when the copy has been proved: integrity, references and the hash of every blob.',
    access: 'admin',
    answers: { 201: json(z.object({ backup: backupView }), 'The backup that was made') },
    errors: ['conflict', 'storage_failed'],
    async run(call) {
      const backup = view(await backups.make('manual'))
      call.changed({ resource: `backups/${backup.name}`, after: { sizeBytes: backup.sizeBytes } })
      return { backup }
    },
  }),

  operation({
    id: 'downloadBackup',
    method: 'get',
    path: '/backups/:name',
    tag: 'backups',
    summary: 'The file of a backup',
    description:
      'An SQLite database; the header Repr-Digest holds the SHA-256 with which it was proved (RFC 9530).',
    access: 'admin',
    answers: { 200: bytes('application/vnd.sqlite3', 'The database') },
    errors: ['not_found'],
    async stream(ctx, { params }) {
      const backup = await named(backups, params.name)
      const file = await open(backup.path, 'r')
      const { size } = await file.stat()
      ctx.status = 200
      ctx.set('Content-Type', 'application/vnd.sqlite3')
      ctx.set('Content-Disposition', `attachment; filename="${backup.name}"`)
      ctx.set('Content-Length', String(size))
      ctx.set('Repr-Digest', `sha-256=:${Buffer.from(backup.sha256, 'hex').toString('base64')}:`)
      ctx.set('Cache-Control', 'no-store')
      ctx.body = file.createReadStream()
    },
  }),

  operation({
    id: 'removeBackup',
    method: 'delete',
    path: '/backups/:name',
    tag: 'backups',
    summary: 'Delete a backup',
    access: 'admin',
    answers: { 204: empty('It is gone') },
    errors: ['not_found'],
    async run(call) {
      const { name, sizeBytes, kind } = await named(backups, call.params.name)
      if (!(await backups.remove(name))) throw gone()
      call.changed({ resource: `backups/${name}`, before: { kind, sizeBytes } })
    },
  }),
]

const gone = () => new AppError('not_found', 'There is no backup of this name.')

/** Found in the list, so that no request becomes a path. */
async function named(backups: Pick<BackupDeps, 'list'>, name: string): Promise<Backup> {
  const found = (await backups.list()).find(backup => backup.name === name)
  if (found === undefined) throw gone()
  return found
}

const view = ({ createdMs, ...rest }: Backup): BackupView => ({
  ...rest,
  createdAt: new Date(createdMs).toISOString(),
})
