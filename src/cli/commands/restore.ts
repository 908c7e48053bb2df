import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { AppError } from '../../kernel/errors.ts'
import { backupFolderIn, databaseIn } from '../../store/backups.ts'
import { restoreDatabase } from '../../store/restore.ts'
import type { Command } from '../command.ts'
import { ControlClient } from '../control-client.ts'
import { daemonIsAway } from '../daemon-is-away.ts'
import { daemonOptions, localConfig } from '../local-config.ts'
import { flag } from '../option-values.ts'

/** `pixelgate restore FILE`: offline, since nothing may write meanwhile. */
export const restore: Command = {
  name: 'restore',
  summary:
    'Put a backup in the place of the database; the daemon must be stopped, the former database is kept',
  operands: 'FILE',
  operandCount: [1, 1],
  options: {
    yes: { type: 'boolean', help: 'do it; without it nothing is changed' },
    json: { type: 'boolean', help: 'JSON' },
    ...daemonOptions,
  },
  examples: [
    'sudo systemctl stop pixelgate',
    'sudo pixelgate restore pixelgate-20260101T031700Z.db --yes',
    'sudo systemctl start pixelgate',
  ],
  async run([name = ''], options, surroundings) {
    const { stateDir, controlSocket } = await localConfig(options, surroundings)
    const kept = join(backupFolderIn(stateDir), name)
    const file = !name.includes('/') && existsSync(kept) ? kept : resolve(name)
    if (!existsSync(file))
      throw new AppError(
        'file_missing',
        `${name} does not exist, nor is it in ${backupFolderIn(stateDir)}. See: pixelgate backups`,
      )
    await refuseWhileRunning(controlSocket)
    const database = databaseIn(stateDir)
    if (!flag(options, 'yes')) {
      const message = `This puts ${file} in the place of ${database}; the former one is kept beside it. Write it again with --yes.`
      throw new AppError('usage', message)
    }
    const restored = restoreDatabase(file, database, Date.now())
    const { stdout } = surroundings
    if (flag(options, 'json')) stdout.write(`${JSON.stringify({ restored })}\n`)
    else {
      const former = restored.keptAs === null ? '' : `The former database is ${restored.keptAs}.\n`
      stdout.write(
        `${database} is now what ${file} was; it was proved before.\n${former}Start the daemon: sudo systemctl start pixelgate\n`,
      )
    }
    return 0
  },
}

async function refuseWhileRunning(controlSocket: string): Promise<void> {
  try {
    await new ControlClient(controlSocket).get('/health/live')
  } catch (thrown) {
    if (daemonIsAway(thrown)) return
    throw thrown
  }
  throw new AppError(
    'conflict',
    `The daemon runs (it answers on ${controlSocket}). Stop it first: sudo systemctl stop pixelgate`,
  )
}
