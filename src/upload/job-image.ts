import type { BoardProfile } from '../board/profile.ts'
import { AppError } from '../kernel/errors.ts'
import { crc32 } from '../protocol/crc32.ts'
import { decodeManifest, encodeManifest, type Manifest, transferId } from '../protocol/manifest.ts'
import type { Store } from '../store/store.ts'
import type { JobRecord } from '../store/tables/job-record.ts'
import type { PatternThread } from './pattern-thread/pattern-thread.ts'
import type { ImageCaps } from './prepare.ts'
import type { UploadOptions } from './upload-options.ts'

/** What goes to the board for one job. */
export interface JobImage {
  readonly manifest: Uint8Array
  readonly manifestCrc: number
  readonly image: Uint8Array
  readonly blocks: readonly {
    readonly crc32: number
    readonly storedBytes: number
    readonly codec: number
    readonly frames: number
  }[]
  readonly id: Uint8Array
  readonly sha256: Uint8Array
  readonly decodedBytes: number
}

/** The image that an earlier run of this job stored; its hashes are checked by the store. */
export async function loadJobImage(store: Store, job: JobRecord): Promise<JobImage | undefined> {
  if (job.manifestSha === null || job.imageSha === null || job.transferId === null) return undefined
  const manifest = await store.blobs.get(job.manifestSha)
  const image = await store.blobs.get(job.imageSha)
  return jobImage(manifest, read(manifest), image)
}

/**
 * Compiles the job's file and stores the image. When the last image made for this board came from the same file and is still
 * the same, its generation is kept, so that the board can go on where that upload stopped.
 */
export async function makeJobImage(
  { store, patterns }: { readonly store: Store; readonly patterns: PatternThread },
  job: JobRecord,
  board: BoardProfile,
  { codecs, decodeBytes, blockBytes, slotBytes }: ImageCaps,
  nowMs: number,
): Promise<JobImage> {
  const { sourceSha } = job
  if (sourceSha === null)
    throw new AppError('storage_failed', 'The file of this job is gone. Upload it again.')
  const last = await lastCompiled(store, job)
  const kept = last === undefined ? 0 : ((await store.boards.get(job.boardId))?.generation ?? 0)
  const options = JSON.parse(job.optionsJson) as UploadOptions
  const caps = { codecs, decodeBytes, blockBytes, slotBytes }
  const prepared = await patterns.run(() => store.blobs.get(sourceSha), {
    work: 'prepare',
    asked: { options, board, caps, generation: kept },
  })
  let { manifest } = prepared
  const fields = read(manifest)
  if (kept === 0 || hex(transferId(manifest)) !== last?.transferId) {
    const generation = await store.boards.nextGeneration(job.boardId)
    manifest = encodeManifest({ ...fields, generation })
  }
  const made = jobImage(manifest, fields, prepared.image)
  const manifestSha = await store.blobs.put({ bytes: manifest, nowMs })
  const imageSha = await store.blobs.put({ bytes: prepared.image, nowMs })
  await store.jobs.setImage({
    id: job.id,
    nowMs,
    manifestSha,
    imageSha,
    transferId: hex(made.id),
    blocks: made.blocks.length,
    imageBytes: made.decodedBytes,
  })
  return made
}

function read(manifest: Uint8Array): Manifest {
  const decoded = decodeManifest(manifest)
  if (decoded.ok) return decoded.value
  throw new AppError('storage_failed', 'The stored image of this job cannot be read. Upload the file again.')
}

const jobImage = (
  manifest: Uint8Array,
  { blocks, sha256, decodedBytes }: Manifest,
  image: Uint8Array,
): JobImage => ({
  manifest,
  manifestCrc: crc32(manifest),
  image,
  blocks,
  id: transferId(manifest),
  sha256,
  decodedBytes,
})

/** The board's newest compiled job, if it came from the same file. */
async function lastCompiled(store: Store, job: JobRecord): Promise<JobRecord | undefined> {
  const { jobs } = await store.jobs.list({ boardId: job.boardId, limit: 20 })
  const newest = jobs.find(other => other.id !== job.id && other.transferId !== null)
  return newest?.sourceSha === job.sourceSha ? newest : undefined
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
