import { AppError } from '../kernel/errors.ts'

/** Whether nobody is there: not, whether somebody is there who may not be asked or does not answer. */
export function daemonIsAway(thrown: unknown): boolean {
  if (!(thrown instanceof AppError) || thrown.code !== 'daemon_unreachable') return false
  const code = (thrown.cause as NodeJS.ErrnoException | undefined)?.code
  return code === 'ENOENT' || code === 'ECONNREFUSED'
}
