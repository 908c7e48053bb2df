import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { AppError, toError } from '../kernel/errors.ts'

/** Names of terminals that may be boards; consoles and pseudo-terminals are not. */
const boardTerminal = /^(tty(USB|ACM|AMA|O|XRUSB|WCH)\d+|rfcomm\d+)$/

const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Serial devices under `devFolder` by path, without opening them. */
export const presentPorts = (devFolder = '/dev'): string[] =>
  namesIn(devFolder)
    .filter(name => boardTerminal.test(name))
    .sort()
    .map(name => `${devFolder}/${name}`)

/** Processes that hold the device, as `name (pid)`; other users' are visible to root only. */
export function portHolders(path: string, procFolder = '/proc'): string[] {
  const target = realPath(path)
  const holds = (pid: string): boolean =>
    namesIn(`${procFolder}/${pid}/fd`).some(fd => linkTarget(`${procFolder}/${pid}/fd/${fd}`) === target)
  return namesIn(procFolder)
    .filter(pid => /^\d+$/.test(pid) && holds(pid))
    .map(pid => `${processName(`${procFolder}/${pid}/comm`)} (${pid})`)
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

function processName(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return 'a process'
  }
}

const missing = (path: string, ports: readonly string[]): string =>
  ports.length === 0
    ? `${path} does not exist, and no other serial port does: plug the board in and check its cable (some carry power only).`
    : `${path} does not exist. Present: ${ports.join(', ')}. Plug the board in, or name one of these.`

const busy = (path: string, holders: readonly string[]): string =>
  holders.length === 0
    ? `${path} is in use by another program (a serial monitor, ModemManager, a second gateway?). Close that program: sudo lsof ${path} shows it.`
    : `${path} is in use by ${holders.join(', ')}. Close that program.`

/** The fault of an open, in plain words with its cure. The binding gives the system's text only, no errno. */
export function portError(path: string, thrown: unknown): AppError {
  const cause = toError(thrown)
  const text = cause.message
  if (/no such file|no such device or address/i.test(text)) {
    return new AppError('port_missing', missing(path, presentPorts()), { cause })
  }
  if (/permission denied|operation not permitted/i.test(text)) {
    return new AppError(
      'port_denied',
      `No permission to open ${path}. Add the user to the dialout group: sudo usermod -aG dialout $USER, then sign in again.`,
      { cause },
    )
  }
  if (/cannot lock port|resource busy|temporarily unavailable/i.test(text)) {
    return new AppError('port_busy', busy(path, portHolders(path)), { cause })
  }
  if (/inappropriate ioctl|is a directory|invalid argument/i.test(text)) {
    return new AppError('link_failed', `${path} is not a serial port that can take these settings.`, {
      cause,
    })
  }
  return new AppError('link_failed', `${path} could not be opened: ${text}`, { cause })
}
