import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { FlashProgress, FlashTarget, FlashTool } from './flash-tool.ts'

/** What it said last is what its fault is read from. */
const saidCapChars = 16 * 1024
/** avrdude ends at once on SIGTERM; what does not is ended by force. */
const endTimeoutMs = 2000
/** util-linux: has the kernel end the tool when this process dies, however it dies. */
const setpriv = '/usr/bin/setpriv'
/** What a shell, and setpriv after it, tells when there is no such program. */
const notFoundStatus = 127

export interface FlashRun {
  readonly tool: FlashTool
  readonly target: FlashTarget
  /** Of the board, for messages. */
  readonly label: string
  readonly clock: Clock
  /** Aborted: the tool is ended, and the run rejects with `cancelled`. */
  readonly signal: AbortSignal
  readonly onProgress: (progress: FlashProgress) => void
}

/**
 * Writes and verifies an image. Resolves when the tool has said that it is good; rejects with `tool_missing`, `board_mute`,
 * `board_refused`, `verification_failed`, `link_failed` or `cancelled`. The tool has ended in any case.
 */
export async function runFlashTool(run: FlashRun): Promise<void> {
  for (const command of run.tool.commands) {
    const outcome = await runOne(command, run)
    if (outcome !== 'absent') return
  }
  const { commands, install } = run.tool
  throw new AppError('tool_missing', `${commands[0]} is not installed: ${install}`)
}

function runOne(
  command: string,
  { tool, target, label, clock, signal, onProgress }: FlashRun,
): Promise<'done' | 'absent'> {
  if (signal.aborted) return Promise.reject(interrupted())
  const argv = tool.argv(target)
  const [program = command, ...rest] = existsSync(setpriv)
    ? [setpriv, '--pdeathsig', 'KILL', command, ...argv]
    : [command, ...argv]
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  const progressOf = tool.readProgress()
  let said = ''
  const hear = (text: string) => {
    said = (said + text).slice(-saidCapChars)
    for (const progress of progressOf(text)) {
      connecting.cancel()
      onProgress(progress)
    }
  }
  child.stdout.setEncoding('utf8').on('data', hear)
  child.stderr.setEncoding('utf8').on('data', hear)

  let why: AppError | undefined
  const end = (reason: AppError) => {
    why ??= reason
    child.kill('SIGTERM')
    clock.setTimer(endTimeoutMs, () => child.exitCode === null && child.kill('SIGKILL'))
  }
  const onAbort = () => end(interrupted())
  signal.addEventListener('abort', onAbort, { once: true })
  // Left alone, avrdude tries for most of a minute.
  const connecting = clock.setTimer(tool.connectMs, () =>
    end(tool.fault('not responding', label, target.port)),
  )
  const deadline = clock.setTimer(tool.deadlineMs, () =>
    end(
      new AppError(
        'board_mute',
        `${command} was not through after ${tool.deadlineMs / 1000} s and was ended. Unplug the board, plug it in again and repeat the command.`,
      ),
    ),
  )
  return new Promise<'done' | 'absent'>((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') resolve('absent')
      else reject(new AppError('link_failed', `${command} cannot be started: ${cause.message}`, { cause }))
    })
    // `close` comes after the last word, `exit` may come before.
    child.once('close', status => {
      if (why !== undefined) reject(why)
      else if (status === 0) resolve('done')
      else if (status === notFoundStatus && said.startsWith('setpriv:')) resolve('absent')
      else reject(tool.fault(said, label, target.port))
    })
  }).finally(() => {
    connecting.cancel()
    deadline.cancel()
    signal.removeEventListener('abort', onAbort)
  })
}

const interrupted = (): AppError =>
  new AppError(
    'cancelled',
    'Interrupted. The firmware may be half written, the bootloader is whole: run the same command again.',
  )
