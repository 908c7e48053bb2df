import type { AppError } from '../kernel/errors.ts'
import { type Link, writeCapBytes } from './link.ts'
import { LinkEvents } from './link-events.ts'

/** Hands one message on; settles when it is with those it is for, or given up. Never rejects. */
export type SendMessage = (message: Uint8Array, job: string | undefined) => Promise<void>

/**
 * The way to a board whose frames travel as messages (SPEC §11), over whatever carries them: messages go out by `send` and
 * come in by `receive`.
 */
export class MqttLink implements Link {
  readonly kind = 'mqtt'
  readonly address: string
  readonly baudRate = null
  readonly #send: SendMessage
  readonly #events = new LinkEvents()
  #queuedBytes = 0

  constructor(address: string, send: SendMessage) {
    this.address = address
    this.#send = send
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  write(bytes: Uint8Array, job?: string): boolean {
    if (this.#events.isClosed || this.#queuedBytes + bytes.length > writeCapBytes) return false
    this.#queuedBytes += bytes.length
    void this.#send(bytes, job).then(() => {
      this.#queuedBytes -= bytes.length
      if (this.#queuedBytes === 0) this.#events.drained()
    })
    return true
  }

  /** A message of the board. */
  receive(message: Uint8Array): void {
    this.#events.deliver(message)
  }

  /** The board is gone. */
  lost(error: AppError): void {
    this.#events.closed(error)
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
    this.#events.closed(undefined)
  }
}
