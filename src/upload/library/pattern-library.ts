import type { Bus } from '../../kernel/bus.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import { exporters } from '../../pattern/export/exporters.ts'
import type { Store } from '../../store/store.ts'
import type { PatternFilter, PatternPage } from '../../store/tables/pattern-list.ts'
import type { PatternArrival, PatternRecord } from '../../store/tables/pattern-record.ts'
import type { PatternThread } from '../pattern-thread/pattern-thread.ts'
import type { PatternEvents } from './pattern-events.ts'
import { type StoredReading, withStoredReading } from './stored-reading.ts'

export interface LibraryChange {
  readonly name?: string | undefined
  readonly tags?: readonly string[] | undefined
  readonly addTags?: readonly string[] | undefined
  readonly dropTags?: readonly string[] | undefined
}

export interface ExportedPattern {
  readonly bytes: Uint8Array
  readonly fileName: string
  /** Hexadecimal SHA-256 of the bytes. */
  readonly sha256: string
  /** One sentence for each thing of the pattern that the format cannot keep. */
  readonly notes: readonly string[]
}

type ExportHow = StoredReading & { readonly colorOrder?: string | undefined }

/** Names that a refusal tells. */
const namesTold = 5

/** The patterns that the gateway keeps. Each is named by its id, its name or the start of its id. */
export class PatternLibrary {
  readonly #store: Store
  readonly #patterns: PatternThread
  readonly #clock: Clock
  readonly #bus: Pick<Bus<PatternEvents>, 'emit'>

  constructor(parts: {
    readonly store: Store
    readonly patterns: PatternThread
    readonly clock: Clock
    readonly bus: Pick<Bus<PatternEvents>, 'emit'>
  }) {
    this.#bus = parts.bus
    this.#store = parts.store
    this.#patterns = parts.patterns
    this.#clock = parts.clock
  }

  /** Rejects with `not_found`, or `conflict` when the start of an id fits several. What changes a pattern wants it named exactly. */
  async find(text: string, how: 'exactly' | 'loosely' = 'loosely'): Promise<PatternRecord> {
    const [found, ...others] = await this.#store.patternLibrary.find(text, how)
    if (found !== undefined && others.length === 0) return found
    if (found !== undefined)
      throw new AppError('conflict', `"${text}" is the start of several ids. Write more of it.`)
    const { patterns } = await this.#store.patterns.list({ limit: namesTold })
    const names = patterns.map(({ name }) => name).join(', ')
    const hint = names === '' ? 'No pattern is stored yet.' : `The newest are: ${names}.`
    throw new AppError('not_found', `There is no pattern called "${text}". ${hint}`)
  }

  list(filter: PatternFilter): Promise<PatternPage> {
    return this.#store.patterns.list(filter)
  }

  arrivals({ id }: PatternRecord): Promise<readonly PatternArrival[]> {
    return this.#store.patternLibrary.arrivals(id)
  }

  /** Rejects like `find`, with `conflict` where the name is taken and `usage` for too many tags. */
  async change(text: string, change: LibraryChange): Promise<PatternRecord> {
    const { id } = await this.find(text, 'exactly')
    const changed = await this.#store.patternLibrary.change({ id, ...change })
    this.#bus.emit('pattern.changed', { id, what: 'changed' })
    return changed
  }

  /** Rejects like `find`, and with `conflict` while something needs the pattern. */
  async remove(
    text: string,
    versions: 'one' | 'all',
  ): Promise<{ readonly removed: number; readonly shown: PatternRecord | null }> {
    const { id } = await this.find(text, 'exactly')
    const removed = await this.#store.patternLibrary.remove({ id, versions })
    this.#bus.emit('pattern.changed', { id, what: 'removed' })
    return removed
  }

  /** The bytes as they came in, proved by their hash. */
  file({ sourceSha }: PatternRecord): Promise<Uint8Array> {
    return this.#store.blobs.get(sourceSha)
  }

  /**
   * A PNG and its hash. One that is missing or damaged is drawn anew. Rejects with `not_found` where there is nothing to
   * draw: raw bytes, or a file whose frames cannot be read.
   */
  async thumbnail(pattern: PatternRecord): Promise<{ readonly bytes: Uint8Array; readonly sha256: string }> {
    const { thumbnailSha: sha256 } = pattern
    if (sha256 !== null) {
      const bytes = await this.#store.blobs.get(sha256).catch(damaged)
      if (bytes !== undefined) return { bytes, sha256 }
    }
    if (pattern.raw) throw noPicture(pattern)
    const asked = withStoredReading(pattern, {})
    const bytes = await this.#patterns.run(() => this.file(pattern), { work: 'drawThumbnail', asked })
    if (bytes === null) throw noPicture(pattern)
    const drawn = await this.#store.blobs.put({ bytes, nowMs: this.#clock.wallTime() })
    await this.#store.patternLibrary.setThumbnail({ id: pattern.id, thumbnailSha: drawn })
    this.#bus.emit('pattern.changed', { id: pattern.id, what: 'changed' })
    return { bytes, sha256: drawn }
  }

  /** The pattern in another format. Rejects with `usage` for one that cannot be written, and with what the format cannot hold. */
  async export(pattern: PatternRecord, format: string, how: ExportHow): Promise<ExportedPattern> {
    const ending = endingOf(format)
    if (pattern.raw)
      throw new AppError('usage', 'Raw bytes are no pattern. Ask for the file itself, without a format.')
    const name = withoutEnding(pattern.name)
    const asked = { ...withStoredReading(pattern, how), format, name, colorOrder: how.colorOrder }
    const made = await this.#patterns.run(() => this.file(pattern), { work: 'export', asked })
    return { ...made, fileName: `${name}${ending}` }
  }

  /** A file that is not kept in another format. Rejects like `export`, and where the file cannot be read. */
  async convert(
    bytes: Uint8Array,
    format: string,
    how: ExportHow & { readonly fileName: string },
  ): Promise<ExportedPattern> {
    const ending = endingOf(format)
    const name = withoutEnding(how.fileName)
    const made = await this.#patterns.run(bytes, { work: 'export', asked: { ...how, format, name } })
    return { ...made, fileName: `${name}${ending}` }
  }
}

const withoutEnding = (name: string): string => name.replace(/(.)\.[^.]*$/, '$1')

/** Throws `usage` for a format that cannot be written. */
function endingOf(format: string): string {
  const exporter = exporters.find(each => each.format === format)
  if (exporter !== undefined) return exporter.extensions[0] ?? ''
  const known = exporters.map(each => each.format).join(', ')
  throw new AppError('usage', `There is no format "${format}" to write. Choose one of: ${known}.`)
}

const noPicture = ({ name }: PatternRecord) => new AppError('not_found', `There is no picture of ${name}.`)

function damaged(thrown: unknown): undefined {
  if (thrown instanceof AppError && thrown.detail?.['reason'] === 'damaged') return undefined
  throw thrown
}
