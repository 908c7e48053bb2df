import { writeCapBytes } from './link.ts'

/**
 * Most bytes handed over in one write. CPU is spent per write, not per byte, so small frames travel together; what is
 * handed over can no longer be dropped, so it stays well below a window.
 */
const batchBytes = 16 * 1024

/** Hands a batch on and calls `done` when all of it has left; with false when the link is dead. */
type Send = (batch: Uint8Array, done: (alive: boolean) => void) => void

/**
 * The capped queue between `Link.write` and the kernel. Writes of one tick leave together; one batch is under way at a time.
 */
export class WriteQueue {
  readonly #send: Send
  readonly #onEmpty: () => void
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #batch = 0
  #scheduled = false
  #stopped = false

  constructor(send: Send, onEmpty: () => void) {
    this.#send = send
    this.#onEmpty = onEmpty
  }

  /** Bytes waiting and under way. */
  get bytes(): number {
    return this.#waitingBytes + this.#batch
  }

  /** False: over the cap or stopped, nothing was taken. */
  push(bytes: Uint8Array): boolean {
    if (this.#stopped || this.bytes + bytes.length > writeCapBytes) return false
    if (bytes.length === 0) return true
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    this.#schedule()
    return true
  }

  /** Drops everything and takes nothing more. */
  stop(): void {
    this.#stopped = true
    this.#waiting = []
    this.#waitingBytes = 0
    this.#batch = 0
  }

  #schedule(): void {
    if (this.#scheduled || this.#batch > 0) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      if (!this.#stopped) this.#sendNext()
    })
  }

  #sendNext(): void {
    const batch = this.#take()
    this.#batch = batch.length
    this.#send(batch, alive => {
      if (this.#stopped) return
      if (!alive) return this.stop()
      this.#batch = 0
      if (this.#waitingBytes > 0) this.#sendNext()
      else this.#onEmpty()
    })
  }

  /** As many whole writes as fit a batch, at least one. */
  #take(): Uint8Array {
    let count = 0
    let sizeBytes = 0
    for (const chunk of this.#waiting) {
      if (count > 0 && sizeBytes + chunk.length > batchBytes) break
      count += 1
      sizeBytes += chunk.length
    }
    const taken = this.#waiting.splice(0, count)
    this.#waitingBytes -= sizeBytes
    const [only] = taken
    return only !== undefined && count === 1 ? only : Buffer.concat(taken, sizeBytes)
  }
}
