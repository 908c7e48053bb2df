/** The storage of a board, as the C library's callbacks want it. Every call answers 0, or a negative error. */
export interface BoardStorage {
  read(address: number, into: Uint8Array): number
  /** Throws PowerCut when the supply fails in the middle of it. */
  write(address: number, data: Uint8Array): number
  /** Throws PowerCut when the supply fails in the middle of it. */
  erase(address: number, length: number): number
}

/** The supply failed: whoever called has no next instruction. Unwinds the board up to its socket. */
export class PowerCut extends Error {
  /** Number of the storage operation that was cut, the first being 1. */
  readonly operation: number

  constructor(operation: number) {
    super(`the power was cut at storage operation ${operation}`)
    this.name = 'PowerCut'
    this.operation = operation
  }
}
