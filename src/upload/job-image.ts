import type { BoardProfile } from '../board/profile.ts'
import { AppError } from '../kernel/errors.ts'
import { crc32 } from '../protocol/crc32.ts'
import { decodeManifest, type Manifest, transferId } from '../protocol/manifest.ts'
import type { Seal } from '../protocol/pairing.ts'
import type { Store } from '../store/store.ts'
import type { JobRecord } from '../store/tables/job-record.ts'
import type { PatternThread } from './pattern-thread/pattern-thread.ts'
import type { ImageCaps } from './prepare.ts'
import { sealManifest } from './seal-image.ts'
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
  /** Highest estimated current; 0: unknown (SPEC §10.2). */
  readonly peakMa: number
}

/** The image that an earlier run of this job stored, as the board takes it now; hashes are checked by the store. */
export async function loadJobImage(
  store: Store,
  job: JobRecord,
  now?: Restamp,
): Promise<JobImage | undefined> {
  if (job.manifestSha === null || job.imageSha === null || job.transferId === null) return undefined
  const manifest = await store.blobs.get(job.manifestSha)
  const image = await store.blobs.get(job.imageSha)
  const stored = jobImage(manifest, read(manifest), image)
  return now === undefined ? stored : restamp(store, job, stored, now)
}

/** Written down anew when the board has got another key since, or wants another generation. */
async function restamp(
  store: Store,
  job: JobRecord,
  stored: JobImage,
  { seal, nowMs, newGeneration = false }: Restamp,
): Promise<JobImage> {
  const before = read(stored.manifest)
  const fields = newGeneration
    ? { ...before, generation: await store.boards.nextGeneration(job.boardId) }
    : before
  const made = jobImage(sealManifest(fields, seal), fields, stored.image)
  if (hex(made.id) === hex(stored.id)) return stored
  await keep(store, job, made, nowMs)
  return made
}

async function keep(store: Store, { id }: JobRecord, made: JobImage, nowMs: number): Promise<void> {
  const manifestSha = await store.blobs.put({ bytes: made.manifest, nowMs })
  const imageSha = await store.blobs.put({ bytes: made.image, nowMs })
  const transferId = hex(made.id)
  const { decodedBytes: imageBytes } = made
  await store.jobs.setImage({
    id,
    nowMs,
    manifestSha,
    imageSha,
    transferId,
    blocks: made.blocks.length,
    imageBytes,
  })
}

/** How a stored image goes to a board now. */
interface Restamp {
  /** undefined: the board has no key of ours. */
  readonly seal: Seal | undefined
  readonly nowMs: number
  /** The board has refused the one that it had. */
  readonly newGeneration?: boolean
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
  seal?: Seal,
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
  const fields = read(prepared.manifest)
  let manifest = sealManifest(fields, seal)
  if (kept === 0 || hex(transferId(manifest)) !== last?.transferId) {
    const generation = await store.boards.nextGeneration(job.boardId)
    manifest = sealManifest({ ...fields, generation }, seal)
  }
  const made = jobImage(manifest, fields, prepared.image)
  await keep(store, job, made, nowMs)
  return made
}

function read(manifest: Uint8Array): Manifest {
  const decoded = decodeManifest(manifest)
  if (decoded.ok) return decoded.value
  throw new AppError('storage_failed', 'The stored image of this job cannot be read. Upload the file again.')
}

const jobImage = (
  manifest: Uint8Array,
  { blocks, sha256, decodedBytes, peakMa }: Manifest,
  image: Uint8Array,
): JobImage => ({
  manifest,
  manifestCrc: crc32(manifest),
  image,
  blocks,
  id: transferId(manifest),
  sha256,
  decodedBytes,
  peakMa,
})

/** The board's newest compiled job, if it came from the same file. */
async function lastCompiled(store: Store, job: JobRecord): Promise<JobRecord | undefined> {
  const { jobs } = await store.jobs.list({ boardId: job.boardId, limit: 20 })
  const newest = jobs.find(other => other.id !== job.id && other.transferId !== null)
  return newest?.sourceSha === job.sourceSha ? newest : undefined
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
