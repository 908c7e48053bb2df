import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type t from 'tap'
import { parseVirtualBoard, runVirtualBoard, type VirtualBoardValues } from '../../src/cli/board-virtual.ts'
import { runCli } from '../../src/cli/cli.ts'
import { serve } from '../../src/serve.ts'
import { seededRandom } from './synthetic-patterns.ts'

/** Starting Node takes a second on a busy Pi; no step of a test takes a multiple of that. */
const deadlineMs = 60_000
const lookEveryMs = 10
const root = fileURLToPath(new URL('../../', import.meta.url))

/** The user that owns nothing, on every Linux. */
const nobody = 65_534

type Test = Pick<typeof t, 'teardown'>

/** Waits until `look` gives something else than undefined or false. Rejects after a minute. */
export async function eventually<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  what: string,
): Promise<T> {
  const endMs = performance.now() + deadlineMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > endMs) throw new Error(`waited ${deadlineMs / 1000} s for ${what}`)
    await new Promise(resolve => setTimeout(resolve, lookEveryMs))
  }
}

/** A command that has ended. */
export interface Finished {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
  /** Lines of stdout that are JSON objects. */
  readonly events: readonly Event[]
  /** The last of them; empty when there is none. */
  readonly last: Event
}

// biome-ignore lint/suspicious/noExplicitAny: what a command prints is looked at by the test
export type Event = Record<string, any>

const finished = (status: number | null, stdout: string, stderr: string): Finished => {
  const events = stdout
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line) as Event)
  return { status, stdout, stderr, events, last: events.at(-1) ?? {} }
}

/** A folder of its own for state, sockets and files, which goes with the test. */
export class Workplace {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>

  constructor(folder: string) {
    this.folder = folder
    this.env = {
      PIXELGATE_STATE_DIR: join(folder, 'state'),
      PIXELGATE_CONTROL_SOCKET: this.path('control.sock'),
      PIXELGATE_HTTP_HOST: '127.0.0.1',
      PIXELGATE_HTTP_PORT: '0',
      PIXELGATE_MQTT_LISTENERS: JSON.stringify([{ host: '127.0.0.1', port: 0 }]),
    }
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  async file(name: string, contents: Uint8Array | string): Promise<string> {
    await writeFile(this.path(name), contents)
    return this.path(name)
  }

  /** Runs a command in this process: the same code as `run`, without the second that Node takes to start. */
  async here(...args: readonly string[]): Promise<Finished> {
    const [stdout, stderr] = [new Collector(), new Collector()]
    const surroundings = { stdout, stderr, env: this.env, signal: new AbortController().signal, serve }
    return finished(await runCli(args, surroundings), stdout.text, stderr.text)
  }

  /** Runs a command as a user does. */
  run(...args: readonly string[]): Promise<Finished> {
    return this.start(...args).ended
  }

  /** Starts a command as a user does. */
  start(...args: readonly string[]): Running {
    return new Running(args, this.env)
  }

  /** The same with other surroundings. */
  startWith(env: Readonly<Record<string, string>>, ...args: readonly string[]): Running {
    return new Running(args, env)
  }

  /** Runs a command as somebody who may do little, which wants root; otherwise as the user of the test. */
  async runAsNobody(...args: readonly string[]): Promise<Finished> {
    await chmod(this.folder, 0o777)
    return new Running(args, this.env, process.getuid?.() === 0 ? nobody : undefined).ended
  }
}

/** Call within a test; the folder is removed at its teardown. */
export async function workplace(t: Test): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'pg-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return new Workplace(folder)
}

class Collector extends Writable {
  text = ''

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString('utf8')
    done()
  }
}

/** What the first line of the program sets for itself. */
const asInstalled = { flags: ['--max-semi-space-size=2'], env: { MALLOC_ARENA_MAX: '2' } }

/** A process of the program. */
export class Running {
  readonly ended: Promise<Finished>
  readonly #child: ChildProcess
  #stdout = ''
  #stderr = ''

  constructor(args: readonly string[], env: Readonly<Record<string, string>>, uid?: number) {
    // It must not outlive the test, however that ends: it would hold ports which later tests want.
    const bound = [
      '--pdeathsig',
      'KILL',
      // tap brings itself into every child; as another user it may not write where it gathers, and breaks down within the threads.
      ...(uid === undefined ? [] : ['env', '-u', 'NODE_OPTIONS']),
      process.execPath,
      ...asInstalled.flags,
      '--import',
      'tsx',
      'src/main.ts',
    ]
    this.#child = spawn('setpriv', [...bound, ...args], {
      cwd: root,
      // Another user cannot write where coverage of this one is gathered.
      env:
        uid === undefined
          ? { ...process.env, ...asInstalled.env, ...env }
          : { PATH: process.env['PATH'], ...env },
      ...(uid !== undefined && { uid, gid: uid }),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child.stdout?.on('data', chunk => {
      this.#stdout += chunk
    })
    this.#child.stderr?.on('data', chunk => {
      this.#stderr += chunk
    })
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 2 * deadlineMs)
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', status => {
        clearTimeout(late)
        resolve(finished(status, this.#stdout, this.#stderr))
      })
    })
  }

  /** What it has printed so far. */
  get events(): readonly Event[] {
    const whole = this.#stdout.slice(0, this.#stdout.lastIndexOf('\n') + 1)
    return finished(null, whole, '').events
  }

  get log(): string {
    return this.#stderr
  }

  /** The first line that fits; rejects when the process ends before. */
  async says(fits: (event: Event) => boolean, what: string): Promise<Event> {
    return eventually(() => {
      const found = this.events.find(fits)
      if (found === undefined && this.hasEnded)
        throw new Error(`it ended before ${what}: ${this.#stdout}${this.#stderr}`)
      return found
    }, what)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  async kill(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<Finished> {
    if (!this.hasEnded) this.#child.kill(signal)
    return this.ended
  }
}

/** A virtual board in this process, on a line of its own. */
export class Board {
  readonly path: string
  readonly uuid: string
  readonly #framesFile: string
  readonly #stop: () => Promise<unknown>

  constructor(path: string, uuid: string, framesFile: string, stop: () => Promise<unknown>) {
    this.path = path
    this.uuid = uuid
    this.#framesFile = framesFile
    this.#stop = stop
  }

  /** Ids of the patterns that it has shown, one for each frame; what shows no pattern is left out. */
  get shown(): readonly string[] {
    if (!existsSync(this.#framesFile)) return []
    const text = readFileSync(this.#framesFile, 'utf8')
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    return [...whole.matchAll(/"pattern":"([0-9a-f]{32})"/g)].map(([, id = '']) => id)
  }

  /** Pixels in strip order of each frame that it has shown, hexadecimal. */
  get pixels(): readonly string[] {
    if (!existsSync(this.#framesFile)) return []
    return [...readFileSync(this.#framesFile, 'utf8').matchAll(/"pixels":"([0-9a-f]*)"}\n/g)].map(
      ([, pixels = '']) => pixels,
    )
  }

  /** The pattern of the next frame that it shows from now on. */
  async playing(): Promise<string> {
    const before = this.shown.length
    return eventually(() => this.shown.at(before), 'a frame')
  }

  /** Switches it off and unplugs it. */
  stop(): Promise<unknown> {
    return this.#stop()
  }
}

let boards = 0

/** Starts a board; `line` defaults to a pty. It ends at the test's teardown, or at `stop`. */
export async function startBoard(t: Test, place: Workplace, values: VirtualBoardValues = {}): Promise<Board> {
  const framesFile = place.path(`frames-${++boards}`)
  const line =
    values.tcp === undefined && values.mqtt === undefined ? { pty: place.path(`board-${boards}`) } : {}
  const options = parseVirtualBoard({ leds: '8x8', ...line, ...values, 'frames-out': framesFile })
  const out = new Collector()
  const stopping = new AbortController()
  const ended = runVirtualBoard(options, out, stopping.signal)
  const stop = () => {
    stopping.abort()
    return ended
  }
  t.teardown(stop)
  await Promise.race([eventually(() => out.text.includes('\n'), 'the board'), ended])
  const { path, uuid } = JSON.parse(out.text) as { path: string; uuid: string }
  return new Board(path, uuid, framesFile, stop)
}

/** An Upload Bridge LEDM file: `frames` frames of noise for a matrix, 20 ms each; a frame is the same for the same number. */
export function ledmFile(frames: readonly number[], width = 8, height = 8): Uint8Array {
  const leds = width * height
  const header = Buffer.alloc(14)
  header.write('LEDM', 'latin1')
  for (const [at, value] of [1, leds, frames.length, width, height].entries())
    header.writeUInt16LE(value, 4 + at * 2)
  const body = frames.flatMap(frame => {
    const random = seededRandom(frame + 1)
    return [Uint8Array.of(20, 0), Uint8Array.from({ length: leds * 3 }, () => Math.floor(random() * 256))]
  })
  return Buffer.concat([header, ...body])
}

/** Whole numbers from `first`, `count` of them. */
export const numbers = (first: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => first + i)
