import { existsSync } from 'node:fs'
import { systemClock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { BackupInfo } from '../../store/backup-file.ts'
import { Backups, databaseIn } from '../../store/backups.ts'
import type { BackupsView, BackupView } from '../../wire/backup.ts'
import type { Command } from '../command.ts'
import { ControlClient } from '../control-client.ts'
import { daemonIsAway } from '../daemon-is-away.ts'
import { daemonOptions, localConfig } from '../local-config.ts'
import { flag } from '../option-values.ts'
import { formatBytes } from '../progress-bar.ts'
import { ago, textTable } from '../text-table.ts'

/** Longer than the backup itself may take. */
const answerTimeoutMs = 20 * 60_000

/** `pixelgate backup`: by the daemon when it runs, else by this process. */
export const backup: Command = {
  name: 'backup',
  summary: 'Make a backup of the database, proved from its first to its last byte',
  operands: '',
  operandCount: [0, 0],
  options: { json: { type: 'boolean', help: 'JSON' }, ...daemonOptions },
  examples: ['pixelgate backup', 'sudo pixelgate backup --json'],
  async run(_operands, options, surroundings) {
    const { stateDir, controlSocket } = await localConfig(options, surroundings)
    const made = await new ControlClient(controlSocket)
      .post<{ backup: BackupView }>('/backups', {}, answerTimeoutMs)
      .then(
        answer => answer.backup,
        (thrown: unknown) => {
          if (daemonIsAway(thrown)) return makeHere(stateDir, surroundings.signal)
          throw thrown
        },
      )
    const { stdout } = surroundings
    if (flag(options, 'json')) stdout.write(`${JSON.stringify({ backup: made })}\n`)
    else
      stdout.write(
        `${made.path}: ${formatBytes(made.sizeBytes)}, proved in ${(made.durationMs / 1000).toFixed(1)} s\nSHA-256 ${made.sha256}\n`,
      )
    return 0
  },
}

async function makeHere(stateDir: string, signal: AbortSignal): Promise<BackupView> {
  if (!existsSync(databaseIn(stateDir)))
    throw new AppError('file_missing', `There is no database in ${stateDir} yet: nothing to back up.`)
  const backups = new Backups({ stateDir, clock: systemClock })
  signal.addEventListener('abort', () => void backups.stop(), { once: true })
  return backupView(await backups.make('manual'))
}

/** `pixelgate backups` */
export const backups: Command = {
  name: 'backups',
  summary: 'List the backups of the database, newest first',
  operands: '',
  operandCount: [0, 0],
  options: { json: { type: 'boolean', help: 'JSON' }, ...daemonOptions },
  examples: ['pixelgate backups', 'sudo pixelgate backups --json'],
  async run(_operands, options, surroundings) {
    const { stateDir, controlSocket } = await localConfig(options, surroundings)
    const found = await new ControlClient(controlSocket).get<BackupsView>('/backups').then(
      answer => answer.backups,
      async (thrown: unknown) => {
        if (!daemonIsAway(thrown)) throw thrown
        return (await new Backups({ stateDir, clock: systemClock }).list()).map(backupView)
      },
    )
    const { stdout } = surroundings
    if (flag(options, 'json')) stdout.write(`${JSON.stringify({ backups: found })}\n`)
    else if (found.length === 0) stdout.write('There is no backup yet. Make one: pixelgate backup\n')
    else
      stdout.write(
        textTable(
          ['name', 'kind', 'size', 'made', 'sha256'],
          found.map(({ name, kind, sizeBytes, createdAt, sha256 }) => [
            name,
            kind,
            formatBytes(sizeBytes),
            ago(createdAt),
            sha256.slice(0, 16),
          ]),
        ),
      )
    return 0
  },
}

const backupView = ({ createdMs, ...rest }: BackupInfo): BackupView => ({
  ...rest,
  createdAt: new Date(createdMs).toISOString(),
})
