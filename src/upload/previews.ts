import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { BoardBook } from '../board/board-book.ts'
import type { BoardStates } from '../board/board-states.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { PatternId } from '../kernel/ids.ts'
import type { CandidateFacts } from '../pattern/candidate-facts.ts'
import type { Store } from '../store/store.ts'
import { withStoredReading } from './library/stored-reading.ts'
import { PatternThread } from './pattern-thread/pattern-thread.ts'
import type { PatternWork } from './pattern-thread/pattern-work.ts'
import { ByteCache } from './preview/byte-cache.ts'
import type { Reading, UploadOptions } from './upload-options.ts'

/** A PreviewView as JSON, ready to be sent. */
export interface SerialisedPreview {
  readonly json: Buffer
  readonly gzip: Buffer
  readonly sizeBytes: number
}

export type ReadingHint = Omit<Reading, 'fileName'>

type Drawing = Extract<PatternWork, { readonly work: 'drawPattern' | 'drawBoard' }>

const cacheBytes = 8 * 1024 * 1024
const compress = promisify(gzip)

/** Patterns as frames for a canvas: of a stored file, and of what a board shows. */
export class Previews {
  readonly #store: Pick<Store, 'patterns' | 'blobs' | 'jobs'>
  readonly #book: BoardBook
  readonly #states: BoardStates
  readonly #patterns: PatternThread
  readonly #ownsThread: boolean
  /** Who asks for one that is being drawn gets the same. */
  readonly #drawing = new Map<string, Promise<SerialisedPreview>>()
  readonly #cache = new ByteCache<SerialisedPreview>(cacheBytes)

  /** `patterns`: the thread of the uploads, to be shared; otherwise there is one more. */
  constructor(parts: {
    readonly store: Pick<Store, 'patterns' | 'blobs' | 'jobs'>
    readonly book: BoardBook
    readonly states: BoardStates
    readonly clock: Clock
    readonly patterns?: PatternThread
  }) {
    this.#store = parts.store
    this.#book = parts.book
    this.#states = parts.states
    this.#patterns = parts.patterns ?? new PatternThread(parts)
    this.#ownsThread = parts.patterns === undefined
  }

  /** Every reading of a stored file, best first. Rejects with `not_found`, `file_invalid`, `usage`. */
  async candidates(id: PatternId, hint: ReadingHint): Promise<readonly CandidateFacts[]> {
    const { sourceSha, fileName } = await this.#pattern(id)
    const asked = { ...hint, fileName }
    return this.#patterns.run(() => this.#store.blobs.get(sourceSha), { work: 'candidates', asked })
  }

  /** Without a hint as it was said when the file came in. Rejects like `candidates`, and with `file_ambiguous` when the reading is not clear. */
  async ofPattern(id: PatternId, hint: ReadingHint): Promise<SerialisedPreview> {
    const pattern = await this.#pattern(id)
    const { fileName, candidate, leds, width, height, sprite, channels, frames } = withStoredReading<
      Omit<Reading, 'fileName'>
    >(pattern, hint)
    const asked = { fileName, candidate, leds, width, height, sprite, channels, frames }
    return this.#draw(pattern.sourceSha, { work: 'drawPattern', asked })
  }

  /** What the board plays, as its own canvas. Rejects with `not_found` when that cannot be known. */
  async ofBoard(idOrName: string): Promise<SerialisedPreview> {
    const board = await this.#book.find(idOrName)
    const imageId = this.#states.get(board.id)?.imageId ?? undefined
    if (imageId === undefined)
      throw new AppError('not_found', `${board.name} is not connected, or has no pattern yet.`)
    const job = await this.#store.jobs.ofImage(imageId)
    if (job === undefined || job.sourceSha === null)
      throw new AppError('not_found', `What ${board.name} shows was not made by this gateway.`)
    if (job.raw) throw new AppError('not_found', `${board.name} holds raw bytes, which are no picture.`)
    const { leds, width, height, wiring, layoutJson } = board
    const options = JSON.parse(job.optionsJson) as UploadOptions
    const asked = { options, board: { leds, width, height, wiring, layout: layoutJson ?? undefined } }
    return this.#draw(job.sourceSha, { work: 'drawBoard', asked })
  }

  /** Ends the thread, unless it is shared. */
  async close(): Promise<void> {
    if (this.#ownsThread) await this.#patterns.close()
  }

  async #draw(sourceSha: string, task: Drawing): Promise<SerialisedPreview> {
    const key = `${sourceSha} ${JSON.stringify(task)}`
    const known = this.#cache.get(key) ?? this.#drawing.get(key)
    if (known !== undefined) return known
    const drawing = this.#patterns.run(() => this.#store.blobs.get(sourceSha), task).then(serialise)
    this.#drawing.set(key, drawing)
    try {
      const drawn = await drawing
      this.#cache.set(key, drawn)
      return drawn
    } finally {
      this.#drawing.delete(key)
    }
  }

  async #pattern(id: PatternId) {
    const found = await this.#store.patterns.get(id)
    if (found === undefined) throw new AppError('not_found', 'There is no pattern with this id.')
    return found
  }
}

async function serialise(bytes: Uint8Array): Promise<SerialisedPreview> {
  const json = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const packed = await compress(json, { level: 4 })
  return { json, gzip: packed, sizeBytes: json.byteLength + packed.byteLength }
}
