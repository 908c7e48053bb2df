/** Paths of the two terminals of a modelled line; none at the board's end when a native board is there. */
export interface ModelledLine {
  readonly host: string
  readonly board: string
}

/** What became of a payload. */
export interface Delivery {
  /** From the first byte of the transfer proper to its confirmed end. */
  readonly seconds: number
  /** All of it arrived, byte for byte, and both ends know. */
  readonly complete: boolean
  /** What else is worth telling. */
  readonly detail?: Readonly<Record<string, number | string>>
}

/** One way to bring a payload from the host's end of a line to the board's. Ends by `timeoutMs`; a failure is told, not thrown. */
export type SendThroughLine = (
  line: ModelledLine,
  payload: Uint8Array,
  timeoutMs: number,
) => Promise<Delivery>
