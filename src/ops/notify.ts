import { spawn } from 'node:child_process'
import type { Clock } from '../kernel/clock.ts'
import { withDeadline } from '../kernel/deadline.ts'
import { toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'

/** What can be told to the service manager (sd_notify(3)). */
export interface ServiceMessage {
  readonly ready?: true
  readonly stopping?: true
  /** A sign of life for the watchdog. */
  readonly watchdog?: true
  /** One line for `systemctl status`; more than 200 characters are cut off. */
  readonly status?: string
}

/** Resolves when the manager has taken the message, or when it cannot be told; never rejects. */
export type Notify = (message: ServiceMessage) => Promise<void>

export interface NotifyOptions {
  /** NOTIFY_SOCKET; undefined: nobody listens, and every call does nothing. */
  readonly notifySocket: string | undefined
  readonly clock: Clock
  readonly log: Log
  /** The program that writes the datagram; only tests name another. */
  readonly tool?: string
}

const timeoutMs = 5000
const maxStatusCharacters = 200
/** Node cannot write Unix datagrams. systemd-notify can, and waits until the manager has read it, so that the sender is still known. */
const systemdNotify = 'systemd-notify'
const path = '/usr/bin:/bin'

/**
 * Tells systemd how the service is. One message is under way at a time; what comes meanwhile is merged into one that
 * follows. A failure is logged once: it changes nothing that the gateway could do.
 */
export function createNotify({ notifySocket, clock, log, tool = systemdNotify }: NotifyOptions): Notify {
  if (notifySocket === undefined) return () => Promise.resolve()
  let running: Promise<void> | undefined
  let waiting: ServiceMessage | undefined
  let failed = false

  const send = async (message: ServiceMessage): Promise<void> => {
    try {
      await run(tool, assignments(message), notifySocket, clock)
    } catch (thrown) {
      if (!failed) log.warn({ err: toError(thrown) }, 'systemd cannot be told how the service is')
      failed = true
    }
  }
  const sendAll = async (): Promise<void> => {
    for (let message = waiting; message !== undefined; message = waiting) {
      waiting = undefined
      await send(message)
    }
    running = undefined
  }
  return message => {
    waiting = { ...waiting, ...message }
    running ??= sendAll()
    return running
  }
}

function assignments({ ready, stopping, watchdog, status }: ServiceMessage): string[] {
  const lines = []
  if (ready) lines.push('READY=1')
  if (stopping) lines.push('STOPPING=1')
  if (watchdog) lines.push('WATCHDOG=1')
  if (status !== undefined)
    lines.push(`STATUS=${status.replace(/[\p{Cc}\s]+/gu, ' ').slice(0, maxStatusCharacters)}`)
  return lines
}

/** Ends when the program has ended; one that hangs is killed. */
function run(tool: string, lines: readonly string[], notifySocket: string, clock: Clock): Promise<void> {
  const child = spawn(tool, lines, {
    env: { NOTIFY_SOCKET: notifySocket, PATH: path },
    stdio: 'ignore',
  })
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (status, signal) => {
      if (status === 0) resolve()
      else reject(new Error(`${tool} ended with ${signal ?? `status ${status}`}`))
    })
  })
  const late = `${tool} did not end within ${timeoutMs / 1000} s`
  return withDeadline(clock, timeoutMs, ended, 'daemon_failed', late).finally(() => child.kill('SIGKILL'))
}
