import type { AppError } from '../kernel/errors.ts'

/** The line of a virtual board, as the board sees it. */
export interface BoardTransport {
  readonly kind: 'pty' | 'tcp' | 'serial' | 'mqtt'
  /** How a client reaches the board: the pty's link, `host:port`, the device, or the URL of the broker. */
  readonly path: string
  /** Never blocks. Drops the bytes whole when nobody is there or `outputCapBytes` already wait for a slow reader. */
  write(bytes: Uint8Array): void
  /** The board changes its rate, 0 = to that of the start; nothing happens where a rate means nothing. */
  setBaud(baud: number): void
  /** The board's supply fails (`isCut`), or it restarts; and it is back. Nothing happens where the line has a supply of its own. */
  power?(isOn: boolean, isCut: boolean): void
  /** When a client can reach the board; left out: it can. */
  readonly ready?: Promise<void>
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
