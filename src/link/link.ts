import type { AppError } from '../kernel/errors.ts'

/**
 * Bytes a link holds ahead of the kernel; `write` refuses what would go beyond. Four times the largest window a board can
 * grant (u16, SPEC §3.2), so a sender that keeps its window never meets the cap.
 */
export const writeCapBytes = 256 * 1024

/**
 * A two-way stream of bytes to one board. It may lose or damage bytes; it never reorders them. One of the kind `mqtt` carries
 * messages instead: each `write`, and each chunk, is one whole (SPEC §11.1).
 */
export interface Link {
  /** For people: `/dev/ttyUSB0`, `tcp://host:port` or `mqtt://user@host`. */
  readonly address: string
  readonly kind: 'serial' | 'tcp' | 'mqtt' | 'memory'
  /** Bits per second of the line; null where a rate means nothing. */
  readonly baudRate: number | null
  /** Bytes accepted by `write` and not yet handed to the kernel. */
  readonly queuedBytes: number
  /**
   * Queues bytes; the caller must not change them afterwards. False: nothing was taken, because the queue would pass
   * `writeCapBytes` or the link is closed. `job`: the upload that they belong to; only links of messages care (SPEC §11.2).
   */
  write(bytes: Uint8Array, job?: string): boolean
  /**
   * The one reader; a later call takes over. Bytes that came before the first call are handed over within it, so nothing
   * is lost between opening and listening. A chunk belongs to the reader.
   */
  onData(listener: (chunk: Uint8Array) => void): void
  /** Called each time the write queue has emptied; a later call takes over. */
  onDrain(listener: () => void): void
  /**
   * Each listener is called exactly once, within this call if the link is closed already. `link_lost` when it broke,
   * undefined when `close` was called here.
   */
  onClose(listener: (error: AppError | undefined) => void): void
  /**
   * Changes the rate once everything written has left, as far as the kernel can tell. Bytes that arrive meanwhile are
   * lost. Does nothing where `baudRate` is null. Rejects with `link_failed` or `link_lost`.
   */
  setBaudRate(baudRate: number): Promise<void>
  /** Drops what is queued and closes; may be called any number of times and never rejects. */
  close(): Promise<void>
}
