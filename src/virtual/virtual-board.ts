import type { Clock, Timer } from '../kernel/clock.ts'
import type { BoardConfig } from './board-config.ts'
import type { BoardFaults } from './board-faults.ts'
import type { Flash } from './flash.ts'
import { lieAboutDigest } from './lying-board.ts'
import { type ShownFrame, WasmBoard } from './wasm-board.ts'

/** Time from a power cut, or a restart the board was asked for, to the next boot. */
export const DARK_MS = 300

/** Most work in a row before the event loop gets its turn; the steps count where time stands still. */
const STEPS_PER_TURN = 4096
const MS_PER_TURN = 5
/** Bytes given to the library at once: its staging area holds a frame of the largest size. */
const PART_BYTES = 4608
const LONGEST_WAIT_MS = 60_000

export interface VirtualBoardOptions {
  readonly config: BoardConfig
  readonly flash: Flash
  readonly faults: BoardFaults
  readonly clock: Clock
  readonly onSend: (bytes: Uint8Array) => void
  readonly onFrame?: (shown: ShownFrame) => void
  readonly onBaud?: (baud: number) => void
  /** The board goes dark, by a cut of its supply or to restart, and boots again. */
  readonly onPower?: (isOn: boolean, isCut: boolean) => void
}

/**
 * A board with its supply, its UART and its clock: drives a WasmBoard in the time of `clock` and injects the faults.
 *
 * While the flash is busy the UART collects up to `config.rxBuffer` bytes and loses what comes beyond, as hardware does;
 * pressing back on the sender would hide a window that is too large. What a busy, dark or mute board loses is counted.
 */
export class VirtualBoard {
  readonly #options: VirtualBoardOptions
  readonly #board: WasmBoard
  readonly #lie: ((bytes: Uint8Array) => Uint8Array) | undefined
  #timer: Timer | undefined
  #stopped = true
  #received: Uint8Array[] = []
  #receivedBytes = 0
  #heardBytes = 0
  #muteAfterBytes: number
  #lostBytes = 0
  /** Output that waits for the flash, and changes of rate that wait for the output before them. */
  #held: (Uint8Array | number)[] = []
  /** Of the UART; 0: that of the start. */
  #baud = 0
  #busyUntil = Number.NEGATIVE_INFINITY
  #boots = 0

  constructor(options: VirtualBoardOptions) {
    const { config, flash, clock, faults } = options
    this.#options = options
    this.#muteAfterBytes = faults.muteAfterBytes
    this.#lie = faults.lieHash ? lieAboutDigest() : undefined
    for (const operation of faults.powerCutAt) flash.cutAt(operation)
    this.#board = new WasmBoard({
      config,
      storage: flash,
      now: () => clock.now(),
      onSend: bytes => this.#send(bytes),
      onFrame: shown => options.onFrame?.(shown),
      onReboot: () => this.#goDark(false),
      onPowerCut: () => this.#powerCut(),
      onBaud: baud => this.#setBaud(baud),
    })
  }

  /** Bytes that came and that the board never saw. */
  get lostBytes(): number {
    return this.#lostBytes
  }

  /** Times the board was started; the first is `start`. */
  get boots(): number {
    return this.#boots
  }

  start(): void {
    this.#stopped = false
    this.#boot()
  }

  /** Switches the board off for good. The flash stays as it is. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#board.powerOff()
  }

  /** Bytes from the line. */
  receive(bytes: Uint8Array): void {
    const audible = Math.min(bytes.length, this.#muteAfterBytes - this.#heardBytes)
    this.#heardBytes += audible
    const room = this.#isBusy() ? this.#options.config.rxBuffer - this.#receivedBytes : bytes.length
    const taken = this.#board.alive ? Math.max(0, Math.min(audible, room)) : 0
    this.#lostBytes += bytes.length - taken
    if (taken === 0) return
    this.#received.push(bytes.subarray(0, taken))
    this.#receivedBytes += taken
    this.#work()
  }

  #isBusy(): boolean {
    return this.#busyUntil > this.#options.clock.now()
  }

  #isMute(): boolean {
    return this.#heardBytes >= this.#muteAfterBytes
  }

  #boot(): void {
    this.#boots++
    if (this.#baud !== 0) this.#tune(0)
    this.#options.onPower?.(true, false)
    this.#watchFlash(() => this.#board.reset())
    this.#work()
  }

  #powerCut(): void {
    if (this.#isMute()) this.#muteAfterBytes = Number.POSITIVE_INFINITY
    this.#goDark(true)
  }

  /** Memory is lost: what was received and not handled, what was to be sent and waits for the flash. */
  #goDark(isCut: boolean): void {
    this.#lostBytes += this.#receivedBytes
    this.#received = []
    this.#receivedBytes = 0
    this.#held = []
    this.#busyUntil = Number.NEGATIVE_INFINITY
    this.#options.onPower?.(false, isCut)
    this.#wake(DARK_MS, () => this.#boot())
  }

  #wake(delayMs: number, act: () => void): void {
    this.#timer?.cancel()
    if (!this.#stopped) this.#timer = this.#options.clock.setTimer(delayMs, act)
  }

  /** Handles what came and what is due, then sets the timer for the next time. */
  #work(): void {
    const { clock } = this.#options
    const begin = clock.now()
    for (let step = 0; step < STEPS_PER_TURN && clock.now() - begin < MS_PER_TURN; step++) {
      const wait = this.#step()
      if (wait === undefined) return
      if (wait > 0) {
        this.#wake(Math.min(wait, LONGEST_WAIT_MS), () => this.#work())
        return
      }
    }
    this.#wake(0, () => this.#work())
  }

  /** One poll and one part of the input. Returns the ms to wait, 0 = go on; undefined when the board has died. */
  #step(): number | undefined {
    const { clock } = this.#options
    if (!this.#board.alive) return undefined
    if (this.#isBusy()) return this.#busyUntil - clock.now()
    this.#release()
    let wait = 0
    this.#watchFlash(() => {
      wait = this.#board.poll()
    })
    if (!this.#board.alive) return undefined
    if (this.#isBusy()) return this.#busyUntil - clock.now()
    const part = this.#takePart()
    if (part === undefined) return wait
    this.#watchFlash(() => this.#board.sink(part))
    // Dead: the next timer is that of the boot and must stay.
    return this.#board.alive ? 0 : undefined
  }

  /** Slow flash: the time of the operations within `act` passes after it; until then the board does nothing. */
  #watchFlash(act: () => void): void {
    const { flash, faults, clock } = this.#options
    const before = flash.operations
    act()
    const operations = flash.operations - before
    if (faults.slowFlashMs > 0 && operations > 0 && this.#board.alive) {
      this.#busyUntil = clock.now() + operations * faults.slowFlashMs
    }
  }

  /** The next bytes for the board. With a slow flash one frame at a time, so that each waits for the one before. */
  #takePart(): Uint8Array | undefined {
    const [first] = this.#received
    if (first === undefined) return undefined
    const end = this.#options.faults.slowFlashMs > 0 ? first.indexOf(0) + 1 : 0
    const part = first.subarray(0, end === 0 ? PART_BYTES : Math.min(end, PART_BYTES))
    if (part.length === first.length) this.#received.shift()
    else this.#received[0] = first.subarray(part.length)
    this.#receivedBytes -= part.length
    return part
  }

  /** With a slow flash an answer leaves only when the operations before it are over. */
  #send(bytes: Uint8Array): void {
    if (this.#isMute()) return
    const said = this.#lie === undefined ? bytes : this.#lie(bytes)
    if (said.length === 0) return
    if (this.#options.faults.slowFlashMs > 0) this.#held.push(said)
    else this.#options.onSend(said)
  }

  #release(): void {
    const held = this.#held
    this.#held = []
    for (const out of held) {
      if (typeof out === 'number') this.#tune(out)
      else this.#options.onSend(out)
    }
  }

  /** What was said before is still sent at the old rate (SPEC §3.6). */
  #setBaud(baud: number): void {
    if (this.#held.length > 0) this.#held.push(baud)
    else this.#tune(baud)
  }

  #tune(baud: number): void {
    this.#baud = baud
    this.#options.onBaud?.(baud)
  }
}
