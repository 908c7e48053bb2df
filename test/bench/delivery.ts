/** Paths of the two terminals of a modelled line. */
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
  readonly retransmittedBytes?: number
  readonly cpuSeconds?: number
}

/** One way to bring a payload from the host's end of a line to the board's. Ends by `timeoutMs`; a failure is told, not thrown. */
export type SendThroughLine = (
  line: ModelledLine,
  payload: Uint8Array,
  timeoutMs: number,
) => Promise<Delivery>

/** The gateway's own way: a board with raw codec on the line, bodies of `bodyBytes`, the payload as an opaque image. */
export type UploadThroughLine = (
  line: ModelledLine,
  payload: Uint8Array,
  options: { readonly bodyBytes: number; readonly baudRate: number; readonly timeoutMs: number },
) => Promise<Delivery>
