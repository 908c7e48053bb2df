import type { AppError } from '../kernel/errors.ts'

/** The line of a virtual board, as the board sees it. */
export interface BoardTransport {
  readonly kind: 'pty' | 'tcp' | 'serial'
  /** How a client reaches the board: the pty's link, `host:port`, or the device. */
  readonly path: string
  /** Never blocks. Drops the bytes whole when nobody is there or `outputCapBytes` already wait for a slow reader. */
  write(bytes: Uint8Array): void
  /** The board changes its rate, 0 = to that of the start; nothing happens where a rate means nothing. */
  setBaud(baud: number): void
  close(): Promise<void>
}

export interface TransportListeners {
  /** A chunk belongs to the listener. */
  readonly onData: (chunk: Uint8Array) => void
  /** The line is gone for good; called at most once. */
  readonly onFault: (error: AppError) => void
}

/** Output kept for a client that reads slowly; a board's UART would lose it at once. */
export const outputCapBytes = 256 * 1024
