import type { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import type { Link } from '../../src/link/link.ts'
import type { MemoryLinkPair } from '../../src/link/memory-link.ts'
import { encodeFrame, maxBodyBytes } from '../../src/protocol/frame.ts'
import { FrameDecoder } from '../../src/protocol/frame-decoder.ts'
import { messageTypes } from '../../src/protocol/messages.ts'
import type { BoardConfig } from '../../src/virtual/board-config.ts'
import { type BoardFaults, noFaults } from '../../src/virtual/board-faults.ts'
import { VirtualBoard } from '../../src/virtual/virtual-board.ts'
import { PatternWatch } from './pattern-watch.ts'
import { WatchedFlash } from './watched-flash.ts'

export interface SimBoardOptions {
  readonly name: string
  readonly config: BoardConfig
  readonly faults: Partial<BoardFaults>
  readonly clock: VirtualClock
  readonly seed: number
  /** Rate of the start; null where a rate means nothing. */
  readonly baudRate: number | null
  /** A rate that the board's hardware does not reach, though it accepts it. */
  readonly deafTo: number | undefined
  readonly violate: (what: string) => void
  /** The next chunk that the board is about to hear. */
  readonly onChunk: (board: SimBoard, chunk: Uint8Array) => void
  readonly onSay: (bytes: Uint8Array) => void
  /** It says that nothing is missing. */
  readonly liesAboutMissing: boolean
  /** It states a wrong hash, or that nothing is missing. */
  readonly onLie: () => void
  /** Its UART goes to another rate than that of the start. */
  readonly onBaud: (baud: number) => void
  readonly onFlash: (address: number, sizeBytes: number) => void
}

/** The board library with its flash, its UART and the eye that watches both. */
export class SimBoard {
  readonly name: string
  readonly config: BoardConfig
  readonly flash: WatchedFlash
  readonly watch: PatternWatch
  readonly #options: SimBoardOptions
  readonly #lines = new Set<MemoryLinkPair>()
  readonly #board: VirtualBoard
  readonly #said = new FrameDecoder(maxBodyBytes)
  #boots = 0
  /** Rate of its UART; 0: that of the start. */
  #baud = 0
  #muteSinceMs: number | undefined

  constructor(options: SimBoardOptions) {
    const { name, config, clock, seed, violate } = options
    this.name = name
    this.config = config
    this.#options = options
    this.flash = new WatchedFlash({ sizeBytes: config.storageBytes, eraseUnit: config.eraseUnit, seed })
    this.watch = new PatternWatch({ flash: this.flash, config, now: () => clock.now(), violate })
    this.#board = new VirtualBoard({
      config,
      flash: this.flash,
      faults: { ...noFaults, ...options.faults },
      clock,
      onSend: bytes => {
        this.say(this.#overhear(bytes))
      },
      onFrame: shown => this.watch.onShown(shown),
      onBaud: baud => this.#setBaud(baud),
    })
  }

  /** It hangs: neither hears nor answers. */
  get mute(): boolean {
    return this.#muteSinceMs !== undefined
  }

  set mute(mute: boolean) {
    this.#muteSinceMs = mute ? this.#options.clock.now() : undefined
  }

  /** Of its UART; null where a rate means nothing. */
  get rate(): number | null {
    return this.#baud === 0 ? this.#options.baudRate : this.#baud
  }

  /** Infinity while it is not mute. */
  get muteSinceMs(): number {
    return this.#muteSinceMs ?? Number.POSITIVE_INFINITY
  }

  get boots(): number {
    return this.#board.boots
  }

  start(): void {
    this.flash.onChange = (address, sizeBytes) => {
      this.#options.onFlash(address, sizeBytes)
      this.watch.onChange(address)
    }
    this.watch.look()
    this.#board.start()
  }

  stop(): void {
    this.#board.stop()
  }

  /** As a pulse on its RESET input. */
  reset(): void {
    this.#board.stop()
    this.mute = false
    this.#board.start()
  }

  /** True once after each start. */
  noticeBoot(): boolean {
    const booted = this.#board.boots !== this.#boots
    this.#boots = this.#board.boots
    return booted
  }

  /** Puts a line on the board; what it says goes to all lines. */
  connect(line: MemoryLinkPair): void {
    this.#lines.add(line)
    if (this.#baud !== 0) this.#tune(line.board)
    line.board.onClose(() => this.#lines.delete(line))
    line.board.onData(chunk => {
      this.#options.onChunk(this, chunk)
      if (!this.mute) this.#board.receive(chunk)
    })
  }

  /** Takes every line off the board; what is under way is lost. */
  disconnect(): void {
    for (const line of [...this.#lines]) line.cut()
    this.#lines.clear()
  }

  say(bytes: Uint8Array): void {
    if (this.mute) return
    this.#options.onSay(bytes)
    for (const line of this.#lines) line.board.write(bytes.slice())
  }

  /** What the library says, with the lie in it. */
  #overhear(bytes: Uint8Array): Uint8Array {
    const { faults, liesAboutMissing, onLie } = this.#options
    const lies: Uint8Array[] = []
    this.#said.push(bytes, ({ type, session, seq, body, version }) => {
      if (type === messageTypes.ACTIVATE) this.watch.trialBegins((body[17] ?? 0) | ((body[18] ?? 0) << 8))
      if (type === messageTypes.VERIFY && faults.lieHash === true) onLie()
      if (type !== messageTypes.HAVE || !liesAboutMissing) return
      onLie()
      // Block, offset and the number of missing blocks (SPEC §5.3).
      lies.push(encodeFrame(type, session, seq, body.slice().fill(0, 5, 11), version))
    })
    return lies.length === 0 ? bytes : Buffer.concat(lies)
  }

  #setBaud(baud: number): void {
    this.#baud = baud
    if (baud !== 0) this.#options.onBaud(baud)
    for (const line of this.#lines) this.#tune(line.board)
  }

  #tune(end: Link): void {
    const { baudRate, deafTo } = this.#options
    if (baudRate === null) return
    const rate = this.#baud === 0 ? baudRate : this.#baud === deafTo ? this.#baud - 1 : this.#baud
    void end.setBaudRate(rate)
  }
}
