import { createConnection, type Socket } from 'node:net'
import type { Clock } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import type { Link } from './link.ts'
import { LinkEvents } from './link-events.ts'
import { WriteQueue } from './write-queue.ts'

/** Silence after which the kernel asks whether the peer still lives; the protocol's own heartbeat is faster (SPEC §3.7). */
const keepAliveDelayMs = 10_000

export interface TcpOptions {
  readonly connectTimeoutMs: number
  readonly clock: Clock
}

/** Connects to a board. Rejects with `link_failed`. */
export function openTcp(host: string, port: number, options: TcpOptions): Promise<Link> {
  const { clock, connectTimeoutMs } = options
  const address = `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`
  return new Promise((resolve, reject) => {
    const socket = createConnection({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveDelayMs,
    })
    const link = new TcpLink(address, socket)
    const settle = (error: AppError | undefined) => {
      timer.cancel()
      socket.off('error', refused)
      if (error === undefined) return resolve(link)
      socket.destroy()
      reject(error)
    }
    const refused = (error: Error) => settle(connectError(address, error))
    const timer = clock.setTimer(connectTimeoutMs, () =>
      settle(
        new AppError(
          'link_failed',
          `${address} did not answer within ${connectTimeoutMs} ms: is the board on and in this network?`,
        ),
      ),
    )
    socket.on('error', refused)
    socket.once('connect', () => settle(undefined))
  })
}

const connectFaults: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'answers, but nothing listens on this port: check the port, or restart the board',
  EHOSTUNREACH: 'cannot be reached: is the board on and in this network?',
  ENETUNREACH: 'is in a network this machine has no way to: check the address and the network cable or Wi-Fi',
  ENOTFOUND: 'is a name nobody knows: check its spelling, or use the IP address',
  EAI_AGAIN: 'could not be looked up: the name server does not answer. Use the IP address',
  ETIMEDOUT: 'did not answer: is the board on and in this network?',
}

/** The fault of a connect, in plain words with its cure. */
export function connectError(address: string, cause: Error): AppError {
  const errno = 'code' in cause ? String(cause.code) : ''
  const what = connectFaults[errno] ?? `could not be connected: ${cause.message || errno}`
  return new AppError('link_failed', `${address} ${what}.`, { cause, detail: { errno } })
}

class TcpLink implements Link {
  readonly kind = 'tcp'
  readonly address: string
  readonly baudRate = null
  readonly #socket: Socket
  readonly #events = new LinkEvents()
  readonly #queue: WriteQueue
  #closing = false

  constructor(address: string, socket: Socket) {
    this.address = address
    this.#socket = socket
    this.#queue = new WriteQueue(
      (batch, done) => void socket.write(batch, error => done(!error)),
      () => this.#events.drained(),
    )
    let cause: Error | undefined
    socket.on('data', (chunk: Buffer) => this.#events.deliver(chunk))
    socket.on('error', error => {
      cause = toError(error)
    })
    // A board that sends no more is of no use, so half a close is a close.
    socket.on('end', () => socket.destroy())
    socket.on('close', () => this.#ended(cause))
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

  async setBaudRate(): Promise<void> {}

  async close(): Promise<void> {
    if (this.#events.isClosed) return
    const closed = new Promise<void>(resolve => this.#events.onClose(() => resolve()))
    this.#closing = true
    this.#queue.stop()
    this.#socket.destroy()
    await closed
  }

  #ended(cause: Error | undefined): void {
    this.#queue.stop()
    const message = cause
      ? `${this.address} was lost: ${cause.message}.`
      : `${this.address} closed the connection.`
    this.#events.closed(this.#closing ? undefined : new AppError('link_lost', message, { cause }))
  }
}
