import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { lstat, open, readlink, rename, rm, symlink } from 'node:fs/promises'
import type { Readable, Writable } from 'node:stream'
import type { Clock } from '../kernel/clock.ts'
import { withDeadline } from '../kernel/deadline.ts'
import { AppError, toError } from '../kernel/errors.ts'
import { type BoardTransport, outputCapBytes, type TransportListeners } from './board-transport.ts'

/** socat has a pty within milliseconds; a machine under load may need longer. */
const START_TIMEOUT_MS = 10_000
/** A socat that dies this often in a row without having carried anything is not started again. */
const MOST_RESTARTS = 5
const RESTART_DELAY_MS = 100
/** Enough for the line that names the pty; what socat says later is of no use. */
const TOLD_CAP_BYTES = 16 * 1024

export interface PtyOptions {
  /** Symbolic link that names the pty; an older link is replaced, anything else is left alone. */
  readonly link: string
  readonly clock: Clock
  readonly listeners: TransportListeners
  /** The program that makes the pty; socat on the search path unless told otherwise. */
  readonly socat?: string
}

/** One socat with its pty. */
interface Pair {
  readonly process: ChildProcess
  readonly input: Writable
  readonly device: string
  /** Keeps the slave side open, so that a client's closing is no hang-up. */
  release(): Promise<void>
}

/**
 * A pseudo-terminal with the board behind it, made by socat since Node cannot. Clients open `link` as they open a serial
 * port; they come and go without the pty ending. If socat dies another takes its place under the same link.
 * socat writes to the pty blocking: while more than the kernel's 4 KiB wait for a client that does not read, that client's
 * own bytes wait too. A board's answers are far smaller.
 * Rejects with `link_failed`, or `conflict` when something else has the link's name.
 */
export async function openPty(options: PtyOptions): Promise<BoardTransport> {
  const pty = new Pty(options)
  await pty.start()
  return pty
}

class Pty implements BoardTransport {
  readonly kind = 'pty'
  readonly path: string
  readonly #options: PtyOptions
  #pair: Pair | undefined
  #device = ''
  #failures = 0
  #closed = false
  #restarting: Promise<void> = Promise.resolve()

  constructor(options: PtyOptions) {
    this.#options = options
    this.path = options.link
  }

  async start(): Promise<void> {
    await checkLink(this.path)
    const pair = await startSocat(this.#options, chunk => {
      this.#failures = 0
      this.#options.listeners.onData(chunk)
    })
    if (this.#closed) return endPair(pair)
    try {
      await pointLink(this.path, pair.device)
    } catch (cause) {
      await endPair(pair)
      const message = `The link ${this.path} cannot be made: ${toError(cause).message}`
      throw new AppError('link_failed', message, { cause })
    }
    this.#pair = pair
    this.#device = pair.device
    if (hasEnded(pair.process)) this.#lost(pair)
    else pair.process.once('exit', () => this.#lost(pair))
  }

  write(bytes: Uint8Array): void {
    const input = this.#pair?.input
    if (input !== undefined && input.writableLength + bytes.length <= outputCapBytes) input.write(bytes)
  }

  setBaud(): void {
    // A pty carries bytes at any rate.
  }

  async close(): Promise<void> {
    this.#closed = true
    const pair = this.#pair
    this.#pair = undefined
    await this.#restarting
    await removeLink(this.path, this.#device)
    if (pair !== undefined) await endPair(pair)
  }

  #lost(pair: Pair): void {
    if (this.#closed) return
    this.#pair = undefined
    this.#restarting = pair.release().then(() => this.#restart())
  }

  async #restart(): Promise<void> {
    while (!this.#closed) {
      this.#failures++
      try {
        if (this.#failures > MOST_RESTARTS) throw new Error('socat keeps ending')
        await delay(this.#options.clock, RESTART_DELAY_MS)
        if (!this.#closed) await this.start()
        return
      } catch (cause) {
        if (this.#failures < MOST_RESTARTS) continue
        const message = `The pty ${this.path} was lost: ${toError(cause).message}`
        this.#options.listeners.onFault(new AppError('link_lost', message, { cause }))
        return
      }
    }
  }
}

const delay = (clock: Clock, delayMs: number): Promise<void> =>
  new Promise(resolve => {
    clock.setTimer(delayMs, resolve)
  })

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

/** In a session of its own, so that Ctrl-C in the terminal ends the board first. With its input socat ends by itself. */
async function startSocat(options: PtyOptions, onData: (chunk: Uint8Array) => void): Promise<Pair> {
  const args = ['-d', '-d', '-t', '0.1', '-b', '65536', 'STDIO', 'PTY,raw,echo=0']
  const child = spawn(options.socat ?? 'socat', args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  child.stdin.on('error', () => undefined)
  child.stdout.on('data', onData)
  try {
    const started = ptyName(child, child.stderr)
    const message = 'socat made no pty in time: the machine may be overloaded, try again.'
    const device = await withDeadline(options.clock, START_TIMEOUT_MS, started, 'link_failed', message)
    const slave = await open(device, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK)
    return { process: child, input: child.stdin, device, release: () => slave.close() }
  } catch (thrown) {
    child.kill('SIGKILL')
    if (thrown instanceof AppError) throw thrown
    throw new AppError('link_failed', `socat's pty cannot be opened: ${toError(thrown).message}`, {
      cause: thrown,
    })
  }
}

/** Settles when socat transfers data; its notices name the device. */
function ptyName(child: ChildProcess, notices: Readable): Promise<string> {
  return new Promise((resolve, reject) => {
    let told = ''
    child.once('error', cause => reject(spawnError(cause)))
    child.once('exit', () => reject(new AppError('link_failed', `socat ended at once: ${told.trim()}`)))
    notices.on('data', (chunk: Buffer) => {
      if (told.length < TOLD_CAP_BYTES) told += chunk.toString('latin1')
      const [, device] = /PTY is (\S+)\n/.exec(told) ?? []
      if (device !== undefined && told.includes('starting data transfer loop')) resolve(device)
    })
  })
}

function spawnError(cause: Error): AppError {
  const missing = 'code' in cause && cause.code === 'ENOENT'
  const message = missing
    ? 'A pty needs the program socat: sudo apt-get install socat'
    : `socat cannot be started: ${cause.message}`
  return new AppError('link_failed', message, { cause })
}

/** By force, which is certain: socat holds nothing that outlives a board. */
async function endPair(pair: Pair): Promise<void> {
  await pair.release()
  const child = pair.process
  if (hasEnded(child)) return
  await new Promise<void>(resolve => {
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}

async function checkLink(link: string): Promise<void> {
  const found = await lstat(link).catch(() => undefined)
  if (found === undefined || found.isSymbolicLink()) return
  throw new AppError('conflict', `${link} exists and is no link: name another, or remove it.`)
}

/** Atomic, so that a client finds the old pty or the new one. */
async function pointLink(link: string, device: string): Promise<void> {
  const fresh = `${link}.${process.pid}`
  await rm(fresh, { force: true })
  await symlink(device, fresh)
  await rename(fresh, link)
}

/** Leaves a link alone that another board has taken over. */
async function removeLink(link: string, device: string): Promise<void> {
  const target = await readlink(link).catch(() => undefined)
  if (target === device) await rm(link, { force: true })
}
