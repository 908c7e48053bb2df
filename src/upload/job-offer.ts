import { decodeManifest } from '../protocol/manifest.ts'
import type { Store } from '../store/store.ts'
import type { JobRecord } from '../store/tables/job-record.ts'

/** What is known of what a job will send. */
export interface JobOffer {
  /** Hexadecimal, SPEC §4.1. */
  readonly transferId: string
  /** As stored on the board. */
  readonly imageBytes: number
  readonly blocks: number
  /** The largest block. */
  readonly blockBytes: number
  /** Of the image, hexadecimal. */
  readonly sha256: string
  readonly manifestBytes: number
}

/** undefined: its image is not made yet, since nobody knows what the board can take. */
export async function jobOffer(
  store: Pick<Store, 'blobs'>,
  { manifestSha, transferId }: JobRecord,
): Promise<JobOffer | undefined> {
  if (manifestSha === null || transferId === null) return undefined
  const bytes = await store.blobs.get(manifestSha)
  const manifest = decodeManifest(bytes)
  if (!manifest.ok) return undefined
  const { imageBytes, blocks, sha256 } = manifest.value
  return {
    transferId,
    imageBytes,
    blocks: blocks.length,
    blockBytes: blocks.reduce((most, { storedBytes }) => Math.max(most, storedBytes), 0),
    sha256: Buffer.from(sha256).toString('hex'),
    manifestBytes: bytes.length,
  }
}
