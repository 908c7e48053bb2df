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
  const storedBytes = manifest.value.imageBytes
  return {
    event: 'done',
    sha256: Buffer.from(manifest.value.sha256).toString('hex'),
    digest: { alg: job.digestAlg, value: job.digestValue },
    imageBytes: job.imageBytes,
    payloadBytes: stats.streamedBytes === 0 ? 0 : storedBytes - stats.copiedBytes,
    wireBytesOut: stats.wireBytesOut,
    wireBytesIn: stats.wireBytesIn,
    durationMs: Math.round(stats.streamMs * 1000) / 1000,
    lineShare: lineShare(stats),
    retransmittedBytes: stats.retransmittedBytes,
    resentBlocks: stats.resentBlocks,
    resumed: stats.resumed,
    job: job.id,
    board: job.boardId,
  }
}
