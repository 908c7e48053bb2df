import { existsSync } from 'node:fs'
import { toError } from '../kernel/errors.ts'
import { checkDatabase } from '../store/backup.ts'
import { databaseIn } from '../store/backups.ts'
import { databaseHolders } from '../store/database-lock.ts'
import { type Check, fine, problem, warning } from './finding.ts'

/** Whether the daemon answers, and what it says about itself. */
export const daemonCheck: Check = {
  name: 'daemon',
  async run({ config: { controlSocket }, daemon, machine }) {
    if (daemon.runs) {
      const { health } = daemon
      if (health === undefined) return [fine(`the daemon answers on ${controlSocket}`)]
      const words = `the daemon answers on ${controlSocket}; it is ${health.status}, score ${health.score}`
      const bad = health.checks.filter(check => check.status !== 'ok')
      return [
        fine(words),
        ...bad.map(({ name, status, message }) =>
          (status === 'failed' ? problem : warning)(
            `${name}: ${message}`,
            'see docs/operations.md for this check',
          ),
        ),
      ]
    }
    if (daemon.reason === 'denied')
      return [
        problem(
          `the daemon runs, but this user may not talk to it on ${controlSocket}`,
          `sudo usermod -aG pixelgate ${machine.userName}, then sign in again`,
        ),
      ]
    if (daemon.reason === 'silent')
      return [
        problem(
          `something holds ${controlSocket} and does not answer`,
          'sudo systemctl restart pixelgate; its log: journalctl -u pixelgate',
        ),
      ]
    return [warning('the daemon does not run', 'sudo systemctl start pixelgate, or: pixelgate serve')]
  },
}

/** Reads and proves the whole database, when no daemon has it. */
export const databaseCheck: Check = {
  name: 'database',
  deadlineMs: 120_000,
  async run({ config: { stateDir }, daemon, signal, machine }) {
    const path = databaseIn(stateDir)
    if (daemon.runs) return [fine('the daemon has the database open and checks it itself')]
    if (!existsSync(path)) return [fine(`${path} is not there yet; the first start makes it`)]
    const holders = databaseHolders(path, machine.path('proc'))
    if (holders.length > 0)
      return [
        warning(
          `${path} is open in ${holders.join(', ')}, which does not answer on the control socket`,
          'name the right control socket with --socket, or end that program',
        ),
      ]
    try {
      const { rows, schemaVersion } = await checkDatabase(path, { signal })
      const count = Object.values(rows).reduce((sum, part) => sum + part, 0)
      return [fine(`${path} is whole: ${count} records, version ${schemaVersion}`)]
    } catch (thrown) {
      const { message } = toError(thrown)
      return [problem(message, 'put a backup in its place: pixelgate backups, then pixelgate restore FILE')]
    }
  },
}
