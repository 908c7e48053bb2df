import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { Clock, Timer } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { PartFile } from './part-file.ts'
import type { Holder } from './upload-locks.ts'

/** What the sender says of the bytes that come. */
export interface Piece {
  readonly offset: number
  readonly body: Readable
  /** Of the body; undefined: nobody has said. */
  readonly lengthBytes: number | undefined
  readonly checksum: { readonly algorithm: 'sha1' | 'sha256'; readonly digest: Uint8Array } | undefined
}

export interface ReceiveParts {
  readonly file: PartFile
  /** Of the whole file. */
  readonly sizeBytes: number
  readonly clock: Clock
  /** Says in the database how many bytes are on the disk. */
  note(offset: number): Promise<void>
  readonly holder: Pick<Holder, 'heard' | 'atDisk'>
}

/** The line may pause, but not for ever. */
export const idleTimeoutMs = 30_000
/** What a kill or a power cut may cost at most, of a piece without a checksum. */
const noteEveryBytes = 4 * 1024 * 1024
const noteEveryMs = 2000

/**
 * Writes one piece to the disk; resolves with the offset after it. Whatever happens, the database names no byte that could be
 * lost. A piece with a checksum is kept as a whole or not at all; of others all is kept that came. Rejects with `cancelled`
 * (the sender went away or fell silent), `checksum_mismatch`, `file_too_large`, `storage_failed`.
 */
export async function receivePiece(
  piece: Piece,
  { file, sizeBytes, clock, note, holder }: ReceiveParts,
): Promise<number> {
  const { offset, body, checksum } = piece
  const hash = checksum && createHash(checksum.algorithm)
  const silence = new Silence(clock, body)
  let at = offset
  let noted = offset
  let notedMs = clock.now()
  const atDisk = async (work: () => Promise<void>) => {
    silence.suspend()
    await holder.atDisk(work)
    silence.broken()
  }
  const keep = async () => {
    if (at === noted) return
    await atDisk(async () => {
      await file.sync()
      await note(at)
    })
    noted = at
    notedMs = clock.now()
  }
  let failure: unknown
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      silence.broken()
      holder.heard()
      if (at + chunk.byteLength > sizeBytes) {
        failure = tooLong(sizeBytes)
        break
      }
      hash?.update(chunk)
      await atDisk(() => file.write(chunk, at))
      at += chunk.byteLength
      const due = at - noted >= noteEveryBytes || clock.now() - notedMs >= noteEveryMs
      if (hash === undefined && due) await keep()
    }
  } catch (thrown) {
    failure = thrown instanceof AppError ? thrown : wentAway(thrown)
  } finally {
    silence.end()
  }
  if (
    failure === undefined &&
    hash !== undefined &&
    !hash.digest().equals(checksum?.digest ?? new Uint8Array())
  )
    failure = new AppError(
      'checksum_mismatch',
      'The piece is not what Upload-Checksum says: it was damaged, and nothing of it was kept. Send it again.',
    )
  if (failure === undefined) {
    await keep()
    return at
  }
  // What is known to be good stays; what may be torn or was not asked for goes.
  const good = hash === undefined && failure instanceof AppError && failure.code === 'cancelled'
  if (good) await keep()
  else await file.cut(noted)
  throw failure
}

/** Ends the body of a sender from whom nothing is heard any more. */
class Silence {
  readonly #clock: Clock
  readonly #body: Readable
  #heardMs: number
  #timer: Timer

  constructor(clock: Clock, body: Readable) {
    this.#clock = clock
    this.#body = body
    this.#heardMs = clock.now()
    this.#timer = this.#wait(idleTimeoutMs)
  }

  broken(): void {
    this.#heardMs = this.#clock.now()
  }

  /** Until it is broken the next time: nothing is read meanwhile. */
  suspend(): void {
    this.#heardMs = Number.POSITIVE_INFINITY
  }

  end(): void {
    this.#timer.cancel()
  }

  #wait(delayMs: number): Timer {
    return this.#clock.setTimer(delayMs, () => {
      const leftMs = this.#heardMs + idleTimeoutMs - this.#clock.now()
      if (leftMs > 0) this.#timer = this.#wait(Math.min(leftMs, idleTimeoutMs))
      else this.#body.destroy(new Error(`nothing came for ${idleTimeoutMs / 1000} s`))
    })
  }
}

const wentAway = (cause: unknown): AppError =>
  new AppError(
    'cancelled',
    'The sender went away before the piece was complete. Ask with HEAD what is here.',
    {
      cause,
    },
  )

const tooLong = (sizeBytes: number): AppError =>
  new AppError('file_too_large', `More bytes came than Upload-Length says (${sizeBytes}).`, {
    detail: { maxBytes: sizeBytes },
  })
