import { FrameChannel } from '../../src/board/frame-channel.ts'
import { shakeHands } from '../../src/board/handshake.ts'
import { BoardSession } from '../../src/board/session.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { Channel, type ChannelFaults } from '../../src/link/channel.ts'
import { memoryLinkPair } from '../../src/link/memory-link.ts'
import { crc32 } from '../../src/protocol/crc32.ts'
import type { BuiltImage } from '../../src/protocol/image.ts'
import type { Sender } from '../../src/protocol/sender/sender.ts'
import { type BoardConfig, defaultBoardConfig } from '../../src/virtual/board-config.ts'
import { type BoardFaults, noFaults } from '../../src/virtual/board-faults.ts'
import { Flash } from '../../src/virtual/flash.ts'
import { VirtualBoard } from '../../src/virtual/virtual-board.ts'

export interface RigOptions {
  readonly baudRate?: number | null
  readonly config?: Partial<BoardConfig>
  readonly faults?: Partial<BoardFaults>
  readonly noise?: Omit<ChannelFaults, 'seed'> & { readonly seed?: number }
  readonly latencyMs?: number
  /** A rate that the board's hardware does not reach, though it accepts it. */
  readonly deafTo?: number
}

export interface Shown {
  readonly atMs: number
  readonly frame: number
  readonly delayMs: number
  readonly id: string
  readonly pixels: Uint8Array
}

/** A host and the real board library on a modelled line, in virtual time. */
export class BoardRig {
  readonly clock = new VirtualClock()
  readonly shown: Shown[] = []
  readonly flash: Flash
  readonly board: VirtualBoard
  readonly #options: RigOptions
  #line: ReturnType<typeof memoryLinkPair> | undefined
  /** Of the board's UART; 0: that of the start. */
  #baud = 0

  constructor(options: RigOptions = {}) {
    this.#options = options
    const uuid = new Uint8Array(16).fill(7)
    const config = { ...defaultBoardConfig, uuid, storageBytes: 1024 * 1024, ...options.config }
    this.flash = new Flash({ sizeBytes: config.storageBytes, eraseUnit: config.eraseUnit })
    this.board = new VirtualBoard({
      config,
      flash: this.flash,
      faults: { ...noFaults, ...options.faults },
      clock: this.clock,
      onSend: bytes => this.#line?.board.write(bytes.slice()),
      onBaud: baud => {
        this.#baud = options.deafTo === baud ? 1 : baud
        this.#tune()
      },
      onFrame: ({ frame, delayMs, id, pixels }) =>
        this.shown.push({
          atMs: this.clock.now(),
          frame,
          delayMs,
          id: Buffer.from(id).toString('hex'),
          pixels: pixels.slice(),
        }),
    })
    this.board.start()
  }

  /** Plugs the cable in; a cut after so many bytes can be arranged. */
  plug(cut: { toBoard?: number; toHost?: number } = {}): ReturnType<typeof memoryLinkPair> {
    const { noise, latencyMs = 0, baudRate = null } = this.#options
    const direction = (seed: number, cutAfterBytes: number | undefined) => {
      const channel =
        noise === undefined ? undefined : new Channel({ ...noise, seed: (noise.seed ?? 1) * 2 + seed })
      return {
        latencyMs,
        ...(channel && { pass: (bytes: Uint8Array) => channel.pass(bytes) }),
        ...(cutAfterBytes !== undefined && { cutAfterBytes }),
      }
    }
    const line = memoryLinkPair({
      clock: this.clock,
      baudRate,
      toBoard: direction(0, cut.toBoard),
      toHost: direction(1, cut.toHost),
    })
    this.#line = line
    if (this.#baud !== 0) this.#tune()
    line.board.onData(chunk => this.board.receive(chunk))
    return line
  }

  #tune(): void {
    const { baudRate } = this.#options
    if (baudRate !== null && baudRate !== undefined)
      void this.#line?.board.setBaudRate(this.#baud || baudRate)
  }

  /** Runs virtual time until the promise settles; a bounded number of steps, so a hang is a failure. */
  async settle<T>(work: Promise<T>, maxSteps = 400_000): Promise<T> {
    let settled = false
    const mark = () => {
      settled = true
    }
    work.then(mark, mark)
    for (let steps = 0; !settled; steps++) {
      // Promises chain a few deep between two events of the line.
      for (let i = 0; i < 8; i++) await Promise.resolve()
      if (settled) break
      if (steps > maxSteps || !this.clock.step())
        throw new Error(`stuck after ${steps} steps at ${this.clock.now()} ms`)
    }
    return work
  }

  async greet(line = this.plug()): Promise<BoardSession> {
    const channel = new FrameChannel(line.host, this.clock)
    const greeting = await this.settle(
      shakeHands(channel, this.clock, 20_000, () => 1 + (Math.floor(this.clock.now()) % 255)),
    )
    return new BoardSession(channel, greeting, this.clock)
  }

  /** One transfer on a session, to its outcome or the session's end. */
  transfer(
    session: BoardSession,
    built: BuiltImage,
    options: { maxBody?: number; adaptBody?: boolean; delta?: boolean; durableBefore?: number } = {},
  ): Promise<Sender> {
    const { maxBody = 1024, adaptBody = true, delta = true, durableBefore = 0 } = options
    return this.settle(
      session.transfer(
        {
          plan: {
            caps: session.caps,
            payload: built,
            id: built.id,
            sha256: built.sha256,
            manifestCrc: crc32(built.manifest),
            trialSeconds: 10,
            delta,
            digestKey: new Uint8Array(16).fill(9),
          },
          maxBody,
          adaptBody,
          durableBefore,
        },
        () => undefined,
      ),
    )
  }
}
