import type { AppError } from '../kernel/errors.ts'

/** Bytes kept for a reader that has not come yet; later ones are dropped, as a UART without a reader does. */
export const earlyCapBytes = 64 * 1024

/** What every link tells its owner, with the promises of `Link`: early bytes kept, close told once, silence afterwards. */
export class LinkEvents {
  #read: ((chunk: Uint8Array) => void) | undefined
  #early: Uint8Array[] = []
  #earlyBytes = 0
  #drain: (() => void) | undefined
  #closeListeners: ((error: AppError | undefined) => void)[] = []
  #end: { readonly error: AppError | undefined } | undefined

  get isClosed(): boolean {
    return this.#end !== undefined
  }

  onData(listener: (chunk: Uint8Array) => void): void {
    this.#read = listener
    const early = this.#early
    this.#early = []
    this.#earlyBytes = 0
    for (const chunk of early) listener(chunk)
  }

  onDrain(listener: () => void): void {
    this.#drain = listener
  }

  onClose(listener: (error: AppError | undefined) => void): void {
    if (this.#end !== undefined) listener(this.#end.error)
    else this.#closeListeners.push(listener)
  }

  deliver(chunk: Uint8Array): void {
    if (this.#end !== undefined) return
    if (this.#read !== undefined) this.#read(chunk)
    else if (this.#earlyBytes + chunk.length <= earlyCapBytes) {
      this.#early.push(chunk)
      this.#earlyBytes += chunk.length
    }
  }

  drained(): void {
    if (this.#end === undefined) this.#drain?.()
  }

  /** Only the first call counts. */
  closed(error: AppError | undefined): void {
    if (this.#end !== undefined) return
    this.#end = { error }
    const listeners = this.#closeListeners
    this.#closeListeners = []
    for (const listener of listeners) listener(error)
  }
}
