import { join } from 'node:path'
import type { Direction } from '../support/cut-line.ts'
import { KillLine, type PassingFrame } from './kill-line.ts'
import { type KillPattern, side } from './kill-pattern.ts'
import { KillProcess } from './kill-process.ts'
import { ShownWatch } from './kill-shown.ts'
import { TransferWatch } from './kill-transfer.ts'

/** Slow and narrow, so that an upload takes about a second and has many moments. */
const slow = ['--max-body', '256', '--window', '2048', '--fault', 'slow-flash=3']

/** What a board calls itself. */
export const boardNameAtFirst = (board: number): string => `board-at-${board}`

export interface BoardOptions {
  /** The gateway's main file. */
  readonly main: string
  readonly folder: string
  readonly board: number
  readonly patterns: readonly KillPattern[]
  readonly onFrame: (frame: PassingFrame) => void
  readonly onBytes: (direction: Direction, total: number) => void
}

/** A virtual board in a process of its own, its cable, and what is seen of both. */
export class KillBoard {
  readonly uuid: string
  readonly line: KillLine
  readonly watch: ShownWatch
  readonly transfers: TransferWatch
  readonly #start: () => KillProcess
  #process: KillProcess

  private constructor(
    uuid: string,
    line: KillLine,
    watch: ShownWatch,
    transfers: TransferWatch,
    start: () => KillProcess,
    process: KillProcess,
  ) {
    this.uuid = uuid
    this.line = line
    this.watch = watch
    this.transfers = transfers
    this.#start = start
    this.#process = process
  }

  static async open(options: BoardOptions): Promise<KillBoard> {
    const { main, folder, board, patterns, onFrame, onBytes } = options
    const framesFile = join(folder, `frames-${board}`)
    // Two of one name would be told apart by the gateway, with names that nobody has given.
    const names = ['--tcp', '0', '--leds', `${side}x${side}`, '--name', boardNameAtFirst(board)]
    const files = ['--flash', join(folder, `flash-${board}`), '--frames-out', framesFile]
    const start = () => new KillProcess({ main, args: ['board', 'virtual', ...names, ...files, ...slow] })
    const process = start()
    try {
      const { path, uuid } = await process.ready()
      const watch = new ShownWatch(framesFile, patterns)
      const transfers = new TransferWatch()
      const line = await KillLine.open(join(folder, `port-${board}`), String(path), {
        onFrame: frame => {
          watch.pass(frame)
          transfers.pass(frame)
          onFrame(frame)
        },
        onBytes,
      })
      return new KillBoard(String(uuid), line, watch, transfers, start, process)
    } catch (thrown) {
      await process.end('SIGKILL')
      throw thrown
    }
  }

  /** Its power is gone, at once. */
  cutPower(): void {
    this.#process.send('SIGKILL')
  }

  /** Its power is back, and it starts with what its flash holds. */
  async powerUp(): Promise<void> {
    await this.#process.end('SIGKILL')
    this.watch.restart()
    this.#process = this.#start()
    const { path } = await this.#process.ready()
    await this.line.connect(String(path))
  }

  async close(): Promise<void> {
    this.watch.read()
    await this.line.close()
    await this.#process.end('SIGKILL')
  }
}
