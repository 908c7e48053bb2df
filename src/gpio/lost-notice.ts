import type { AppError } from '../kernel/errors.ts'

/** Tells one listener once that a pin was lost, also a listener that comes later. */
export class LostNotice {
  #listener: ((error: AppError) => void) | undefined
  #error: AppError | undefined
  #off = false

  listen(listener: (error: AppError) => void): void {
    this.#listener = listener
    if (this.#error !== undefined && !this.#off) this.#deliver(this.#error)
  }

  tell(error: AppError): void {
    if (this.#error !== undefined || this.#off) return
    this.#error = error
    this.#deliver(error)
  }

  /** Nothing is told any more. */
  off(): void {
    this.#off = true
  }

  #deliver(error: AppError): void {
    if (this.#listener === undefined) return
    this.#off = true
    this.#listener(error)
  }
}
