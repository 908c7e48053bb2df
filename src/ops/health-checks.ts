import { access, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../kernel/clock.ts'
import type { BackupInfo } from '../store/backup-file.ts'
import { maxPendingCalls as maxPendingWrites, type Store } from '../store/store.ts'
import type { BoardReading } from './gateway-meter.ts'
import type { Finding, HealthCheck } from './health.ts'
import { type MemoryReading, readMemory } from './process-meter.ts'
import { clockIsSet } from './wall-clock.ts'

const fine = (message: string): Finding => ({ status: 'ok', message })
const warning = (message: string): Finding => ({ status: 'warning', message })
const failed = (message: string): Finding => ({ status: 'failed', message })

const megabyte = 1000 * 1000
const mb = (bytes: number): string => `${Math.round(bytes / megabyte)} MB`

/** A write costs the card a block: one each half minute is enough where reads are asked for more often. */
const writeEveryMs = 30_000

/** A record is written and read back, so a full, read-only or hanging disk is seen; between the writes it is only read. */
export function databaseCheck(store: Pick<Store, 'settings'>, clock: Clock): HealthCheck {
  const key = 'healthProbe'
  let count = 0
  let writtenMs = Number.NEGATIVE_INFINITY
  return {
    name: 'database',
    weight: 25,
    vital: true,
    async run() {
      const began = clock.now()
      if (began - writtenMs >= writeEveryMs || count === 0) {
        // Until it has worked, the next look tries again.
        writtenMs = Number.NEGATIVE_INFINITY
        await store.settings.set({ key, value: `${count + 1}` })
        count++
        writtenMs = began
      }
      const found = await store.settings.get(key)
      if (found !== `${count}`)
        return failed(
          'the database does not give back what was written to it: check the disk, restore a backup',
        )
      const tookMs = Math.round(clock.now() - began)
      return tookMs > 1000
        ? warning(`the database takes ${tookMs} ms for a record: the disk or SD card is slow or worn`)
        : fine(`a record was written and read back`)
    },
  }
}

/** Whether the database keeps up: calls that wait for the writer, and long reads that wait for a reader. */
export const poolCheck = (store: Pick<Store, 'pending' | 'readers'>): HealthCheck => ({
  name: 'storage-queue',
  weight: 5,
  vital: false,
  run() {
    const { calls } = store.pending
    const { open, limit, pendingCalls, maxPendingCalls } = store.readers
    const words = `${calls} calls wait for the writer, ${pendingCalls} for ${open} of ${limit} readers`
    const share = Math.max(calls / maxPendingWrites, pendingCalls / maxPendingCalls)
    if (share >= 0.9)
      return failed(`${words}: the disk is slow or somebody floods it; what comes beyond is refused`)
    return share >= 0.5 ? warning(`${words}: the disk cannot keep up`) : fine(words)
  },
})

/** `ping` resolves when the broker has passed a message on; with words where something is missing. */
export const brokerCheck = (ping: () => Promise<string | undefined>): HealthCheck => ({
  name: 'broker',
  weight: 10,
  vital: true,
  async run() {
    const missing = await ping()
    return missing === undefined ? fine('a message came through') : warning(missing)
  },
})

export interface UpstreamReading {
  readonly name: string
  readonly awayMs: number | null
  readonly fault: string | null
  readonly outbox: { readonly rows: number }
  readonly dropped: { readonly space: number; readonly age: number; readonly lastMs: number | null }
  readonly setAside: readonly string[]
}

/** A broker above may be away for a while: what is for it waits. */
const awayForLongMs = 60_000
const recentDropsMs = 600_000

/** Brokers to which the gateway dials out. They are no condition of anything here, so it is a warning at worst. */
export const upstreamCheck = (read: () => readonly UpstreamReading[]): HealthCheck => ({
  name: 'upstream',
  weight: 5,
  vital: false,
  run() {
    const all = read()
    const troubles = all.flatMap(({ name, awayMs, fault, outbox, dropped, setAside }) => [
      ...(awayMs !== null && awayMs > awayForLongMs
        ? [
            `${name} has been away for ${Math.round(awayMs / 1000)} s (${fault ?? 'no reason'}), ${outbox.rows} messages wait`,
          ]
        : []),
      ...(awayMs === null && fault !== null ? [`${name}: ${fault}`] : []),
      ...(dropped.lastMs !== null && dropped.lastMs < recentDropsMs
        ? [
            `${name} did not get ${dropped.space} messages for want of room and ${dropped.age} that were too old: raise mqtt.upstream maxOutboxBytes or maxAgeHours, or mend the way to it`,
          ]
        : []),
      ...(setAside.length > 0
        ? [`${name} does not take ${setAside.length} topics, such as ${setAside[0]}: see pixelgate upstream`]
        : []),
    ])
    if (troubles.length > 0) return warning(troubles.join('; '))
    const online = all.filter(({ awayMs }) => awayMs === null).length
    return fine(`${online} of ${all.length} brokers above are connected`)
  },
})

/** Boards that are known and not there are a warning, since people switch boards off; none at all there, a failure. */
export const linksCheck = (boards: () => readonly BoardReading[], configuredLinks: number): HealthCheck => ({
  name: 'links',
  weight: 10,
  vital: false,
  run() {
    const all = boards()
    const connected = all.filter(board => board.connected).length
    const quarantined = all.filter(board => board.quarantined).length
    const expected = Math.max(all.length, configuredLinks)
    if (quarantined > 0)
      return warning(`two boards share one UUID (${quarantined} times): give one of them another`)
    if (expected === 0) return fine('no board is known yet')
    if (connected >= expected) return fine(`${connected} of ${expected} boards are connected`)
    const words = `${connected} of ${expected} boards are connected: see pixelgate boards, pixelgate ports`
    return connected === 0 ? failed(words) : warning(words)
  },
})

export interface DiskReading {
  readonly freeBytes: number
  readonly totalBytes: number
}

export async function readDisk(folder: string): Promise<DiskReading> {
  const { bavail, blocks, bsize } = await statfs(folder)
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
}

export const diskCheck = (folder: string, read: typeof readDisk = readDisk): HealthCheck => ({
  name: 'disk',
  weight: 15,
  vital: true,
  async run() {
    const { freeBytes, totalBytes } = await read(folder)
    const words = `${mb(freeBytes)} of ${mb(totalBytes)} are free on the disk of ${folder}`
    if (freeBytes < 20 * megabyte) return failed(`${words}: delete files, old backups first`)
    if (freeBytes < 200 * megabyte || freeBytes < totalBytes / 10)
      return warning(`${words}: make room before it runs full`)
    return fine(words)
  },
})

export const memoryCheck = (read: () => Promise<MemoryReading> = readMemory): HealthCheck => ({
  name: 'memory',
  weight: 10,
  vital: false,
  async run() {
    const { rssBytes, limitBytes, availableBytes } = await read()
    const limit = limitBytes === null ? '' : ` of ${mb(limitBytes)}`
    const available = availableBytes === null ? '' : `, ${mb(availableBytes)} are available`
    const words = `${mb(rssBytes)}${limit} are used${available}`
    const share = limitBytes === null ? 0 : rssBytes / limitBytes
    if (share > 0.95 || (availableBytes ?? Number.POSITIVE_INFINITY) < 16 * megabyte)
      return failed(`${words}: end other programs, or raise the limit of the service`)
    if (share > 0.8 || (availableBytes ?? Number.POSITIVE_INFINITY) < 64 * megabyte)
      return warning(`${words}: memory runs short`)
    return fine(words)
  },
})

export const eventLoopCheck = (p99Ms: () => number): HealthCheck => ({
  name: 'event-loop',
  weight: 15,
  vital: false,
  run() {
    const worstMs = Math.round(p99Ms())
    const words = `the event loop was late by ${worstMs} ms at most in the last 15 s (99 %)`
    if (worstMs > 1000) return failed(`${words}: the machine is overloaded; end other programs`)
    return worstMs > 100 ? warning(`${words}: the machine is busy`) : fine(words)
  },
})

/** Whether systemd-timesyncd has set the clock; undefined where it does not run. */
export async function clockSynchronized(root = '/'): Promise<boolean | undefined> {
  const there = (path: string): Promise<boolean> =>
    access(join(root, path)).then(
      () => true,
      () => false,
    )
  if (await there('run/systemd/timesync/synchronized')) return true
  return (await there('run/systemd/timesync')) ? false : undefined
}

export const clockCheck = (
  clock: Clock,
  synchronized: () => Promise<boolean | undefined> = clockSynchronized,
): HealthCheck => ({
  name: 'clock',
  weight: 5,
  vital: false,
  async run() {
    const nowMs = clock.wallTime()
    const words = `it is ${new Date(nowMs).toISOString()} here`
    if (!clockIsSet(nowMs))
      return warning(`${words}: the clock is not set. A Pi has none of its own; connect it to the network`)
    if ((await synchronized()) === false)
      return warning(`${words}, not yet confirmed by a time server: check the network (timedatectl)`)
    return fine(words)
  },
})

export interface BackupReading {
  readonly nightly: boolean
  /** Newest first. */
  readonly list: readonly BackupInfo[]
  /** Why the last nightly one failed; undefined: it did not. */
  readonly trouble: string | undefined
}

const hourMs = 3_600_000
/** One night may be missed: the machine was off. */
const oldMs = 50 * hourMs

export const backupCheck = (clock: Clock, read: () => Promise<BackupReading>): HealthCheck => ({
  name: 'backup',
  weight: 5,
  vital: false,
  async run() {
    const { nightly, list, trouble } = await read()
    if (trouble !== undefined) return failed(`the last backup failed: ${trouble}`)
    const [newest] = list
    if (newest === undefined)
      return nightly ? fine('the first backup is still to come') : fine('nightly backups are off')
    const ageHours = Math.round((clock.wallTime() - newest.createdMs) / hourMs)
    const words = `the newest backup is ${ageHours} h old`
    return nightly && ageHours * hourMs > oldMs
      ? warning(`${words}: make one with pixelgate backup`)
      : fine(words)
  },
})
