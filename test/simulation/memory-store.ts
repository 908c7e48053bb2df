import { AppError } from '../../src/kernel/errors.ts'
import type { BoardId } from '../../src/kernel/ids.ts'
import type { Tables } from '../../src/store/operations.ts'
import { sha256, shaKey } from '../../src/store/sha256.ts'
import type { Store } from '../../src/store/store.ts'
import type { BoardRecord, SeenBoard } from '../../src/store/tables/boards.ts'
import { type JobRecord, type JobState, unfinishedStates } from '../../src/store/tables/job-record.ts'
import type { NewJob } from '../../src/store/tables/jobs.ts'
import type { PatternRecord } from '../../src/store/tables/pattern-record.ts'

/** The tables that an upload touches. */
export type UploadTables = Pick<Tables, 'blobs' | 'boards' | 'jobs' | 'patterns'>

type Sync<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => Promise<infer R> ? (...args: A) => R : never
}
type SyncTables = { readonly [K in keyof UploadTables]: Sync<UploadTables[K]> }

interface Blob {
  readonly bytes: Uint8Array
  readonly storedMs: number
}

const isUnfinished = (state: JobState): boolean => unfinishedStates.some(other => other === state)
const conflict = (): AppError =>
  new AppError('conflict', 'this record refers to one that is not there, or is still in use')

type PatternRow = Omit<PatternRecord, 'latest' | 'versions' | 'tags'>

/** The rows themselves. A copy is what a backup holds. */
export class MemoryTables {
  blobs = new Map<string, Blob>()
  boards = new Map<BoardId, BoardRecord>()
  /** In order of `seq`: the newest last. */
  patterns: PatternRow[] = []
  /** By the name of the family. */
  versions = new Map<string, number>()
  tags = new Map<string, ReadonlySet<string>>()
  jobs: JobRecord[] = []

  /** Records never change in place, so copies of the tables are enough. */
  copy(): MemoryTables {
    const copy = new MemoryTables()
    copy.blobs = new Map(this.blobs)
    copy.boards = new Map(this.boards)
    copy.patterns = [...this.patterns]
    copy.versions = new Map(this.versions)
    copy.tags = new Map(this.tags)
    copy.jobs = [...this.jobs]
    return copy
  }
}

/** How a call comes to its answer: when it runs, when the answer is there, and whether there is one at all. */
export type Caller = <T>(run: () => T) => Promise<T>

export const atOnce: Caller = async run => run()

/**
 * A store in memory for simulations: the same answers as the SQLite store for the tables of an upload (a test holds them
 * against each other), and none of its durability. Other tables refuse to be used.
 */
export function memoryStore(
  tables: MemoryTables,
  call: Caller = atOnce,
  pending: () => number = () => 0,
): Store {
  const wrapped = Object.entries(syncTables(tables)).map(([table, operations]) => {
    const functions = Object.entries(operations).map(([name, run]) => [
      name,
      (...args: unknown[]) => call(() => (run as (...given: unknown[]) => unknown)(...args)),
    ])
    return [table, Object.fromEntries(functions)]
  })
  const own = {
    ...Object.fromEntries(wrapped),
    get pending() {
      return { calls: pending(), sizeBytes: 0 }
    },
    close: async () => undefined,
  }
  return new Proxy(own, {
    get(target, name) {
      if (name in target || typeof name === 'symbol') return Reflect.get(target, name)
      throw new Error(`the memory store has no table ${name}`)
    },
  }) as unknown as Store
}

function syncTables(tables: MemoryTables): SyncTables {
  return {
    blobs: blobs(tables),
    boards: boards(tables),
    jobs: jobs(tables),
    patterns: patterns(tables),
  }
}

function blobs(tables: MemoryTables): SyncTables['blobs'] {
  const named = (sha: string) =>
    tables.patterns.some(pattern => pattern.sourceSha === sha || pattern.thumbnailSha === sha) ||
    tables.jobs.some(job => [job.sourceSha, job.manifestSha, job.imageSha].includes(sha))
  return {
    put({ bytes, nowMs }) {
      const sha = sha256(bytes).toString('hex')
      tables.blobs.set(sha, { bytes: tables.blobs.get(sha)?.bytes ?? bytes.slice(), storedMs: nowMs })
      return sha
    },
    get(sha) {
      shaKey(sha)
      const blob = tables.blobs.get(sha)
      if (blob === undefined) throw new AppError('not_found', `no stored file has the SHA-256 ${sha}`)
      return blob.bytes.slice()
    },
    prune({ beforeMs }) {
      const old = [...tables.blobs].filter(([sha, { storedMs }]) => storedMs < beforeMs && !named(sha))
      for (const [sha] of old) tables.blobs.delete(sha)
      return { count: old.length, sizeBytes: old.reduce((sum, [, { bytes }]) => sum + bytes.length, 0) }
    },
  }
}

function boards(tables: MemoryTables): SyncTables['boards'] {
  const change = (id: BoardId, fields: Partial<BoardRecord>): BoardRecord => {
    const board = tables.boards.get(id)
    if (board === undefined) throw new AppError('not_found', `no board has the id ${id}`)
    const changed = { ...board, ...fields }
    tables.boards.set(id, changed)
    return changed
  }
  const sorted = () =>
    [...tables.boards.values()].sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id))
  return {
    seen({ nowMs, ...seen }) {
      const known = tables.boards.get(seen.id)
      const board = known === undefined ? firstSeen(seen, nowMs) : seenAgain(known, seen, nowMs)
      tables.boards.set(seen.id, board)
      return board
    },
    get: id => tables.boards.get(id),
    list: sorted,
    titles: () =>
      sorted().map(({ id, name, linkAddress, firmware }) => ({ id, name, linkAddress, firmware })),
    some: ids => sorted().filter(({ id }) => ids.includes(id)),
    named: text => {
      const exact = sorted().filter(({ id, name }) => id === text.toLowerCase() || name === text)
      if (exact.length > 0 || text.length < 4) return exact
      return sorted().filter(({ id }) => id.startsWith(text.toLowerCase()))
    },
    forget: id => {
      const own = tables.jobs.filter(job => job.boardId === id)
      const unfinishedJobs = own.filter(({ state }) => isUnfinished(state)).length
      if (unfinishedJobs > 0) return { unfinishedJobs }
      tables.jobs = tables.jobs.filter(job => job.boardId !== id)
      return tables.boards.delete(id) ? { unfinishedJobs } : undefined
    },
    rename: ({ id, name }) => change(id, { name }),
    setProfile: ({ id, name, width, height, wiring, layoutJson, colorOrder, powerCapMa }) => {
      const profile = { width, height, wiring, layoutJson, colorOrder, powerCapMa }
      return change(id, name === undefined ? profile : { ...profile, name })
    },
    quarantine: ({ id }) => change(id, { quarantined: true }),
    release: ({ id }) => change(id, { quarantined: false }),
    raiseGeneration: ({ id, generation }) =>
      void change(id, { generation: Math.max(tables.boards.get(id)?.generation ?? 0, generation) }),
    nextGeneration: id => change(id, { generation: (tables.boards.get(id)?.generation ?? 0) + 1 }).generation,
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const firstSeen = (seen: Omit<SeenBoard, 'nowMs'>, nowMs: number): BoardRecord => ({
  ...seen,
  layoutJson: null,
  powerCapMa: null,
  generation: 0,
  quarantined: false,
  firstSeenMs: nowMs,
  lastSeenMs: nowMs,
})

const seenAgain = (known: BoardRecord, seen: Omit<SeenBoard, 'nowMs'>, nowMs: number): BoardRecord => ({
  ...known,
  width: seen.width > 0 && known.layoutJson === null ? seen.width : known.width,
  height: seen.width > 0 && known.layoutJson === null ? seen.height : known.height,
  leds: seen.leds,
  linkKind: seen.linkKind,
  linkAddress: seen.linkAddress,
  baudRate: seen.baudRate,
  bootId: seen.bootId,
  firmware: seen.firmware,
  capsJson: seen.capsJson,
  lastSeenMs: nowMs,
})

function patterns(tables: MemoryTables): SyncTables['patterns'] {
  const family = ({ name }: PatternRow) => tables.patterns.filter(other => other.name === name)
  const view = (row: PatternRow): PatternRecord => ({
    ...row,
    latest: family(row).at(-1) === row,
    versions: family(row).length,
    tags: [...(tables.tags.get(row.name) ?? [])].sort(),
  })
  const nextVersion = (name: string): number => {
    const version = (tables.versions.get(name) ?? 0) + 1
    tables.versions.set(name, version)
    return version
  }
  const readAnew = (row: PatternRow, again: PatternRow): PatternRow => {
    const { format, factsJson, readingJson, thumbnailSha } = again
    const read = readingJson !== '{}' || row.readingJson === '{}'
    const anew = read ? { format, factsJson, readingJson } : {}
    return { ...row, ...anew, thumbnailSha: (read ? thumbnailSha : null) ?? row.thumbnailSha }
  }
  return {
    keep({ bytes, thumbnail, tags, door: _door, who: _who, arrivedMs: nowMs, ...rest }) {
      const { put } = blobs(tables)
      if (!(bytes instanceof Uint8Array)) throw new Error('files on a disk are not modelled')
      const sha = sha256(bytes).toString('hex')
      const isKnown = tables.patterns.some(row => row.sourceSha === sha && row.raw === rest.raw)
      // What is refused leaves no trace in a database, the time of a blob included.
      if (!isKnown && tables.patterns.some(({ id }) => id === rest.id)) throw conflict()
      const sourceSha = put({ bytes, nowMs })
      const thumbnailSha = thumbnail && put({ bytes: thumbnail, nowMs })
      const fields = { sourceSha, thumbnailSha, sizeBytes: bytes.length, createdMs: nowMs }
      const arriving: PatternRow = { ...rest, ...fields, version: 0 }
      const at = tables.patterns.findIndex(row => row.sourceSha === sourceSha && row.raw === rest.raw)
      const known = tables.patterns[at]
      let row: PatternRow
      if (known === undefined) {
        row = { ...arriving, version: nextVersion(rest.name) }
        tables.patterns.push(row)
      } else {
        const comesBack = family(known).at(-1) !== known && rest.name === known.name
        const read = readAnew(known, arriving)
        row = comesBack ? { ...read, version: nextVersion(known.name) } : read
        if (comesBack) tables.patterns = [...tables.patterns.filter(other => other !== known), row]
        else tables.patterns[at] = row
      }
      if (tags.length > 0) tables.tags.set(row.name, new Set([...(tables.tags.get(row.name) ?? []), ...tags]))
      return { pattern: view(row), created: known === undefined }
    },
    get(id) {
      const row = tables.patterns.find(pattern => pattern.id === id)
      return row && view(row)
    },
    list({ before, limit, versionsOf, tag, format, text }) {
      if (text !== undefined) throw new Error('searches are not modelled')
      const own = tables.patterns.find(({ id }) => id === versionsOf)?.name
      const admitted = (row: PatternRow): boolean =>
        (versionsOf === undefined ? view(row).latest : row.name === own) &&
        (tag === undefined || view(row).tags.includes(tag)) &&
        (format === undefined || row.format === format)
      return {
        patterns: page(tables.patterns, before, limit, admitted).map(view),
        total: tables.patterns.filter(admitted).length,
      }
    },
  }
}

/** Newest first; an unknown `before` gives nothing, as a comparison with NULL does. */
function page<T extends { readonly id: string }>(
  rows: readonly T[],
  before: string | undefined,
  limit: number,
  admitted: (row: T) => boolean = () => true,
): T[] {
  const end = before === undefined ? rows.length : rows.findIndex(({ id }) => id === before)
  return rows.slice(0, Math.max(0, end)).filter(admitted).reverse().slice(0, limit)
}

function jobs(tables: MemoryTables): SyncTables['jobs'] {
  const insert = (job: NewJob): void => {
    const sound =
      tables.boards.has(job.boardId) &&
      (job.sourceSha === null || tables.blobs.has(job.sourceSha)) &&
      (job.patternId === null || tables.patterns.some(({ id }) => id === job.patternId)) &&
      !tables.jobs.some(({ id }) => id === job.id)
    if (!sound) throw conflict()
    tables.jobs.push(newRow(job))
  }
  /** False where the job is in none of the states. */
  const change = (
    id: string,
    admitted: (state: JobState) => boolean,
    fields: (job: JobRecord) => Partial<JobRecord>,
  ): boolean => {
    const at = tables.jobs.findIndex(job => job.id === id)
    const job = tables.jobs[at]
    if (job === undefined || !admitted(job.state)) return false
    tables.jobs[at] = { ...job, ...fields(job) }
    return true
  }
  return {
    insert,
    insertBatch(batch) {
      const before = [...tables.jobs]
      try {
        for (const job of batch) insert(job)
      } catch (thrown) {
        tables.jobs = before
        throw thrown
      }
    },
    get: id => tables.jobs.find(job => job.id === id),
    imagesOf: ({ boardId, patternId }) => [
      ...new Set(
        tables.jobs
          .filter(job => job.patternId === patternId && job.boardId === boardId)
          .flatMap(({ transferId }) => (transferId === null ? [] : [transferId])),
      ),
    ],
    ofImage: transferId => tables.jobs.findLast(job => job.transferId === transferId),
    ofImages: transferIds =>
      [...new Set(transferIds)].flatMap(transferId => {
        const job = tables.jobs.findLast(job => job.transferId === transferId)
        return job === undefined ? [] : [{ transferId, patternId: job.patternId, name: job.name }]
      }),
    list(filter) {
      const admitted = (job: JobRecord) =>
        (filter.boardId === undefined || job.boardId === filter.boardId) &&
        (filter.batchId === undefined || job.batchId === filter.batchId) &&
        (filter.patternId === undefined || job.patternId === filter.patternId) &&
        (filter.states === undefined || filter.states.includes(job.state))
      return {
        jobs: page(tables.jobs, filter.before, filter.limit, admitted),
        total: tables.jobs.filter(admitted).length,
      }
    },
    /** Nothing of an upload reads it. */
    events: () => [],
    unfinished: () => tables.jobs.filter(({ state }) => isUnfinished(state)),
    setState: ({ id, nowMs, from, to, why }) =>
      change(
        id,
        state => isUnfinished(state) && from.some(other => other === state),
        job => ({
          updatedMs: nowMs,
          state: to,
          finishedMs: to === 'cancelled' ? nowMs : null,
          attempts: job.attempts + (to === 'transferring' && job.state !== 'transferring' ? 1 : 0),
          ...why,
          ...(to === 'transferring' && { errorCode: null, errorMessage: null }),
        }),
      ),
    checkpoint: ({ id, nowMs, durableBlocks, payloadBytes, statsJson }) =>
      change(id, isUnfinished, () => ({ durableBlocks, payloadBytes, statsJson, updatedMs: nowMs })),
    setImage({ id, nowMs, ...image }) {
      const sound = tables.blobs.has(image.manifestSha) && tables.blobs.has(image.imageSha)
      if (!sound && tables.jobs.some(job => job.id === id && isUnfinished(job.state))) throw conflict()
      return change(id, isUnfinished, () => ({ ...image, updatedMs: nowMs }))
    },
    finish: ({ id, nowMs, digestAlg, digestValue, payloadBytes, statsJson }) =>
      change(
        id,
        state => state === 'transferring' || state === 'verifying' || state === 'trial',
        job => ({
          state: 'done',
          finishedMs: nowMs,
          updatedMs: nowMs,
          durableBlocks: job.blocks,
          digestAlg,
          digestValue,
          payloadBytes,
          statsJson,
          errorCode: null,
          errorMessage: null,
        }),
      ),
    fail: ({ id, nowMs, errorCode, errorMessage }) =>
      change(
        id,
        state => isUnfinished(state) && state !== 'paused',
        () => ({
          state: 'failed',
          finishedMs: nowMs,
          updatedMs: nowMs,
          errorCode,
          errorMessage,
        }),
      ),
    noteError: ({ id, nowMs, errorCode, errorMessage }) =>
      change(id, isUnfinished, () => ({ errorCode, errorMessage, updatedMs: nowMs })),
    removeFinished({ beforeMs }) {
      const count = tables.jobs.length
      tables.jobs = tables.jobs.filter(({ finishedMs }) => finishedMs === null || finishedMs >= beforeMs)
      return count - tables.jobs.length
    },
  }
}

const newRow = ({ nowMs, ...job }: NewJob): JobRecord => ({
  ...job,
  state: 'queued',
  manifestSha: null,
  imageSha: null,
  transferId: null,
  blocks: 0,
  durableBlocks: 0,
  payloadBytes: 0,
  imageBytes: 0,
  statsJson: null,
  digestAlg: null,
  digestValue: null,
  errorCode: null,
  errorMessage: null,
  attempts: 0,
  createdBy: job.createdBy ?? null,
  retryOf: job.retryOf ?? null,
  createdMs: nowMs,
  updatedMs: nowMs,
  finishedMs: null,
})
