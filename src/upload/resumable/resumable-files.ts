import { mkdir, readdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Timer } from '../../kernel/clock.ts'
import { AppError, httpStatus, toError } from '../../kernel/errors.ts'
import { uuidV7 } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import type { Store } from '../../store/store.ts'
import type { FileRecord } from '../../store/tables/file-record.ts'
import type { FilePage } from '../../store/tables/files.ts'
import type { Door } from '../../store/tables/pattern-record.ts'
import type { Uploads } from '../uploads.ts'
import { PartFile, removePart } from './part-file.ts'
import { type Piece, receivePiece } from './receive-piece.ts'
import { type Holder, UploadLocks } from './upload-locks.ts'
import { readMetadata } from './upload-metadata.ts'

export const fileCaps = {
  unfinishedOfOwner: 8,
  unfinished: 64,
  sizeBytes: 1024 * 1024 * 1024,
  endedOfOwner: 100,
}
/** What the rest of the gateway needs of the disk. */
const keepFreeBytes = 100 * 1024 * 1024
/** After the last byte. */
export const lifeMs = 24 * 3_600_000
const sweepEveryMs = 10 * 60_000

/** Somebody who sends files. */
export interface Sender {
  readonly id: string
  /** null: somebody on the control socket. */
  readonly name: string | null
  /** Admins see everybody's files. */
  readonly isAdmin: boolean
}

export interface ResumableParts {
  readonly store: Pick<Store, 'files'>
  readonly uploads: Pick<Uploads, 'addFile'>
  readonly clock: Clock
  readonly log: Log
  readonly folder: string
  /** Largest file. */
  readonly maxBytes: number
  /** Few files are in memory at a time, however they come in. */
  inTurn<T>(work: () => Promise<T>): Promise<T>
}

/**
 * Files that come in piece by piece and may be interrupted anywhere. Their bytes are in a folder, what is known of them in the
 * database, which names a byte only when it is on the disk. The last byte is named in the step that makes the file a
 * pattern or refuses it; until then one byte is missing, so that who lost the answer asks for it again.
 */
export class ResumableFiles {
  readonly #parts: ResumableParts
  readonly #locks: UploadLocks
  #sweep: Timer | undefined
  #closed = false

  private constructor(parts: ResumableParts) {
    this.#parts = parts
    this.#locks = new UploadLocks(parts.clock)
  }

  /** Brings folder and database together again after a cut. */
  static async open(parts: ResumableParts): Promise<ResumableFiles> {
    const files = new ResumableFiles(parts)
    await files.#reconcile()
    files.#sweepLater()
    return files
  }

  get maxBytes(): number {
    return this.#parts.maxBytes
  }

  /** Rejects with `invalid`, `file_too_large`, `conflict` (too many of one person), `overloaded`, `storage_failed`. */
  async create(
    asked: {
      readonly sizeBytes: number
      readonly metadata: string
      readonly door: (isImport: boolean) => Door
    },
    sender: Sender,
  ): Promise<FileRecord> {
    const { store, clock, folder, maxBytes } = this.#parts
    const { sizeBytes, metadata } = asked
    const { name, import: isImport } = readMetadata(metadata)
    if (sizeBytes > maxBytes)
      throw new AppError(
        'file_too_large',
        `The file has ${sizeBytes} bytes; at most ${maxBytes} are taken here.`,
        {
          detail: { sizeBytes, maxBytes },
        },
      )
    if (sizeBytes === 0) throw new AppError('file_invalid', 'The file is empty. Choose another one.')
    const createdMs = clock.wallTime()
    const id = uuidV7(createdMs)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const { bavail, bsize } = await statfs(folder)
    const freeBytes = bavail * bsize - keepFreeBytes
    await PartFile.create(this.#path(id))
    const file = {
      id,
      ownerId: sender.id,
      owner: sender.name,
      name,
      metadata,
      door: asked.door(isImport),
      sizeBytes,
    }
    try {
      await store.files.create({
        file: { ...file, createdMs, expiresMs: createdMs + lifeMs },
        caps: { ...fileCaps, freeBytes },
      })
    } catch (thrown) {
      await removePart(this.#path(id))
      throw thrown
    }
    return this.#get(id, sender)
  }

  /** A silent sender is cut off first, so that what it sent counts. Rejects with `not_found`, for other people's files too. */
  async find(id: string, sender: Sender): Promise<FileRecord> {
    const file = await this.#get(id, sender)
    if (!this.#locks.has(id)) return file
    await this.#locks.settle(id)
    return this.#get(id, sender)
  }

  list(
    {
      limit,
      skip,
      before,
    }: { readonly limit: number; readonly skip: number; readonly before: string | undefined },
    { id, isAdmin }: Sender,
  ): Promise<FilePage> {
    return this.#parts.store.files.list({ limit, skip, before, ownerId: isAdmin ? undefined : id })
  }

  /**
   * Takes a piece in; the last one makes the file a pattern. Rejects like `find` and `receivePiece`, with `conflict` where
   * the file has another offset, with `locked`, and as the file was refused.
   */
  async append(id: string, piece: Piece, sender: Sender): Promise<FileRecord> {
    await this.#get(id, sender)
    if (this.#closed)
      throw new AppError('overloaded', 'The gateway is stopping. Go on when it has been started.')
    return this.#locks.run(id, piece.body, async holder => {
      const file = await this.#get(id, sender)
      if (file.state === 'refused') throw refusalOf(file)
      if (piece.offset !== file.offset) throw wrongOffset(file, piece)
      if (file.state === 'complete') return file
      if (piece.offset + (piece.lengthBytes ?? 0) > file.sizeBytes)
        throw new AppError('file_too_large', `The piece goes beyond Upload-Length (${file.sizeBytes}).`)
      await this.#receive(file, piece, holder)
      return this.#get(id, sender)
    })
  }

  /** Forgets the file; a pattern that it has become stays. Rejects like `find`, and with `locked`. */
  async remove(id: string, sender: Sender): Promise<FileRecord> {
    const file = await this.#get(id, sender)
    await this.#locks.run(id, undefined, async () => {
      await this.#parts.store.files.remove(id)
      await removePart(this.#path(id))
    })
    return file
  }

  /** Removes what has expired. */
  async sweep(): Promise<void> {
    const { store, clock } = this.#parts
    const gone = await store.files.removeExpired({ nowMs: clock.wallTime() })
    for (const id of gone) await removePart(this.#path(id))
  }

  /** Ends every request that brings bytes; what has come is written down. */
  async close(): Promise<void> {
    this.#closed = true
    this.#sweep?.cancel()
    await this.#locks.close()
  }

  /** From the server's own ids alone. */
  #path(id: string): string {
    return join(this.#parts.folder, `${id}.part`)
  }

  async #get(id: string, sender: Sender): Promise<FileRecord> {
    const { store, clock } = this.#parts
    const file = await store.files.get(id)
    const isThere = file !== undefined && (sender.isAdmin || file.ownerId === sender.id)
    if (isThere && file.expiresMs > clock.wallTime()) return file
    if (isThere && !this.#locks.has(id)) await this.sweep()
    throw gone()
  }

  async #receive(record: FileRecord, piece: Piece, holder: Holder): Promise<void> {
    const { store, clock } = this.#parts
    const { id, sizeBytes } = record
    const file = await PartFile.open(this.#path(id))
    try {
      const at = await receivePiece(piece, {
        ...{ file, sizeBytes, clock, holder },
        note: async offset => {
          const expiresMs = clock.wallTime() + lifeMs
          const noted = await store.files.note({ id, offset: Math.min(offset, sizeBytes - 1), expiresMs })
          if (!noted) throw gone()
        },
      })
      if (at < sizeBytes) return
      holder.finishing()
      await this.#takeIn(record, await file.sha256())
    } finally {
      await file.close()
    }
  }

  /** The same as with POST /patterns. What is wrong with the file refuses it; what is wrong here leaves its last byte to be sent again. */
  async #takeIn(record: FileRecord, sha256: string): Promise<void> {
    const { store, uploads, clock, inTurn } = this.#parts
    const { id, door, owner, sizeBytes } = record
    const { name, as, raw, tag, import: _import, ...reading } = readMetadata(record.metadata)
    const expiresMs = clock.wallTime() + lifeMs
    try {
      const { pattern } = await inTurn(async () =>
        uploads.addFile({ path: this.#path(id), sizeBytes, sha256 }, name, raw, {
          door,
          who: owner,
          name: as,
          tags: tag,
          reading,
        }),
      )
      await store.files.end({
        id,
        state: 'complete',
        sha256,
        patternId: pattern.id,
        problemJson: null,
        expiresMs,
      })
    } catch (thrown) {
      if (!(thrown instanceof AppError) || httpStatus(thrown.code) >= 500) throw thrown
      const code = httpStatus(thrown.code) === 422 ? thrown.code : 'file_invalid'
      const problemJson = JSON.stringify({ code, detail: thrown.message, more: thrown.detail })
      await store.files.end({ id, state: 'refused', sha256, patternId: null, problemJson, expiresMs })
      await removePart(this.#path(id))
      throw refusalOf({ problemJson })
    }
    await removePart(this.#path(id))
  }

  async #reconcile(): Promise<void> {
    const { store, folder, log } = this.#parts
    await this.sweep()
    const names = await readdir(folder).catch((): string[] => [])
    const waiting = await store.files.receiving()
    const known = new Set(waiting.map(({ id }) => `${id}.part`))
    for (const name of names) if (!known.has(name)) await removePart(join(folder, name))
    for (const { id, offset, expiresMs } of waiting) {
      if (!names.includes(`${id}.part`)) {
        log.warn({ fileId: id }, 'an upload was dropped: its bytes are gone')
        await store.files.remove(id)
        continue
      }
      const file = await PartFile.open(this.#path(id))
      try {
        const there = await file.sizeBytes()
        if (there > offset) await file.cut(offset)
        if (there < offset) await store.files.note({ id, offset: there, expiresMs })
      } finally {
        await file.close()
      }
    }
  }

  #sweepLater(): void {
    this.#sweep = this.#parts.clock.setTimer(sweepEveryMs, () => {
      this.sweep()
        .catch((thrown: unknown) =>
          this.#parts.log.warn({ reason: toError(thrown).message }, 'expired uploads could not be removed'),
        )
        .finally(() => {
          if (!this.#closed) this.#sweepLater()
        })
    })
  }
}

const gone = (): AppError =>
  new AppError('not_found', 'There is no such file, or it has expired. Begin with POST /files again.')

const wrongOffset = ({ offset }: FileRecord, piece: Piece): AppError =>
  new AppError(
    'conflict',
    `The file is at offset ${offset}, the piece at ${piece.offset}. Ask with HEAD, then go on from there.`,
    {
      detail: { offset },
    },
  )

/** The problem as it was told when the file was refused. */
function refusalOf({ problemJson }: Pick<FileRecord, 'problemJson'>): AppError {
  const { code, detail, more } = JSON.parse(problemJson ?? '{}')
  return new AppError(code ?? 'file_invalid', detail ?? 'The file was refused.', { detail: more })
}
