import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { systemClock } from '../../src/kernel/clock.ts'
import { maxBodyBytes } from '../../src/protocol/frame.ts'
import { FrameDecoder } from '../../src/protocol/frame-decoder.ts'
import { decodeBoardMessage, decodeHostMessage } from '../../src/protocol/message-codec.ts'
import { type BoardMessage, type HostMessage, messageTypes } from '../../src/protocol/messages.ts'
import type { BoardTransport } from '../../src/virtual/board-transport.ts'
import { openPty } from '../../src/virtual/pty.ts'
import type { Direction } from '../support/cut-line.ts'

export type FrameName = keyof typeof messageTypes

/** A frame on its way; undefined is a message that cannot be read. */
export interface PassingFrame {
  readonly direction: Direction
  readonly message: HostMessage | BoardMessage | undefined
  /** Of the request, for a reply too; the direction tells them apart. */
  readonly name: FrameName | undefined
  readonly body: Uint8Array
}

export interface LineWatcher {
  /** Before the bytes that complete the frame go on; `hold` in it keeps them back. */
  readonly onFrame: (frame: PassingFrame) => void
  /** Before bytes go on; `total` counts them. */
  readonly onBytes: (direction: Direction, total: number) => void
}

const names = new Map<number, FrameName>(
  Object.entries(messageTypes).map(([name, type]) => [type, name as FrameName]),
)

/** Replies with a type of their own (SPEC §2). */
const requestOf: Partial<Record<FrameName, FrameName>> = {
  CAPS: 'HELLO',
  ECHO: 'PROBE',
  HAVE: 'HAVEQ',
  ACK: 'DATA',
}

function passingFrame(direction: Direction, type: number, body: Uint8Array): PassingFrame {
  const own = names.get(type)
  const name = (own && requestOf[own]) ?? own
  const decoded = direction === 'out' ? decodeHostMessage(type, body) : decodeBoardMessage(type, body)
  return { direction, name, body, message: decoded.ok ? decoded.value : undefined }
}

/** The cable between a gateway's pty and a board in a process of its own: it sees every frame, and can keep them back. */
export class KillLine {
  readonly link: string
  bytesOut = 0
  bytesIn = 0
  readonly #watcher: LineWatcher
  #board: Socket | undefined
  #decoders = { out: new FrameDecoder(maxBodyBytes), in: new FrameDecoder(maxBodyBytes) }
  #pty: BoardTransport | undefined
  #held = false

  private constructor(link: string, watcher: LineWatcher) {
    this.link = link
    this.#watcher = watcher
  }

  /** `board`: host:port of the board. */
  static async open(link: string, board: string, watcher: LineWatcher): Promise<KillLine> {
    const line = new KillLine(link, watcher)
    await line.connect(board)
    await line.plug()
    return line
  }

  /** To a board that has started, at host:port. */
  async connect(board: string): Promise<void> {
    this.#board?.destroy()
    const [host = '', port = ''] = board.split(':')
    const socket = createConnection({ host, port: Number(port), noDelay: true })
    await once(socket, 'connect')
    socket.on('error', () => undefined)
    socket.on('data', chunk => this.#toHost(chunk))
    this.#decoders = { out: new FrameDecoder(maxBodyBytes), in: new FrameDecoder(maxBodyBytes) }
    this.#board = socket
  }

  /** From now on nothing passes, in either direction, until `release`. */
  hold(): void {
    this.#held = true
  }

  release(): void {
    this.#held = false
  }

  /** The gateway's side hangs up, as when an adapter is pulled out. */
  async unplug(): Promise<void> {
    const pty = this.#pty
    this.#pty = undefined
    await pty?.close()
  }

  async plug(): Promise<void> {
    this.#pty = await openPty({
      link: this.link,
      clock: systemClock,
      listeners: { onData: chunk => this.#toBoard(chunk), onFault: () => undefined },
    })
  }

  async close(): Promise<void> {
    this.#board?.destroy()
    await this.unplug()
  }

  #toBoard(chunk: Uint8Array): void {
    if (this.#held) return
    this.bytesOut += chunk.length
    this.#tell('out', chunk, this.bytesOut)
    if (!this.#held) this.#board?.write(chunk)
  }

  #toHost(chunk: Uint8Array): void {
    if (this.#held) return
    this.bytesIn += chunk.length
    this.#tell('in', chunk, this.bytesIn)
    if (!this.#held) this.#pty?.write(chunk)
  }

  #tell(direction: Direction, chunk: Uint8Array, total: number): void {
    this.#decoders[direction].push(chunk, ({ type, body }) =>
      this.#watcher.onFrame(passingFrame(direction, type, body)),
    )
    this.#watcher.onBytes(direction, total)
  }
}
