import { AppError } from '../kernel/errors.ts'
import { errorCodes, errorName } from '../protocol/wire-errors.ts'
import type { BoardConfig } from './board-config.ts'
import { encodeBoardConfig } from './board-config.ts'
import { type BoardExports, type BoardImports, instantiateBoard, STAGING_BYTES } from './board-module.ts'
import { type BoardStorage, PowerCut } from './board-storage.ts'

/** A frame that the board shows. */
export interface ShownFrame {
  /** Number of the frame within the pattern. */
  readonly frame: number
  readonly delayMs: number
  /** 16 bytes: id of the playing pattern. */
  readonly id: Uint8Array
  /** Strip order, wire colour order, after brightness. Valid during the call only. */
  readonly pixels: Uint8Array
}

export interface WasmBoardOptions {
  readonly config: BoardConfig
  readonly storage: BoardStorage
  /** Milliseconds of any monotonic clock. */
  readonly now: () => number
  /** Bytes for the line, framed (SPEC §1.1). They are the receiver's to keep. */
  readonly onSend: (bytes: Uint8Array) => void
  readonly onFrame?: (shown: ShownFrame) => void
  /** The board wants to restart; it is dead until `reset`. */
  readonly onReboot?: () => void
  /** The supply failed at a storage operation; the board is dead until `reset`. */
  readonly onPowerCut?: (cut: PowerCut) => void
  readonly onBaud?: (baud: number) => void
}

/** Unwinds the module out of `reboot`, from which a real board does not return. */
class Reboot extends Error {}

/** RGB, and with white (SPEC §10.2). */
const FEWEST_CHANNELS = 3
const MOST_CHANNELS = 4

/**
 * A board in this process: the C library, compiled to WebAssembly, over a storage. It has no timers, so that it runs in
 * real and in virtual time alike: give it bytes with `sink` and call `poll` when the time that `poll` answered is over.
 */
export class WasmBoard {
  readonly #options: WasmBoardOptions
  readonly #pixels: Uint8Array
  /** Bytes of the whole picture, and of the pieces that came since the last show. */
  #pixelBytes = 0
  #drawnBytes = 0
  #shownId = ''
  #exports: BoardExports | undefined
  #bytes = new Uint8Array(0)

  /** Nothing runs before `reset`. */
  constructor(options: WasmBoardOptions) {
    this.#options = options
    this.#pixels = new Uint8Array(options.config.leds * MOST_CHANNELS)
  }

  get alive(): boolean {
    return this.#exports !== undefined
  }

  /** A power cycle: memory is gone, the storage stays. Throws AppError when the library refuses the configuration. */
  reset(): void {
    this.#pixels.fill(0)
    this.#pixelBytes = 0
    this.#drawnBytes = 0
    this.#shownId = ''
    const board = instantiateBoard(this.#imports())
    this.#exports = board
    this.#memory().set(encodeBoardConfig(this.#options.config), board.board_config_ptr())
    const status = this.#run(exports => exports.board_start(this.#nowMs()), 0)
    if (status >= 0) return
    this.#exports = undefined
    throw refusal(status)
  }

  /** The supply is off: nothing happens until `reset`. */
  powerOff(): void {
    this.#exports = undefined
  }

  /** Bytes from the line; the time of the last `poll` counts. A dead board hears nothing. */
  sink(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && this.#exports !== undefined; at += STAGING_BYTES) {
      const part = bytes.subarray(at, at + STAGING_BYTES)
      this.#run(exports => {
        this.#memory().set(part, exports.board_rx_ptr())
        return exports.board_sink(part.length)
      }, 0)
    }
  }

  /** Does what is due. Returns the milliseconds until the next call is wanted, 0 = at once, Infinity = dead. */
  poll(now: number = this.#options.now()): number {
    return this.#run(exports => exports.board_poll(Math.floor(now) >>> 0), Number.POSITIVE_INFINITY)
  }

  /** Milliseconds as the library has them: u32, wrapping. */
  #nowMs(): number {
    return Math.floor(this.#options.now()) >>> 0
  }

  #run(call: (exports: BoardExports) => number, whenDead: number): number {
    const exports = this.#exports
    if (exports === undefined) return whenDead
    try {
      return call(exports)
    } catch (thrown) {
      this.#exports = undefined
      if (thrown instanceof PowerCut) this.#options.onPowerCut?.(thrown)
      else if (thrown instanceof Reboot) this.#options.onReboot?.()
      else throw thrown
      return whenDead
    }
  }

  /** The module's memory as bytes; made anew when it has grown. */
  #memory(): Uint8Array {
    const buffer = this.#exports?.memory.buffer
    if (buffer !== undefined && this.#bytes.buffer !== buffer) this.#bytes = new Uint8Array(buffer)
    return this.#bytes
  }

  #view(pointer: number, length: number): Uint8Array {
    const from = pointer >>> 0
    return this.#memory().subarray(from, from + (length >>> 0))
  }

  #imports(): BoardImports {
    const { storage, onSend, onFrame, onBaud } = this.#options
    return {
      storage_read: (address, pointer, length) => storage.read(address >>> 0, this.#view(pointer, length)),
      storage_write: (address, pointer, length) => storage.write(address >>> 0, this.#view(pointer, length)),
      storage_erase: (address, length) => storage.erase(address >>> 0, length >>> 0),
      send: (pointer, length) => onSend(this.#view(pointer, length).slice()),
      pixels: (offset, pointer, length) => this.#place(offset >>> 0, this.#view(pointer, length)),
      show: (frame, delayMs, idPointer) => {
        const id = this.#view(idPointer, 16).slice()
        const pixels = this.#picture(id)
        onFrame?.({ frame: frame >>> 0, delayMs: delayMs >>> 0, id, pixels })
      },
      set_baud: baud => onBaud?.(baud >>> 0),
      reboot: () => {
        throw new Reboot()
      },
    }
  }

  #place(offset: number, bytes: Uint8Array): void {
    const room = this.#pixels.subarray(offset)
    room.set(bytes.subarray(0, room.length))
    this.#drawnBytes = Math.max(this.#drawnBytes, Math.min(offset + bytes.length, this.#pixels.length))
  }

  /**
   * All LEDs as they are now. The first picture of a pattern covers every LED, so it tells how many channels they have;
   * later ones may leave the LEDs beyond the pattern as they are, and a live FRAME may cover any part.
   */
  #picture(id: Uint8Array): Uint8Array {
    const shownId = Buffer.from(id).toString('hex')
    const drawnBytes = this.#drawnBytes
    const coversAll = drawnBytes >= this.#options.config.leds * FEWEST_CHANNELS
    const isFirst = shownId !== this.#shownId || id.every(byte => byte === 0)
    this.#pixelBytes = coversAll && isFirst ? drawnBytes : Math.max(this.#pixelBytes, drawnBytes)
    this.#drawnBytes = 0
    this.#shownId = shownId
    return this.#pixels.subarray(0, this.#pixelBytes)
  }
}

/** What `board_start` answers to a configuration that cannot be (SPEC §2.6, negated). */
function refusal(status: number): AppError {
  const message =
    status === -errorCodes.TOO_LARGE
      ? 'The flash is too small for that many slots: give it more bytes or fewer slots.'
      : `The board library refuses this configuration: ${errorName(-status) ?? status}.`
  return new AppError('config_invalid', message)
}

/** A board that has booted. */
export function createWasmBoard(options: WasmBoardOptions): WasmBoard {
  const board = new WasmBoard(options)
  board.reset()
  return board
}
