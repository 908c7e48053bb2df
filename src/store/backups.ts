import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { backupDatabase } from './backup.ts'
import { type BackupInfo, backupPattern, parseSidecar, sidecarOf } from './backup-file.ts'

export interface BackupsOptions {
  readonly stateDir: string
  readonly clock: Clock
  /** Nightly backups that are kept; those that a person made are never deleted. */
  readonly keep?: number
  /** What a backup leaves free on the disk, at least. */
  readonly reserveBytes?: number
}

/** A left-over of a process that was killed; a running backup is younger. */
const partAgeMs = 60 * 60_000
const defaultReserveBytes = 100 * 1000 * 1000

export const databaseIn = (stateDir: string): string => join(stateDir, 'gateway.db')
export const backupFolderIn = (stateDir: string): string => join(stateDir, 'backups')

/** The backups of one state folder: makes them, one at a time, lists them and deletes old nightly ones. */
export class Backups {
  readonly #options: BackupsOptions
  readonly #folder: string
  #stopping = new AbortController()
  #running: Promise<BackupInfo> | undefined

  constructor(options: BackupsOptions) {
    this.#options = options
    this.#folder = backupFolderIn(options.stateDir)
  }

  get running(): boolean {
    return this.#running !== undefined
  }

  /** Makes a backup now. Rejects with `conflict` while another one is being made, else as `backupDatabase`. */
  async make(kind: BackupInfo['kind']): Promise<BackupInfo> {
    if (this.#running !== undefined)
      throw new AppError('conflict', 'A backup is being made already. Wait until it is done.')
    this.#running = this.#make(kind)
    try {
      return await this.#running
    } finally {
      this.#running = undefined
    }
  }

  /** Newest first. A file without a valid sidecar is left out: nothing is known of it. */
  async list(): Promise<BackupInfo[]> {
    const names = (await namesIn(this.#folder)).filter(name => backupPattern.test(name))
    const found = await Promise.all(names.map(name => this.#read(name)))
    return found
      .filter(info => info !== undefined)
      .sort((a, b) => b.createdMs - a.createdMs || b.name.localeCompare(a.name, 'en', { numeric: true }))
  }

  /** Deletes the backup and what is known of it. False: there is none of this name. */
  async remove(name: string): Promise<boolean> {
    const found = (await this.list()).find(info => info.name === name)
    if (found === undefined) return false
    await rm(found.path, { force: true })
    await rm(sidecarOf(found.path), { force: true })
    return true
  }

  /** Stops a running backup; within 4 s, or without waiting any longer. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running?.catch(() => undefined)
  }

  async #make(kind: BackupInfo['kind']): Promise<BackupInfo> {
    const { stateDir, clock, keep = 7, reserveBytes = defaultReserveBytes } = this.#options
    await this.#sweep()
    const info = await backupDatabase(
      {
        database: databaseIn(stateDir),
        folder: this.#folder,
        kind,
        nowMs: clock.wallTime(),
        busyTimeoutMs: 2_000,
        reserveBytes,
      },
      { clock, signal: this.#stopping.signal },
    )
    if (kind === 'nightly') await this.#prune(keep, info)
    return info
  }

  async #prune(keep: number, made: BackupInfo): Promise<void> {
    const nowMs = this.#options.clock.wallTime()
    // A backup from the future was made while the clock was wrong: it is the first to go, not the last.
    const rank = (info: BackupInfo): number =>
      info.name === made.name ? Number.POSITIVE_INFINITY : info.createdMs > nowMs ? 0 : info.createdMs
    const nightly = (await this.list()).filter(info => info.kind === 'nightly')
    for (const { path } of nightly.sort((a, b) => rank(b) - rank(a)).slice(keep)) {
      await rm(path, { force: true })
      await rm(sidecarOf(path), { force: true })
    }
  }

  async #sweep(): Promise<void> {
    for (const name of await namesIn(this.#folder)) {
      const path = join(this.#folder, name)
      if (!/\.part(-journal|-wal|-shm)?$/.test(name)) continue
      const found = await stat(path).catch(() => undefined)
      if (found !== undefined && Date.now() - found.mtimeMs > partAgeMs) await rm(path, { force: true })
    }
  }

  async #read(name: string): Promise<BackupInfo | undefined> {
    const path = join(this.#folder, name)
    const text = await readFile(sidecarOf(path), 'utf8').catch(() => undefined)
    return text === undefined ? undefined : parseSidecar(text, name, path)
  }
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])
