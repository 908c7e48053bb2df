/** Something that has bytes to hand to its socket. */
interface Sender {
  flush(): void
}

const scratchBytes = 64 * 1024

/** Gathers what all connections send during one turn of the event loop, so that each has one write for many packets. */
export class SendTurn {
  #senders: Sender[] = []
  #scratch: Buffer | undefined

  add(sender: Sender): void {
    if (this.#senders.push(sender) === 1) setImmediate(this.#run)
  }

  /** Room to put packets together; whoever cannot give it back at once calls `keepScratch`. */
  scratch(): Buffer {
    this.#scratch ??= Buffer.allocUnsafeSlow(scratchBytes)
    return this.#scratch
  }

  keepScratch(): void {
    this.#scratch = undefined
  }

  readonly #run = (): void => {
    const senders = this.#senders
    this.#senders = []
    for (const sender of senders) sender.flush()
  }
}
