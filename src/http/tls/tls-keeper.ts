import { stat } from 'node:fs/promises'
import type { Clock, Timer } from '../../kernel/clock.ts'
import { toError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import type { TlsView } from '../../wire/tls.ts'
import { type Machine, thisMachine } from '../access/allowed-hosts.ts'
import { renewBeforeMs } from './device-certificate.ts'
import { isLoopback, loadTls, type Tls, type TlsSettings, tlsNames } from './load-tls.ts'

export interface TlsKeeperParts {
  readonly settings: TlsSettings
  readonly stateDir: string
  readonly clock: Clock
  readonly log: Log
  readonly machine?: Machine
}

/** A cable, DHCP or a clock that was set may ask for another certificate at any time; a look costs 0.2 ms. */
const lookEveryMs = 5_000
/** After a disk that could not be written. */
const againMs = 60_000

/** Has the certificate that the gateway shows, and replaces it while the gateway runs. */
export class TlsKeeper {
  readonly #parts: TlsKeeperParts
  readonly #machine: Machine
  #shown: Tls | undefined
  #files = ''
  #names = ''
  #toldLeftOut = ''
  #notBeforeMs = Number.NEGATIVE_INFINITY
  readonly #watchers = new Set<(tls: Tls) => void>()
  #timer: Timer | undefined
  #looking = false

  constructor(parts: TlsKeeperParts) {
    this.#parts = parts
    this.#machine = parts.machine ?? thisMachine
  }

  /** The certificate to listen with; undefined: plain HTTP. Rejects with `config_invalid` or `storage_failed`. */
  async open(): Promise<Tls | undefined> {
    const { settings, log } = this.#parts
    this.#files = await this.#fileMarks()
    const tls = await this.#load()
    if (tls === undefined && !isLoopback(settings.host))
      log.warn(
        { host: settings.host },
        'http.tls is insecure: whoever is in this network can read passwords and change patterns',
      )
    return tls
  }

  /** Later handshakes get what `onChange` is told; connections stay. Returns what ends it. */
  watch(onChange: (tls: Tls) => void): () => void {
    if (this.#shown === undefined) return () => undefined
    if (this.#watchers.size === 0) this.#wait()
    this.#watchers.add(onChange)
    return () => {
      this.#watchers.delete(onChange)
      if (this.#watchers.size === 0) this.#timer?.cancel()
    }
  }

  view(): Omit<TlsView, 'landingUrl'> {
    const { settings } = this.#parts
    const tls = this.#shown
    return {
      scheme: tls === undefined ? 'http' : 'https',
      insecure: tls === undefined && !isLoopback(settings.host),
      fingerprint: tls?.fingerprint ?? null,
      authority: (tls && (tls.authority === null ? 'given' : 'own')) || null,
      constrained: tls?.authority?.isConstrained ?? null,
      names: tls?.names ?? [],
      leftOut: tls?.leftOut ?? [],
      validTo: tls === undefined ? null : new Date(tls.validToMs).toISOString(),
    }
  }

  /** The certificate that is shown now. */
  get current(): Tls | undefined {
    return this.#shown
  }

  #wait(): void {
    this.#timer = this.#parts.clock.setTimer(lookEveryMs, () => {
      this.#wait()
      void this.#look()
    })
  }

  async #look(): Promise<void> {
    const { clock, log } = this.#parts
    if (this.#looking || clock.now() < this.#notBeforeMs) return
    this.#looking = true
    try {
      const files = await this.#fileMarks()
      if (!this.#isDue(files)) return
      this.#files = files
      const before = this.#shown?.certificate
      const tls = await this.#load()
      if (tls === undefined || tls.certificate === before) return
      for (const show of this.#watchers) show(tls)
      log.info({ fingerprint: tls.fingerprint, names: tls.names }, 'the certificate was renewed')
    } catch (thrown) {
      this.#notBeforeMs = clock.now() + (this.#parts.settings.tls === 'files' ? 0 : againMs)
      log.warn({ reason: toError(thrown).message }, 'the certificate could not be renewed')
    } finally {
      this.#looking = false
    }
  }

  #isDue(files: string): boolean {
    const { settings, clock } = this.#parts
    if (settings.tls === 'files') return files !== this.#files
    const { validFromMs = 0, validToMs = 0 } = this.#shown ?? {}
    const nowMs = clock.wallTime()
    // A clock that was set back behind the start of the certificate changes nothing: it will be set again.
    return this.#namesNow() !== this.#names || (nowMs > validFromMs && nowMs >= validToMs - renewBeforeMs)
  }

  async #load(): Promise<Tls | undefined> {
    const { settings, stateDir, clock, log } = this.#parts
    const names = this.#namesNow()
    const tls = await loadTls(settings, stateDir, { machine: this.#machine, wallTimeMs: clock.wallTime() })
    this.#shown = tls
    this.#names = names
    if (tls?.authority?.isNew)
      log.warn(
        { fingerprint: tls.fingerprint, file: tls.authority.file },
        'a certificate authority was made: trust it once on each device, see docs/tls.md',
      )
    const leftOut = tls?.leftOut.join(' ') ?? ''
    if (leftOut !== '' && leftOut !== this.#toldLeftOut)
      log.warn(
        { names: tls?.leftOut },
        'the certificate is not for these names, as its authority was made before they were known: docs/tls.md says how to make another one',
      )
    this.#toldLeftOut = leftOut
    return tls
  }

  #namesNow(): string {
    return [...tlsNames(this.#parts.settings, this.#machine)].sort().join(' ')
  }

  /** Changes when one of the administrator's files does; a link is followed, as ACME clients swap links. */
  async #fileMarks(): Promise<string> {
    const { tls, certFile, keyFile } = this.#parts.settings
    if (tls !== 'files') return ''
    const marks = [certFile, keyFile].map(async file => {
      const found = await stat(file ?? '').catch(() => undefined)
      return `${found?.ino} ${found?.size} ${found?.mtimeMs}`
    })
    return (await Promise.all(marks)).join('; ')
  }
}
