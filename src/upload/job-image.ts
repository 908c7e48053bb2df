import type { BoardProfile } from '../board/profile.ts'
import { AppError } from '../kernel/errors.ts'
import { crc32 } from '../protocol/crc32.ts'
import { decodeManifest } from '../protocol/manifest.ts'
import type { Caps } from '../protocol/messages.ts'
import type { Store } from '../store/store.ts'
import type { JobRecord } from '../store/tables/job-record.ts'
import { prepare } from './prepare.ts'
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
  const decoded = decodeManifest(manifest)
  if (!decoded.ok)
    throw new AppError(
      'storage_failed',
      'The stored image of this job cannot be read. Upload the file again.',
    )
  return {
    manifest,
    manifestCrc: crc32(manifest),
    image,
    blocks: decoded.value.blocks,
    id: Buffer.from(job.transferId, 'hex'),
    sha256: decoded.value.sha256,
    decodedBytes: decoded.value.decodedBytes,
  }
}

/**
 * Compiles the job's file and stores the image. When the last image made for this board came from the same file and is still
 * the same, its generation is kept, so that the board can go on where that upload stopped.
 */
export async function makeJobImage(
  store: Store,
  job: JobRecord,
  profile: BoardProfile,
  caps: Caps,
  nowMs: number,
): Promise<JobImage> {
  if (job.sourceSha === null)
    throw new AppError('storage_failed', 'The file of this job is gone. Upload it again.')
  const source = await store.blobs.get(job.sourceSha)
  const build = prepare(source, JSON.parse(job.optionsJson) as UploadOptions, profile, caps)
  const last = await lastCompiled(store, job)
  const generation = last === undefined ? 0 : ((await store.boards.get(job.boardId))?.generation ?? 0)
  let built = generation > 0 ? build(generation) : undefined
  if (built === undefined || hex(built.id) !== last?.transferId)
    built = build(await store.boards.nextGeneration(job.boardId))
  const manifestSha = await store.blobs.put({ bytes: built.manifest, nowMs })
  const imageSha = await store.blobs.put({ bytes: built.image, nowMs })
  await store.jobs.setImage({
    id: job.id,
    nowMs,
    manifestSha,
    imageSha,
    transferId: hex(built.id),
    blocks: built.blocks.length,
    imageBytes: built.decodedBytes,
  })
  return { ...built, manifestCrc: crc32(built.manifest) }
}

/** The board's newest compiled job, if it came from the same file. */
async function lastCompiled(store: Store, job: JobRecord): Promise<JobRecord | undefined> {
  const { jobs } = await store.jobs.list({ boardId: job.boardId, limit: 20 })
  const newest = jobs.find(other => other.id !== job.id && other.transferId !== null)
  return newest?.sourceSha === job.sourceSha ? newest : undefined
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
