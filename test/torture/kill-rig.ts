import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ControlClient } from '../../src/cli/control-client.ts'
import type { Direction } from '../support/cut-line.ts'
import { KillLine, type PassingFrame } from './kill-line.ts'
import { type KillPattern, killPattern, side } from './kill-pattern.ts'
import { type Exit, KillProcess } from './kill-process.ts'
import { ShownWatch } from './kill-shown.ts'
import { TransferWatch } from './kill-transfer.ts'

/** More than a series ever uploads. */
const patternCount = 120
/** Slow and narrow, so that an upload takes about a second and has many moments. */
const boardOptions = ['--max-body', '256', '--window', '2048', '--fault', 'slow-flash=3']

/** What a board calls itself. */
export const boardNameAtFirst = (board: number): string => `board-at-${board}`

export interface RigOptions {
  /** The gateway's main file. */
  readonly main: string
  readonly seed: number
  readonly boards: number
  /** Called by each board, with its place. */
  readonly onFrame?: (board: number, frame: PassingFrame) => void
  readonly onBytes?: (board: number, direction: Direction, total: number) => void
}

export interface RigBoard {
  readonly uuid: string
  readonly line: KillLine
  readonly watch: ShownWatch
  readonly transfers: TransferWatch
}

/** Boards in processes of their own, their cables, a folder, and whatever gateway runs on them. */
export class KillRig {
  readonly folder: string
  readonly patterns: readonly KillPattern[]
  readonly boards: readonly RigBoard[]
  readonly #main: string
  readonly #processes: readonly KillProcess[]

  private constructor(
    folder: string,
    main: string,
    patterns: readonly KillPattern[],
    boards: readonly RigBoard[],
    processes: readonly KillProcess[],
  ) {
    this.folder = folder
    this.#main = main
    this.patterns = patterns
    this.boards = boards
    this.#processes = processes
  }

  static async open(options: RigOptions): Promise<KillRig> {
    const { main, seed, boards: count } = options
    const folder = await mkdtemp(join(tmpdir(), 'pg-kill-'))
    const patterns = Array.from({ length: patternCount }, (_, number) => killPattern(seed, number))
    const processes: KillProcess[] = []
    const boards: RigBoard[] = []
    try {
      for (let board = 0; board < count; board++) {
        const framesFile = join(folder, `frames-${board}`)
        // Two of one name would be told apart by the gateway, with names that nobody has given.
        const name = ['--name', boardNameAtFirst(board)]
        const files = ['--flash', join(folder, `flash-${board}`), '--frames-out', framesFile]
        const args = [
          'board',
          'virtual',
          '--tcp',
          '0',
          '--leds',
          `${side}x${side}`,
          ...name,
          ...files,
          ...boardOptions,
        ]
        const child = new KillProcess({ main, args })
        processes.push(child)
        const { path, uuid } = await child.ready()
        const watch = new ShownWatch(framesFile, patterns)
        const transfers = new TransferWatch()
        const line = await KillLine.open(join(folder, `port-${board}`), String(path), {
          onFrame: frame => {
            watch.pass(frame)
            transfers.pass(frame)
            options.onFrame?.(board, frame)
          },
          onBytes: (direction, total) => options.onBytes?.(board, direction, total),
        })
        boards.push({ uuid: String(uuid), line, watch, transfers })
      }
      const rig = new KillRig(folder, main, patterns, boards, processes)
      await rig.#configure()
      return rig
    } catch (thrown) {
      await closeAll(folder, boards, processes)
      throw thrown
    }
  }

  /** Where the gateway's database is; a test may mount something there before the first start. */
  get stateDir(): string {
    return join(this.folder, 'state')
  }

  /** Starts the gateway; `before`: a command that runs it. */
  start(before: readonly string[] = []): Gateway {
    for (const { line, transfers } of this.boards) {
      line.release()
      transfers.start()
    }
    return new Gateway(this.#main, this.folder, before)
  }

  async close(): Promise<void> {
    await closeAll(this.folder, this.boards, this.#processes)
  }

  async #configure(): Promise<void> {
    await mkdir(this.stateDir)
    const config = {
      stateDir: this.stateDir,
      controlSocket: join(this.folder, 'control.sock'),
      links: this.boards.map(({ line }) => ({ kind: 'serial', path: line.link, baudRate: 1_000_000 })),
      discovery: 'off',
      http: { host: '127.0.0.1', port: 0 },
      mqtt: { listeners: [] },
      backup: { nightly: false },
      log: { level: 'warn' },
    }
    await writeFile(join(this.folder, 'config.json'), JSON.stringify(config))
  }
}

async function closeAll(
  folder: string,
  boards: readonly RigBoard[],
  processes: readonly KillProcess[],
): Promise<void> {
  for (const { watch } of boards) watch.read()
  await Promise.all(boards.map(({ line }) => line.close()))
  await Promise.all(processes.map(child => child.end('SIGKILL')))
  await rm(folder, { recursive: true, force: true })
}

/** One life of `pixelgate serve`. */
export class Gateway {
  readonly client: ControlClient
  readonly #process: KillProcess

  constructor(main: string, folder: string, before: readonly string[]) {
    this.#process = new KillProcess({
      main,
      args: ['serve', '--config', join(folder, 'config.json')],
      before,
    })
    this.client = new ControlClient(join(folder, 'control.sock'))
  }

  /** The URL of its HTTP listener. */
  async ready(): Promise<string> {
    return String((await this.#process.ready())['http'])
  }

  get pid(): number {
    return this.#process.pid
  }

  get exited(): Promise<Exit> {
    return this.#process.exited
  }

  get hasEnded(): boolean {
    return this.#process.hasEnded
  }

  get errors(): string {
    return this.#process.errors
  }

  /** At once: the signal is sent when this returns. */
  send(signal: 'SIGKILL' | 'SIGTERM'): void {
    this.#process.send(signal)
  }

  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<Exit> {
    return this.#process.end(signal)
  }

  /** After a signal: rejects when it takes too long to end. */
  gone(): Promise<Exit> {
    return this.#process.gone()
  }
}
