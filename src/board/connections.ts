import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { type Discovery, decideOpen, type OpenReason } from '../link/decide-open.ts'
import type { PortWatch } from '../link/discovery.ts'
import type { Link } from '../link/link.ts'
import { type LinkSettings, linkName } from '../link/link-settings.ts'
import type { SerialPortInfo } from '../link/list-ports.ts'
import { BoardConnection } from './connection.ts'
import type { BoardSession } from './session.ts'

export interface ApprovedPort {
  /** Stable id, or the path of a port without one. */
  readonly id: string
  readonly baudRate: number
}

export interface ConnectionsOptions {
  readonly links: readonly LinkSettings[]
  /** Serial ports that somebody else here uses, and what is the matter with one; undefined: nothing. */
  readonly bridged?: {
    readonly paths: readonly string[]
    readonly trouble: (path: string) => AppError | undefined
  }
  readonly discovery: Discovery
  readonly approved: () => Promise<readonly ApprovedPort[]>
  readonly watch: PortWatch
  readonly open: (settings: LinkSettings) => Promise<Link>
  readonly clock: Clock
  readonly log: Log
  readonly onSession: (session: BoardSession) => void
}

/** A serial port as the operator sees it. */
export interface PortView {
  readonly port: SerialPortInfo
  readonly open: boolean
  readonly reason: OpenReason
  readonly trouble: AppError | undefined
}

const defaultBaudRate = 115_200
/** Writing firmware takes ten minutes at most; then the port comes back, whatever became of the borrower. */
const longestLoanMs = 900_000

/** Every link that may be open: the configured ones always, approved ports while they are plugged in. */
export class Connections {
  readonly #options: ConnectionsOptions
  readonly #configured = new Map<string, BoardConnection>()
  readonly #discovered = new Map<string, BoardConnection>()
  /** Devices that somebody else uses for a while. */
  readonly #lent = new Set<string>()
  #ports: readonly SerialPortInfo[] = []
  #stopped = false

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  start(): void {
    for (const settings of this.#options.links)
      this.#configured.set(linkName(settings), this.#connect(settings))
    this.#options.watch.start(ports => void this.#onPorts(ports))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#options.watch.stop()
    await Promise.all(
      [...this.#configured.values(), ...this.#discovered.values()].map(connection => connection.stop()),
    )
  }

  /** Looks again, for example after a port was approved. */
  async refresh(): Promise<void> {
    await this.#options.watch.look()
    await this.#onPorts(this.#ports)
  }

  async ports(): Promise<readonly PortView[]> {
    return (await this.#decide()).map(({ port, open, reason }) => ({
      port,
      open: reason === 'bridge' || (open && !this.#lent.has(port.path)),
      reason,
      trouble:
        this.#bridgeTrouble(port) ?? (this.#discovered.get(port.path) ?? this.#configuredOn(port))?.trouble,
    }))
  }

  /**
   * Lets go of a serial port for somebody who writes firmware to its board. `path` may be a link to it. Resolves with the function that takes
   * it back, which is called anyway after 15 min, or with undefined when the port is not in use here. Rejects with `conflict` while it
   * is lent.
   */
  async lend(path: string): Promise<(() => Promise<void>) | undefined> {
    const port = this.#ports.find(port => port.path === path || port.links.includes(path))
    if (port === undefined) return undefined
    if (this.#bridgedPath(port) !== undefined)
      throw new AppError(
        'conflict',
        `${path} is bridged to MQTT. Take it out of "links" in the configuration and restart the gateway first.`,
      )
    if (this.#lent.has(port.path))
      throw new AppError('conflict', `${path} is lent already: somebody writes firmware to its board.`)
    const configured = this.#configuredOn(port)
    const connection = configured ?? this.#discovered.get(port.path)
    if (connection === undefined) return undefined
    this.#lent.add(port.path)
    this.#discovered.delete(port.path)
    const giveBack = async () => {
      timer.cancel()
      if (!this.#lent.delete(port.path) || this.#stopped) return
      configured?.start()
      await this.#onPorts(this.#ports)
    }
    const timer = this.#options.clock.setTimer(longestLoanMs, () => void giveBack())
    await connection.stop()
    return giveBack
  }

  async #onPorts(ports: readonly SerialPortInfo[]): Promise<void> {
    this.#ports = ports
    const decisions = await this.#decide()
    if (this.#stopped) return
    const approved = await this.#options.approved()
    const wanted = new Map(
      decisions
        .filter(({ port, open, reason }) => open && reason !== 'configured' && !this.#lent.has(port.path))
        .map(({ port }) => [port.path, port]),
    )
    for (const port of ports) this.#configuredOn(port)?.wake()
    for (const [path, connection] of this.#discovered) {
      if (wanted.has(path)) continue
      this.#discovered.delete(path)
      void connection.stop()
    }
    for (const [path, port] of wanted) {
      if (this.#discovered.has(path)) continue
      const baudRate = approved.find(({ id }) => id === (port.stableId ?? path))?.baudRate ?? defaultBaudRate
      this.#discovered.set(path, this.#connect({ kind: 'serial', path, baudRate }))
    }
  }

  async #decide() {
    const { links, discovery, approved } = this.#options
    return decideOpen(this.#ports, {
      discovery,
      configured: links.flatMap(settings => (settings.kind === 'serial' ? [settings.path] : [])),
      bridged: this.#options.bridged?.paths ?? [],
      approved: (await approved()).map(({ id }) => id),
    })
  }

  /** As the configuration has it. */
  #bridgedPath(port: SerialPortInfo): string | undefined {
    const { paths = [] } = this.#options.bridged ?? {}
    return [port.path, ...port.links].find(path => paths.includes(path))
  }

  #bridgeTrouble(port: SerialPortInfo): AppError | undefined {
    const path = this.#bridgedPath(port)
    return path === undefined ? undefined : this.#options.bridged?.trouble(path)
  }

  #configuredOn(port: SerialPortInfo): BoardConnection | undefined {
    return [port.path, ...port.links]
      .map(path => this.#configured.get(path))
      .find(connection => connection !== undefined)
  }

  #connect(settings: LinkSettings): BoardConnection {
    const { open, clock, log, onSession } = this.#options
    const maxBaudRate = settings.kind === 'serial' ? (settings.maxBaudRate ?? undefined) : undefined
    const connection = new BoardConnection({ open: () => open(settings), maxBaudRate, clock, log, onSession })
    connection.start()
    return connection
  }
}
