import { type FileHandle, open } from 'node:fs/promises'
import { AppError, toError } from '../kernel/errors.ts'
import type { ShownFrame } from './wasm-board.ts'

/** Text that waits for a slow disk; frames beyond it are left out and counted. */
export const recorderCapBytes = 8 * 1024 * 1024

/** A line of the file. */
interface RecordedFrame {
  /** Milliseconds since the program started. */
  readonly t: number
  /** Id of the pattern, 32 hexadecimal digits; null for what is no pattern: black, live pixels, identify. */
  readonly pattern: string | null
  readonly frame: number | null
  readonly delayMs: number
  readonly leds: number
  /** Hexadecimal, strip order, wire colour order, after brightness. */
  readonly pixels: string
}

/**
 * Appends what a board shows to a file, a JSON object a line. Each frame is handed to the kernel at once unless the disk is
 * still busy with an earlier one; then all that waits follows in one write.
 */
export class FrameRecorder {
  readonly #file: FileHandle
  readonly #onFault: (error: AppError) => void
  #waiting: string[] = []
  #waitingBytes = 0
  #writing: Promise<void> | undefined
  #failed = false
  #omitted = 0

  constructor(file: FileHandle, onFault: (error: AppError) => void) {
    this.#file = file
    this.#onFault = onFault
  }

  /** Frames that found no room. */
  get omitted(): number {
    return this.#omitted
  }

  record(tMs: number, leds: number, shown: ShownFrame): void {
    const playing = shown.id.some(byte => byte !== 0)
    const line: RecordedFrame = {
      t: Math.round(tMs * 10) / 10,
      pattern: playing ? Buffer.from(shown.id).toString('hex') : null,
      frame: playing ? shown.frame : null,
      delayMs: shown.delayMs,
      leds,
      pixels: Buffer.from(shown.pixels).toString('hex'),
    }
    const text = `${JSON.stringify(line)}\n`
    if (this.#failed || this.#waitingBytes + text.length > recorderCapBytes) {
      this.#omitted++
      return
    }
    this.#waiting.push(text)
    this.#waitingBytes += text.length
    this.#writing ??= this.#write()
  }

  /** Settles when everything recorded is in the file. */
  async close(): Promise<void> {
    await this.#writing
    await this.#file.close()
  }

  async #write(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const text = this.#waiting.join('')
        this.#waiting = []
        this.#waitingBytes = 0
        await this.#file.appendFile(text)
      }
    } catch (cause) {
      this.#failed = true
      const message = `The frames cannot be recorded: ${toError(cause).message}`
      this.#onFault(new AppError('storage_failed', message, { cause }))
    } finally {
      this.#writing = undefined
    }
  }
}

/** Opens `path` for appending. Rejects with `storage_failed`; later faults go to `onFault`, once. */
export async function openFrameRecorder(
  path: string,
  onFault: (error: AppError) => void,
): Promise<FrameRecorder> {
  try {
    return new FrameRecorder(await open(path, 'a'), onFault)
  } catch (cause) {
    const message = `The frames cannot be recorded in ${path}: ${toError(cause).message}`
    throw new AppError('storage_failed', message, { cause })
  }
}
