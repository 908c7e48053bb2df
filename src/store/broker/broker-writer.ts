import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Database, Statement } from 'better-sqlite3'
import { toError } from '../../kernel/errors.ts'
import { openDatabase } from '../open-database.ts'
import { retryWhileBusy } from '../retry-while-busy.ts'
import { brokerSchema } from './broker-schema.ts'
import type { BrokerState } from './broker-state.ts'
import { type ChangeName, changes, type PackedChanges } from './changes.ts'
import { readBrokerState } from './read-broker-state.ts'
import { rowHash } from './row-hash.ts'

export interface BrokerFile {
  readonly path: string
  /** Cap of the file; undefined: the disk is the limit. */
  readonly maxBytes?: number
  /** Each commit takes so much longer, as on a worn SD card; for tests. */
  readonly commitDelayMs?: number
}

const busyTimeoutMs = 200
/** Broken files that are kept beside the new one. */
const maxSetAside = 3
const unusable = /^SQLITE_(CORRUPT|NOTADB)/

/** broker.db in the thread that owns it. */
export class BrokerWriter {
  readonly #file: BrokerFile
  readonly #statements = new Map<ChangeName, Statement<unknown[]>>()
  #db: Database
  /** Why a former file was moved aside, in the order in which it happened. */
  readonly setAside: string[] = []

  /** Throws where no database can be had at that place. */
  constructor(file: BrokerFile) {
    this.#file = file
    this.#db = this.#open()
  }

  /** False: its file was moved aside, and there is no new one yet. */
  get usable(): boolean {
    return this.#db.open
  }

  read(): BrokerState {
    try {
      return readBrokerState(this.#db)
    } catch (thrown) {
      if (!isUnusable(thrown)) throw thrown
      this.renew(toError(thrown).message)
      return readBrokerState(this.#db)
    }
  }

  /** All in one transaction, which is on the disk when this returns. */
  write({ names, args, ends, bytes }: PackedChanges): void {
    retryWhileBusy(() => this.#db.exec('BEGIN IMMEDIATE'))
    try {
      let from = 0
      for (const [at, name] of names.entries()) {
        const values = args[at] ?? []
        const end = ends[at] ?? -1
        if (end < 0) {
          this.#statement(name).run(...values)
          continue
        }
        const payload = Buffer.from(bytes.buffer, from, end - from)
        this.#statement(name).run(...values, payload, rowHash(values, payload))
        from = end
      }
      const { commitDelayMs = 0 } = this.#file
      if (commitDelayMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, commitDelayMs)
      this.#db.exec('COMMIT')
    } catch (thrown) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK')
      throw thrown
    }
  }

  /** Moves the file aside and begins an empty one. */
  renew(reason: string): void {
    this.#statements.clear()
    try {
      this.#db.close()
    } finally {
      this.#moveAside(reason)
      this.#db = this.#begin()
    }
  }

  close(): void {
    this.#statements.clear()
    try {
      this.#db.pragma('wal_checkpoint(TRUNCATE)')
    } finally {
      this.#db.close()
    }
  }

  #open(): Database {
    try {
      return this.#begin()
    } catch (thrown) {
      if (!isUnusable(thrown)) throw thrown
      this.#moveAside(toError(thrown).message)
      return this.#begin()
    }
  }

  #begin(): Database {
    const { path, maxBytes } = this.#file
    return openDatabase(path, { busyTimeoutMs, schema: brokerSchema, maxBytes })
  }

  #moveAside(reason: string): void {
    const { path } = this.#file
    const folder = dirname(path)
    mkdirSync(folder, { recursive: true })
    const name = `${basename(path)}.damaged-`
    const numbers = readdirSync(folder).flatMap(file =>
      file.startsWith(name) && /^\d+$/.test(file.slice(name.length)) ? [Number(file.slice(name.length))] : [],
    )
    const next = Math.max(0, ...numbers) + 1
    for (const end of ['-wal', '-shm', ''])
      if (existsSync(path + end)) renameSync(path + end, join(folder, `${name}${next}${end}`))
    for (const old of numbers.filter(number => number <= next - maxSetAside))
      for (const end of ['-wal', '-shm', '']) rmSync(join(folder, `${name}${old}${end}`), { force: true })
    this.setAside.push(reason)
  }

  #statement(name: ChangeName): Statement<unknown[]> {
    let statement = this.#statements.get(name)
    if (statement === undefined) {
      statement = this.#db.prepare(changes[name])
      this.#statements.set(name, statement)
    }
    return statement
  }
}

/** Damaged, another program's, or a newer version's: what openDatabase refuses without a code of the file system. */
function isUnusable(thrown: unknown): boolean {
  const { code } = thrown as { code?: unknown }
  return code === 'storage_failed' || (typeof code === 'string' && unusable.test(code))
}
