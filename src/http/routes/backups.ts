import { Router } from '@koa/router'
import type { BackupsView, BackupView } from '../../wire/backup.ts'
import { requireRole } from '../require-role.ts'

/** A backup as the store describes it. */
interface Backup extends Omit<BackupView, 'createdAt'> {
  readonly createdMs: number
}

export interface BackupRoutesDeps {
  readonly running: boolean
  make(kind: 'manual'): Promise<Backup>
  /** Newest first. */
  list(): Promise<readonly Backup[]>
}

/** GET and POST /backups: a backup holds all that the gateway knows, so it is a matter of admins. */
export function backupRoutes(backups: BackupRoutesDeps): Router {
  const router = new Router()
  router.get('/backups', async ctx => {
    requireRole(ctx, 'admin')
    const list = await backups.list()
    ctx.body = { backups: list.map(backupView), running: backups.running } satisfies BackupsView
  })

  router.post('/backups', async ctx => {
    requireRole(ctx, 'admin')
    ctx.body = { backup: backupView(await backups.make('manual')) }
    ctx.status = 201
  })
  return router
}

const backupView = ({ createdMs, ...rest }: Backup): BackupView => ({
  ...rest,
  createdAt: new Date(createdMs).toISOString(),
})
