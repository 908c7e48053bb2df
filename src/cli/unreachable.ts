import { AppError } from '../kernel/errors.ts'

const why: Readonly<Record<string, string>> = {
  ENOENT: 'The daemon does not run. Start it with: pixelgate serve (or: sudo systemctl start pixelgate)',
  ECONNREFUSED:
    'The daemon does not run any more. Start it with: pixelgate serve (or: sudo systemctl start pixelgate)',
  EACCES:
    'You may not talk to the daemon. Add yourself to its group: sudo usermod -aG pixelgate $USER, then sign in again.',
}

/** What kept a command from talking to the daemon, with what to do about it. */
export function unreachable(socketPath: string, error: NodeJS.ErrnoException): AppError {
  if (error.name === 'AbortError') return new AppError('cancelled', 'Interrupted.', { cause: error })
  return new AppError('daemon_unreachable', `${socketPath}: ${why[error.code ?? ''] ?? error.message}`, {
    cause: error,
  })
}
