import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ControlClient } from '../../src/cli/control-client.ts'
import type { Direction } from '../support/cut-line.ts'
import { KillBoard } from './kill-board.ts'
import type { PassingFrame } from './kill-line.ts'
import { type KillPattern, killPattern } from './kill-pattern.ts'
import { type Exit, KillProcess } from './kill-process.ts'

/** More than a series ever sends, what is refused by a full disk included. */
const patternCount = 400

export interface RigOptions {
  /** The gateway's main file. */
  readonly main: string
  readonly seed: number
  readonly boards: number
  /** Called by each board, with its place. */
  readonly onFrame?: (board: number, frame: PassingFrame) => void
  readonly onBytes?: (board: number, direction: Direction, total: number) => void
}

/** Boards, a folder, and whatever gateway runs on them. */
export class KillRig {
  readonly folder: string
  readonly patterns: readonly KillPattern[]
  readonly boards: readonly KillBoard[]
  readonly #main: string
  #gateway: Gateway | undefined

  private constructor(
    folder: string,
    main: string,
    patterns: readonly KillPattern[],
    boards: readonly KillBoard[],
  ) {
    this.folder = folder
    this.#main = main
    this.patterns = patterns
    this.boards = boards
  }

  static async open(options: RigOptions): Promise<KillRig> {
    const { main, seed } = options
    const folder = await mkdtemp(join(tmpdir(), 'pg-kill-'))
    const patterns = Array.from({ length: patternCount }, (_, number) => killPattern(seed, number))
    const boards: KillBoard[] = []
    const rig = new KillRig(folder, main, patterns, boards)
    try {
      for (let board = 0; board < options.boards; board++) {
        const onFrame = (frame: PassingFrame) => options.onFrame?.(board, frame)
        const onBytes = (direction: Direction, total: number) => options.onBytes?.(board, direction, total)
        boards.push(await KillBoard.open({ main, folder, board, patterns, onFrame, onBytes }))
      }
      await rig.#configure()
      return rig
    } catch (thrown) {
      await rig.close()
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
    const gateway = new Gateway(this.#main, this.folder, before)
    this.#gateway = gateway
    return gateway
  }

  async close(): Promise<void> {
    await this.#gateway?.end('SIGKILL')
    await Promise.all(this.boards.map(board => board.close()))
    await rm(this.folder, { recursive: true, force: true })
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
