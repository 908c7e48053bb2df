import { toError } from './errors.ts'
import type { Log } from './log.ts'

/** What was opened and has to be closed, in the opposite order. */
export class Closers {
  readonly #log: Log
  readonly #closers: { readonly name: string; readonly close: () => unknown }[] = []
  #closed: Promise<void> | undefined

  constructor(log: Log) {
    this.#log = log
  }

  add(name: string, close: () => unknown): void {
    this.#closers.push({ name, close })
  }

  /** One that fails does not keep the others open. May be called again. Never rejects. */
  close(): Promise<void> {
    this.#closed ??= this.#closeAll()
    return this.#closed
  }

  async #closeAll(): Promise<void> {
    for (const { name, close } of this.#closers.reverse()) {
      try {
        await close()
      } catch (thrown) {
        this.#log.error({ part: name, err: toError(thrown) }, 'a part of the gateway could not be closed')
      }
    }
  }
}
