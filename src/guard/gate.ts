import { AppError } from '../kernel/errors.ts'

export interface GateOptions {
  /** Works that run at once. */
  readonly running: number
  /** Works that wait for their turn; one more is refused as `overloaded`. */
  readonly waiting: number
  /** Of the refusal: what the caller should do. */
  readonly message: string
}

/** Lets few expensive works run at a time, in the order in which they came. */
export class Gate {
  readonly #options: GateOptions
  readonly #queue: (() => void)[] = []
  #running = 0

  constructor(options: GateOptions) {
    this.#options = options
  }

  /** Works that wait for their turn. */
  get waiting(): number {
    return this.#queue.length
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.#enter()
    try {
      return await work()
    } finally {
      const next = this.#queue.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }

  #enter(): Promise<void> | undefined {
    const { running, waiting, message } = this.#options
    if (this.#running < running) {
      this.#running += 1
      return undefined
    }
    if (this.#queue.length >= waiting) throw new AppError('overloaded', message)
    return new Promise(resolve => this.#queue.push(resolve))
  }
}
