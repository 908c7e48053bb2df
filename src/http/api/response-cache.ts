/** Kinds of things that change; an event of one takes the answers out that show it. */
export const cacheTags = [
  'boards',
  'patterns',
  'jobs',
  'users',
  'rooms',
  'ports',
  'gpio',
  'backups',
  'alerts',
  'system',
] as const
export type CacheTag = (typeof cacheTags)[number]

/** An answer as it goes out. */
export interface StoredAnswer {
  readonly status: number
  /** JSON; empty: there is none. */
  readonly body: Buffer
  /** Strong and quoted (RFC 9110 §8.8.3), of the bytes of `body`. Empty: it has none. */
  readonly etag: string
  /** `X-Total-Count`, `Link` … */
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  /** undefined: too small to be worth it. */
  readonly gzip: Buffer | undefined
}

export interface CacheStats {
  readonly entries: number
  readonly sizeBytes: number
  readonly limitBytes: number
  readonly hits: number
  readonly misses: number
  readonly invalidations: number
  readonly evictions: number
}

interface Entry {
  readonly answer: StoredAnswer
  readonly tags: readonly CacheTag[]
  readonly sizeBytes: number
  /** Monotonic. */
  readonly untilMs: number
}

/** An answer that is being made. */
interface Flight {
  readonly generation: number
  readonly answer: Promise<StoredAnswer>
}

/** What an entry costs beside its bytes. */
const overheadBytes = 512

/** Serialised answers, the one used longest ago goes first. What became old while an answer was made is not stored. */
export class ResponseCache {
  readonly #limitBytes: number
  readonly #entries = new Map<string, Entry>()
  readonly #keysOf = new Map<CacheTag, Set<string>>()
  readonly #generations = new Map<CacheTag, number>()
  readonly #flights = new Map<string, Flight>()
  #sizeBytes = 0
  #hits = 0
  #misses = 0
  #invalidations = 0
  #evictions = 0

  constructor(limitBytes = 16 * 1024 * 1024) {
    this.#limitBytes = limitBytes
  }

  get(key: string, nowMs: number): StoredAnswer | undefined {
    const answer = this.known(key, nowMs)
    if (answer === undefined) this.#misses += 1
    return answer
  }

  /** The same, when somebody else asks again where it is not there: that is no second miss. */
  known(key: string, nowMs: number): StoredAnswer | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (nowMs >= entry.untilMs) {
      this.#drop(key, entry)
      return undefined
    }
    this.#hits += 1
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.answer
  }

  /** To be taken before the answer is made, and shown when it is stored. */
  generationOf(tags: readonly CacheTag[]): number {
    return tags.reduce((sum, tag) => sum + (this.#generations.get(tag) ?? 0), 0)
  }

  /** Makes an answer once for all who ask for it at this moment; who asks after a change has it made anew. */
  once(key: string, generation: number, make: () => Promise<StoredAnswer>): Promise<StoredAnswer> {
    const flight = this.#flights.get(key)
    if (flight?.generation === generation) return flight.answer
    const answer = make().finally(() => {
      if (this.#flights.get(key)?.answer === answer) this.#flights.delete(key)
    })
    this.#flights.set(key, { generation, answer })
    return answer
  }

  /** false: what it shows has changed since `generation`, or it is too large. */
  put(
    key: string,
    answer: StoredAnswer,
    how: { readonly tags: readonly CacheTag[]; readonly generation: number; readonly untilMs: number },
  ): boolean {
    const { tags, generation, untilMs } = how
    const sizeBytes = answer.body.byteLength + (answer.gzip?.byteLength ?? 0) + key.length * 2 + overheadBytes
    if (generation !== this.generationOf(tags) || sizeBytes > this.#limitBytes / 8) return false
    const old = this.#entries.get(key)
    if (old !== undefined) this.#drop(key, old)
    this.#entries.set(key, { answer, tags, sizeBytes, untilMs })
    this.#sizeBytes += sizeBytes
    for (const tag of tags) this.#keys(tag).add(key)
    for (const [oldest, entry] of this.#entries) {
      if (this.#sizeBytes <= this.#limitBytes) break
      this.#drop(oldest, entry)
      this.#evictions += 1
    }
    return true
  }

  /** Something of this kind has changed. */
  invalidate(tag: CacheTag): void {
    this.#generations.set(tag, (this.#generations.get(tag) ?? 0) + 1)
    for (const key of this.#keys(tag)) {
      const entry = this.#entries.get(key)
      if (entry === undefined) continue
      this.#drop(key, entry)
      this.#invalidations += 1
    }
  }

  clear(): void {
    for (const tag of cacheTags) this.invalidate(tag)
    for (const [key, entry] of this.#entries) this.#drop(key, entry)
  }

  stats(): CacheStats {
    return {
      entries: this.#entries.size,
      sizeBytes: this.#sizeBytes,
      limitBytes: this.#limitBytes,
      hits: this.#hits,
      misses: this.#misses,
      invalidations: this.#invalidations,
      evictions: this.#evictions,
    }
  }

  #keys(tag: CacheTag): Set<string> {
    const keys = this.#keysOf.get(tag) ?? new Set()
    this.#keysOf.set(tag, keys)
    return keys
  }

  #drop(key: string, entry: Entry): void {
    this.#entries.delete(key)
    this.#sizeBytes -= entry.sizeBytes
    for (const tag of entry.tags) this.#keys(tag).delete(key)
  }
}
