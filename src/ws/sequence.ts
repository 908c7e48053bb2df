/** Numbers of everything that the gateway says in one run. */
export class Sequence {
  /** Tells this run from others; a number of another one means nothing. */
  readonly epoch: string
  /** Begins at 1, since each connection is greeted under the number 1. */
  #last = 1

  constructor(epoch: string) {
    this.epoch = epoch
  }

  /** The number given last. */
  get last(): number {
    return this.#last
  }

  next(): number {
    this.#last += 1
    return this.#last
  }
}
