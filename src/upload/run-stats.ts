import type { SenderProgress } from '../protocol/sender/sender.ts'

/** What moving a job's bytes has cost so far, over all its runs; kept in the job's row. */
export interface RunStats {
  readonly wireBytesOut: number
  readonly wireBytesIn: number
  /** First image DATA to last ACK, pauses between runs left out. */
  readonly streamMs: number
  /** Bytes of the image sent for the first time within `streamMs`. */
  readonly streamedBytes: number
  readonly copiedBytes: number
  readonly retransmittedBytes: number
  readonly resentBlocks: number
  readonly resumed: boolean
  readonly baudRate: number | null
}

export const noStats: RunStats = {
  wireBytesOut: 0,
  wireBytesIn: 0,
  streamMs: 0,
  streamedBytes: 0,
  copiedBytes: 0,
  retransmittedBytes: 0,
  resentBlocks: 0,
  resumed: false,
  baudRate: null,
}

export const parseStats = (json: string | null): RunStats =>
  json === null ? noStats : { ...noStats, ...JSON.parse(json) }

export interface Wire {
  readonly bytesOut: number
  readonly bytesIn: number
  readonly baudRate: number | null
}

/** The stats of earlier runs and of the one that runs now. */
export function addRun(before: RunStats, run: SenderProgress, wire: Wire): RunStats {
  return {
    wireBytesOut: before.wireBytesOut + wire.bytesOut,
    wireBytesIn: before.wireBytesIn + wire.bytesIn,
    streamMs: before.streamMs + run.streamMs,
    streamedBytes: before.streamedBytes + run.payloadBytes,
    copiedBytes: before.copiedBytes + run.copiedBytes,
    retransmittedBytes: before.retransmittedBytes + run.retransmittedBytes,
    resentBlocks: before.resentBlocks + run.resentBlocks,
    resumed: before.resumed || run.resumed,
    baudRate: wire.baudRate,
  }
}

/** Share of the line that was payload, 10 bits a byte (8N1); null where no rate paces the bytes. */
export function lineShare({ streamedBytes, streamMs, baudRate }: RunStats): number | null {
  if (baudRate === null || streamMs === 0) return null
  return (streamedBytes * 10) / (baudRate * (streamMs / 1000))
}
