import { decodeManifest } from '../protocol/manifest.ts'
import type { Store } from '../store/store.ts'
import type { JobRecord } from '../store/tables/job-record.ts'
import { lineShare, parseStats } from './run-stats.ts'

/** What is said when a job is done; keys and meaning are a contract with scripts (docs/cli.md). */
export interface DoneReport {
  readonly event: 'done'
  /** SHA-256 of the stored image; of the file itself when it was sent raw. */
  readonly sha256: string
  /** As the board returned it. */
  readonly digest: { readonly alg: string; readonly value: string }
  /** Decoded. */
  readonly imageBytes: number
  /** After codec and COPY. */
  readonly payloadBytes: number
  readonly wireBytesOut: number
  readonly wireBytesIn: number
  /** First DATA of the image to last ACK. */
  readonly durationMs: number
  /** payload · 10 / (baud · seconds); null where no baud rate paces the bytes. */
  readonly lineShare: number | null
  /** Went again because they were lost on the line or with it. */
  readonly retransmittedBytes: number
  readonly resentBlocks: number
  readonly resumed: boolean
  readonly job: string
  readonly board: string
}

/** The report of a job in state `done`. */
export async function doneReport(store: Store, job: JobRecord): Promise<DoneReport> {
  if (job.manifestSha === null || job.digestAlg === null || job.digestValue === null)
    throw new Error(`job ${job.id} is not done`)
  const manifest = decodeManifest(await store.blobs.get(job.manifestSha))
  if (!manifest.ok) throw new Error(`the manifest of job ${job.id} cannot be read`)
  const stats = parseStats(job.statsJson)
  const payloadBytes = stats.streamedBytes === 0 ? 0 : manifest.value.imageBytes - stats.copiedBytes
  // Each run counts what it sends as new; what a cut took from an earlier one was sent twice.
  const sentAgainBytes = Math.max(0, stats.streamedBytes - payloadBytes)
  return {
    event: 'done',
    sha256: Buffer.from(manifest.value.sha256).toString('hex'),
    digest: { alg: job.digestAlg, value: job.digestValue },
    imageBytes: job.imageBytes,
    payloadBytes,
    wireBytesOut: stats.wireBytesOut,
    wireBytesIn: stats.wireBytesIn,
    durationMs: Math.round(stats.streamMs * 1000) / 1000,
    lineShare: lineShare({ ...stats, streamedBytes: stats.streamedBytes - sentAgainBytes }),
    retransmittedBytes: stats.retransmittedBytes + sentAgainBytes,
    resentBlocks: stats.resentBlocks,
    resumed: stats.resumed,
    job: job.id,
    board: job.boardId,
  }
}
