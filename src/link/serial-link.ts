import { execFile } from 'node:child_process'
import { SerialPort } from 'serialport'
import type { Clock } from '../kernel/clock.ts'
import { withDeadline } from '../kernel/deadline.ts'
import { AppError } from '../kernel/errors.ts'
import { disconnectBinding } from './disconnect-binding.ts'
import type { Link } from './link.ts'
import { LinkEvents } from './link-events.ts'
import { portError } from './port-error.ts'
import { WriteQueue } from './write-queue.ts'

/** Reads come in pieces of a few hundred bytes; sixteen boards should not hold a megabyte for them. */
const readPoolBytes = 16 * 1024
/** A kernel may hold a close back while a stuck line drains (30 s on Linux). */
const closeTimeoutMs = 2_000
/** 4 KiB, the usual kernel buffer, at 9600 Bd and a little. */
const drainTimeoutMs = 5_000

const sttyTimeoutMs = 1_000

/** How a byte stands on the line; 8N1 where nothing is said. */
export interface SerialFormat {
  readonly dataBits?: 5 | 6 | 7 | 8 | undefined
  readonly parity?: 'none' | 'even' | 'odd' | undefined
  readonly stopBits?: 1 | 2 | undefined
}

export interface SerialOptions extends SerialFormat {
  /** Bits per second. */
  readonly baudRate: number
  readonly clock: Clock
  readonly openTimeoutMs: number
}

/**
 * Opens a serial port for this process alone. Modem lines are never waited for, so a pseudo-terminal will do.
 * Rejects with `port_missing`, `port_denied`, `port_busy` or `link_failed`.
 */
export async function openSerial(path: string, options: SerialOptions): Promise<Link> {
  const { baudRate, clock, openTimeoutMs, dataBits = 8, parity = 'none', stopBits = 1 } = options
  const settings = {
    path,
    baudRate,
    ...{ dataBits, parity, stopBits },
    binding: disconnectBinding,
    lock: true,
    hupcl: false,
    autoOpen: false,
    highWaterMark: readPoolBytes,
  }
  const port = new SerialPort(settings)
  const link = new SerialLink(port, clock)
  let abandoned = false
  const opened = new Promise<void>((resolve, reject) => {
    port.open(error => {
      if (error) reject(portError(path, error))
      else resolve()
      if (!error && abandoned) void link.close()
    })
  })
  try {
    const late = `${path} did not open within ${openTimeoutMs} ms. Unplug the board and plug it in again.`
    await withDeadline(clock, openTimeoutMs, opened, 'link_failed', late)
  } catch (error) {
    abandoned = true
    throw error
  }
  await keepModemLines(port)
  return link
}

/**
 * Clears HUPCL, so that closing does not drop DTR and the next open does not reset the board: the binding's `hupcl: false`
 * only leaves the bit as it was, and it is set by default. Without `stty` it stays.
 */
function keepModemLines(port: SerialPort): Promise<void> {
  const native: unknown = port.port
  return new Promise(resolve => {
    if (typeof native !== 'object' || native === null || !('fd' in native)) return resolve()
    const device = `/proc/${process.pid}/fd/${native.fd}`
    execFile('stty', ['-F', device, '-hupcl'], { timeout: sttyTimeoutMs }, () => resolve())
  })
}

class SerialLink implements Link {
  readonly kind = 'serial'
  readonly #port: SerialPort
  readonly #clock: Clock
  readonly #events = new LinkEvents()
  readonly #queue: WriteQueue
  #closing = false
  /** Waits of `setBaudRate` for an empty queue. */
  #emptied: (() => void)[] = []

  constructor(port: SerialPort, clock: Clock) {
    this.#port = port
    this.#clock = clock
    this.#queue = new WriteQueue(
      (batch, done) => void port.write(batch, error => done(!error)),
      () => this.#drained(),
    )
    port.on('data', (chunk: Buffer) => this.#events.deliver(chunk))
    // After a failed write both the port and its stream tell the end: the first counts.
    port.on('error', error => this.#ended(error))
    port.on('close', (error?: Error | null) => this.#ended(error ?? undefined))
  }

  get address(): string {
    return this.#port.path
  }

  get baudRate(): number {
    return this.#port.baudRate
  }

  get queuedBytes(): number {
    return this.#queue.bytes
  }

  write(bytes: Uint8Array): boolean {
    return this.#queue.push(bytes)
  }

  onData(listener: (chunk: Uint8Array) => void): void {
    this.#events.onData(listener)
  }

  onDrain(listener: () => void): void {
    this.#events.onDrain(listener)
  }

  onClose(listener: (error: AppError | undefined) => void): void {
    this.#events.onClose(listener)
  }

  async setBaudRate(baudRate: number): Promise<void> {
    if (this.#closing || this.#events.isClosed) throw new AppError('link_lost', `${this.address} is closed.`)
    const late = `${this.address} did not send what was written within ${drainTimeoutMs} ms.`
    await withDeadline(this.#clock, drainTimeoutMs, this.#changeRate(baudRate), 'link_failed', late)
  }

  async #changeRate(baudRate: number): Promise<void> {
    if (this.#queue.bytes > 0) await new Promise<void>(resolve => this.#emptied.push(resolve))
    if (this.#events.isClosed) throw new AppError('link_lost', `${this.address} was closed.`)
    await new Promise<void>((resolve, reject) => {
      const refused = (cause: Error) => {
        const message = `${this.address} does not take ${baudRate} bit/s: ${cause.message}`
        reject(new AppError('link_failed', message, { cause }))
      }
      this.#port.drain(undrained => {
        if (undrained) refused(undrained)
        else this.#port.update({ baudRate }, error => (error ? refused(error) : resolve()))
      })
    })
  }

  async close(): Promise<void> {
    if (this.#events.isClosed) return
    const closed = new Promise<void>(resolve => this.#events.onClose(() => resolve()))
    if (!this.#closing) {
      this.#closing = true
      this.#queue.stop()
      const timer = this.#clock.setTimer(closeTimeoutMs, () => this.#ended(undefined))
      this.#events.onClose(() => timer.cancel())
      if (this.#port.isOpen) this.#port.close(() => this.#ended(undefined))
    }
    await closed
  }

  #drained(): void {
    this.#release()
    this.#events.drained()
  }

  #release(): void {
    const waits = this.#emptied
    this.#emptied = []
    for (const resolve of waits) resolve()
  }

  #ended(cause: Error | undefined): void {
    this.#queue.stop()
    const message = `${this.address} is gone: the board was unplugged or its adapter failed.`
    this.#events.closed(this.#closing ? undefined : new AppError('link_lost', message, { cause }))
    this.#release()
  }
}
