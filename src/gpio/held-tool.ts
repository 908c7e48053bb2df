import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import type { Readable } from 'node:stream'
import type { Clock, Timer } from '../kernel/clock.ts'
import type { AppError } from '../kernel/errors.ts'
import { cannotStart, toolEnvironment } from './run-tool.ts'

/** A tool that is told to end does so within a millisecond; one that does not is ended by force. */
const endTimeoutMs = 500
/** Version 1 says nothing when it has the line: what runs so long and shows no sign of it is taken to have it. */
const settleMs = 400
const lookEveryMs = 5
const saidCapBytes = 4 * 1024
/** No line of a tool is as long. */
const longestLineChars = 512

/** util-linux: has the kernel end the tool when this process dies, however it dies. */
const setpriv = '/usr/bin/setpriv'

export interface HeldToolOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly clock: Clock
  /** Each line on stdout, without its end. Returns true when it says that the tool has its line. */
  readonly onText: (text: string) => boolean
  readonly procFolder?: string | undefined
}

/** A tool that runs for as long as a line is held. It lives no longer than this process. */
export class HeldTool {
  readonly #options: HeldToolOptions
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  readonly #ended: Promise<string | AppError>
  #running = true
  #ready = false
  #said = ''
  #rest = ''

  constructor(options: HeldToolOptions) {
    this.#options = options
    const { command, args } = options
    const [program = command, ...rest] = existsSync(setpriv)
      ? [setpriv, '--pdeathsig', 'KILL', command, ...args]
      : [command, ...args]
    this.#child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: toolEnvironment })
    this.#child.stdout.setEncoding('utf8').on('data', (chunk: string) => this.#take(chunk))
    this.#child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      if (this.#said.length < saidCapBytes) this.#said += chunk
    })
    this.#ended = new Promise(resolve => {
      this.#child.once('error', (cause: NodeJS.ErrnoException) => {
        this.#running = false
        resolve(cannotStart(command, cause))
      })
      // `close` comes after the last word on stderr, `exit` may come before.
      this.#child.once('close', () => {
        this.#running = false
        resolve(this.#said)
      })
    })
  }

  /** Resolves when the tool is over: with what it said on stderr, or why it could not be started. Never rejects. */
  get ended(): Promise<string | AppError> {
    return this.#ended
  }

  get running(): boolean {
    return this.#running
  }

  /** Resolves with true as soon as the tool has its line, with false when it has ended instead. */
  ready(): Promise<boolean> {
    const { clock } = this.#options
    const latestMs = clock.now() + settleMs
    return new Promise(resolve => {
      let timer: Timer | undefined
      const look = () => {
        if (!this.#running) return
        if (this.#ready || this.#holdsLine() || clock.now() >= latestMs) return resolve(true)
        timer = clock.setTimer(lookEveryMs, look)
      }
      void this.#ended.then(() => {
        timer?.cancel()
        resolve(false)
      })
      look()
    })
  }

  /** Ends the tool; resolves when it is over. */
  async end(): Promise<void> {
    if (!this.#running) return
    this.#child.kill('SIGTERM')
    const timer = this.#options.clock.setTimer(endTimeoutMs, () => this.#child.kill('SIGKILL'))
    await this.#ended
    timer.cancel()
  }

  /** The kernel's handles are called gpio-line (version 2 of its interface), gpio-linehandle and gpio-event. */
  #holdsLine(): boolean {
    const folder = `${this.#options.procFolder ?? '/proc'}/${this.#child.pid}/fd`
    try {
      return readdirSync(folder).some(fd => /^anon_inode:\[?gpio-/.test(readlinkSync(`${folder}/${fd}`)))
    } catch {
      // Over meanwhile, or hidden from us.
      return false
    }
  }

  #take(chunk: string): void {
    const texts = (this.#rest + chunk).split('\n')
    this.#rest = (texts.pop() ?? '').slice(-longestLineChars)
    for (const text of texts) if (this.#options.onText(text)) this.#ready = true
  }
}
