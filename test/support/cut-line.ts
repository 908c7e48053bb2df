import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { systemClock } from '../../src/kernel/clock.ts'
import { withDeadline } from '../../src/kernel/deadline.ts'
import { stop } from './pty.ts'

const startTimeoutMs = 60_000

/** `out`: host to board. */
export type Direction = 'out' | 'in'

export interface Cut {
  readonly direction: Direction
  readonly afterBytes: number
}

export interface CutLineOptions {
  /** Without it the line holds. */
  readonly cut?: Cut | undefined
  /** Bytes of the host, for the board. */
  readonly onBytes: (bytes: Uint8Array) => void
  readonly onCut?: () => void
}

/**
 * A pseudo-terminal with a board of this process behind it, as a cable that is pulled once exactly so many bytes have passed in
 * one direction. What is under way in the other direction at that moment is lost whole, so that a run can be repeated.
 */
export class CutLine {
  /** What the host opens: /dev/pts/N. */
  readonly device: string
  /** Handed to the board, and to the host. */
  bytesOut = 0
  bytesIn = 0
  readonly #options: CutLineOptions
  readonly #child: Socat
  #written = 0
  #broken = false
  #held = false

  constructor(child: Socat, device: string, options: CutLineOptions) {
    this.#child = child
    this.device = device
    this.#options = options
    child.stdin.on('error', () => undefined)
    child.stdout.on('data', (chunk: Buffer) => this.#toBoard(chunk))
  }

  get isCut(): boolean {
    return this.#broken
  }

  /** Bytes of the board, for the host. */
  write(bytes: Uint8Array): void {
    if (this.#broken) return
    const part = bytes.subarray(0, this.#room('in', this.#written))
    this.#written += part.length
    if (part.length > 0) this.#child.stdin.write(part)
  }

  /** The host tells how many bytes have reached it: only then may the terminal hang up, for that discards what is unread. */
  arrived(count: number): void {
    this.bytesIn += count
    if (this.#room('in', this.bytesIn) === 0) this.#break()
  }

  /** The cable holds from now on, if it still does. */
  hold(): void {
    this.#held = true
  }

  /** Ends socat. May be called again. */
  async close(): Promise<void> {
    this.#broken = true
    await stop(this.#child)
  }

  #toBoard(chunk: Uint8Array): void {
    if (this.#broken) return
    const part = chunk.subarray(0, this.#room('out', this.bytesOut))
    this.bytesOut += part.length
    // Broken before the board answers: its answer finds no cable any more.
    if (this.#room('out', this.bytesOut) === 0) this.#break()
    this.#options.onBytes(part)
  }

  #room(direction: Direction, passed: number): number {
    const { cut } = this.#options
    return cut?.direction === direction && !this.#held ? cut.afterBytes - passed : Number.POSITIVE_INFINITY
  }

  #break(): void {
    if (this.#broken) return
    this.#broken = true
    this.#child.kill('SIGKILL')
    // Not within the delivery of a chunk: the board, or the host, first takes what it got.
    setImmediate(() => this.#options.onCut?.())
  }
}

type Socat = ChildProcessByStdio<Writable, Readable, Readable>

/** Call `close` at teardown. */
export async function openCutLine(options: CutLineOptions): Promise<CutLine> {
  const args = ['-d', '-d', '-b', '65536', 'STDIO', 'PTY,raw,echo=0']
  const child: Socat = spawn('socat', args, { stdio: ['pipe', 'pipe', 'pipe'] })
  try {
    const device = await withDeadline(
      systemClock,
      startTimeoutMs,
      ptyName(child),
      'link_failed',
      'socat made no pty',
    )
    return new CutLine(child, device, options)
  } catch (error) {
    await stop(child)
    throw error
  }
}

function ptyName(child: Socat): Promise<string> {
  return new Promise((resolve, reject) => {
    let told = ''
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`socat ended: ${told}`)))
    child.stderr.on('data', (chunk: Buffer) => {
      told += chunk.toString('latin1')
      const [, device] = /PTY is (\S+)\n/.exec(told) ?? []
      if (device !== undefined && told.includes('starting data transfer loop')) resolve(device)
    })
  })
}
