import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Timer } from '../kernel/clock.ts'
import type { SerialPortInfo } from './list-ports.ts'

const pollMs = 2_000

/** A source of the ports that exist now. */
export interface PortWatch {
  /** The listener is called with the first list, and with each that differs from the last. */
  start(listener: (ports: readonly SerialPortInfo[]) => void): void
  /** Looks now, for example because a link was lost. */
  look(): Promise<void>
  stop(): void
}

export interface PortPollOptions {
  readonly clock: Clock
  readonly list: () => Promise<readonly SerialPortInfo[]>
  /** Cheap text that changes when a port may have come or gone; the list itself starts a program. Default: names in /dev. */
  readonly signature?: () => Promise<string>
}

/** Watches by polling every 2 s: inotify does not see every devtmpfs, and hot-plug is not in a hurry. */
export class PortPoll implements PortWatch {
  readonly #clock: Clock
  readonly #list: () => Promise<readonly SerialPortInfo[]>
  readonly #signature: () => Promise<string>
  #listener: ((ports: readonly SerialPortInfo[]) => void) | undefined
  #timer: Timer | undefined
  #looking: Promise<void> | undefined
  #lastSignature: string | undefined
  #lastPorts: string | undefined

  constructor(options: PortPollOptions) {
    this.#clock = options.clock
    this.#list = options.list
    this.#signature = options.signature ?? deviceNames
  }

  start(listener: (ports: readonly SerialPortInfo[]) => void): void {
    this.#listener = listener
    this.#lastSignature = undefined
    this.#lastPorts = undefined
    void this.look()
  }

  look(): Promise<void> {
    this.#timer?.cancel()
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined
      this.#timer?.cancel()
      if (this.#listener) this.#timer = this.#clock.setTimer(pollMs, () => void this.look())
    })
    return this.#looking
  }

  stop(): void {
    this.#listener = undefined
    this.#timer?.cancel()
  }

  async #lookOnce(): Promise<void> {
    const signature = await this.#signature().catch(() => undefined)
    if (signature !== undefined && signature === this.#lastSignature) return
    const ports = await this.#list().catch(() => undefined)
    if (ports === undefined) return
    this.#lastSignature = signature
    const text = JSON.stringify(ports)
    if (text === this.#lastPorts) return
    this.#lastPorts = text
    this.#listener?.(ports)
  }
}

/** Terminals in /dev and the links that udev adds a moment later. */
export async function deviceNames(devFolder = '/dev'): Promise<string> {
  const names = async (folder: string) => (await readdir(folder).catch(() => [])).sort()
  const terminals = (await names(devFolder)).filter(name => /^(tty[A-Z]|rfcomm)/.test(name))
  const links = [
    ...(await names(join(devFolder, 'serial/by-id'))),
    ...(await names(join(devFolder, 'serial/by-path'))),
  ]
  return [...terminals, ...links].join('\n')
}
