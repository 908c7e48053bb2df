import { type BoardBook, type KnownBoard, profileFrom } from '../../board/board-book.ts'
import type { Store } from '../../store/store.ts'
import type { PatternRecord } from '../../store/tables/pattern-record.ts'
import type { BoardFit } from '../../wire/pattern-fit.ts'
import { withStoredReading } from '../library/stored-reading.ts'
import type { PatternThread } from '../pattern-thread/pattern-thread.ts'
import { ByteCache } from '../preview/byte-cache.ts'
import type { UploadOptions } from '../upload-options.ts'
import type { FitOrder, PatternFit } from './fit-pattern.ts'

export type FitQuestion = Omit<UploadOptions, 'fileName' | 'raw'> & { readonly raw?: boolean | undefined }

/** A fit takes about as much as its order; so many are remembered. */
const cacheBytes = 512 * 1024

/** Whether stored patterns go onto the boards that the gateway knows, present or not. */
export class PatternFits {
  readonly #store: Pick<Store, 'blobs'>
  readonly #book: BoardBook
  readonly #patterns: PatternThread
  readonly #cache = new ByteCache<{ readonly fit: PatternFit; readonly sizeBytes: number }>(cacheBytes)
  /** Who asks for what is being tried gets the same. */
  readonly #running = new Map<string, Promise<PatternFit>>()

  constructor(parts: {
    readonly store: Pick<Store, 'blobs'>
    readonly book: BoardBook
    readonly patterns: PatternThread
  }) {
    this.#store = parts.store
    this.#book = parts.book
    this.#patterns = parts.patterns
  }

  /**
   * For every known board, or those named. Boards that take the same are compiled for once. Rejects with `file_ambiguous` when it is not
   * clear how to read the file, and with `not_found` for a board that nobody knows.
   */
  async of(
    pattern: PatternRecord,
    question: FitQuestion,
    named?: readonly string[],
  ): Promise<readonly BoardFit[]> {
    const boards =
      named === undefined
        ? await this.#book.list()
        : await Promise.all(named.map(board => this.#book.find(board)))
    const raw = question.raw ?? pattern.raw
    const options: UploadOptions = withStoredReading(pattern, {
      ...question,
      raw,
      fileName: pattern.fileName,
    })
    if (!raw)
      await this.#patterns.run(() => this.#store.blobs.get(pattern.sourceSha), {
        work: 'check',
        asked: options,
      })
    const fits: BoardFit[] = []
    for (const board of boards) {
      const fit = await this.#fit(pattern.sourceSha, board, options)
      fits.push({ boardId: board.id, name: board.name, ...fit })
    }
    return fits
  }

  async #fit(sourceSha: string, known: KnownBoard, options: UploadOptions): Promise<PatternFit> {
    const caps = capsOf(known)
    if (caps === undefined) return unknownBoard
    const { codecs, decodeBytes, blockBytes, slotBytes, maxPowerMa } = caps
    const board = profileFrom(known, maxPowerMa)
    const asked: FitOrder = { options, board, caps: { codecs, decodeBytes, blockBytes, slotBytes } }
    const key = `${sourceSha} ${JSON.stringify(asked)}`
    const remembered = this.#cache.get(key)?.fit ?? this.#running.get(key)
    if (remembered !== undefined) return remembered
    const running = this.#patterns.run(() => this.#store.blobs.get(sourceSha), { work: 'fit', asked })
    this.#running.set(key, running)
    try {
      const fit = await running
      this.#cache.set(key, { fit, sizeBytes: 2 * (key.length + JSON.stringify(fit).length) })
      return fit
    } finally {
      this.#running.delete(key)
    }
  }
}

const unknownBoard: PatternFit = {
  fits: false,
  neededBytes: null,
  slotBytes: null,
  overKb: 0,
  peakMa: null,
  capMa: null,
  problems: [{ kind: 'unknown', message: 'Nothing is known of what this board takes.' }],
  advice: [{ kind: 'connect', message: 'Connect it once, so that it says what it takes.' }],
}

const numbers = ['codecs', 'decodeBytes', 'blockBytes', 'slotBytes', 'maxPowerMa'] as const

/** CAPS of the last handshake (SPEC §3.2); undefined where the database has none that can be used. */
function capsOf({ capsJson }: KnownBoard): Readonly<Record<(typeof numbers)[number], number>> | undefined {
  const caps: unknown = JSON.parse(capsJson)
  const sound =
    typeof caps === 'object' &&
    caps !== null &&
    numbers.every(name => typeof (caps as Record<string, unknown>)[name] === 'number')
  return sound ? (caps as Record<(typeof numbers)[number], number>) : undefined
}
