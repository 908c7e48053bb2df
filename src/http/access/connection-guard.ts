export interface ConnectionLimits {
  readonly connections: number
  /** Of one address; those that are exempt share `connections` alone. */
  readonly perAddress: number
}

interface Entry {
  readonly address: string | undefined
  /** Whole request heads that came. */
  requests: number
  /** Requests without a complete answer. */
  open: number
}

/**
 * Who may hold a connection. When there is no room, one that nobody needs goes: the oldest that has not sent a request yet,
 * else the one that is idle for the longest time. So those who only hold connections open cannot keep others out.
 */
export class ConnectionGuard<Id> {
  readonly #limits: ConnectionLimits
  readonly #entries = new Map<Id, Entry>()
  readonly #perAddress = new Map<string, number>()

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#entries.size
  }

  /** `address` undefined: exempt. Answers with what is to be closed to make room: another one, the new one, or none. */
  opened(id: Id, address: string | undefined): { readonly close: Id | undefined } {
    let close: Id | undefined
    if (address !== undefined && (this.#perAddress.get(address) ?? 0) >= this.#limits.perAddress) {
      close = this.#dispensable(entry => entry.address === address)
      if (close === undefined) return { close: id }
    } else if (this.#entries.size >= this.#limits.connections) {
      close = this.#dispensable(() => true)
      if (close === undefined) return { close: id }
    }
    if (close !== undefined) this.closed(close)
    this.#entries.set(id, { address, requests: 0, open: 0 })
    if (address !== undefined) this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1)
    return { close }
  }

  /** A request head came; answers with how many that makes. */
  asked(id: Id): number {
    const entry = this.#entries.get(id)
    if (entry === undefined) return 0
    entry.open += 1
    entry.requests += 1
    return entry.requests
  }

  answered(id: Id): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    entry.open -= 1
    // At the end of the map, so that it is found last among the idle ones.
    this.#entries.delete(id)
    this.#entries.set(id, entry)
  }

  /** Whether an answer is under way, into which nobody else may write. */
  isBusy(id: Id): boolean {
    return (this.#entries.get(id)?.open ?? 0) > 0
  }

  closed(id: Id): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#entries.delete(id)
    if (entry.address === undefined) return
    const left = (this.#perAddress.get(entry.address) ?? 1) - 1
    if (left === 0) this.#perAddress.delete(entry.address)
    else this.#perAddress.set(entry.address, left)
  }

  #dispensable(among: (entry: Entry) => boolean): Id | undefined {
    let idle: Id | undefined
    for (const [id, entry] of this.#entries) {
      if (entry.open > 0 || !among(entry)) continue
      if (entry.requests === 0) return id
      idle ??= id
    }
    return idle
  }
}
