import { hostname, networkInterfaces } from 'node:os'
import type { Clock } from '../../kernel/clock.ts'
import { authorityOf } from './authority.ts'

/** Addresses change with the network (DHCP, a cable); looking them up costs about 0.1 ms. */
const freshMs = 2_000

export interface Machine {
  hostname(): string
  /** IP addresses of all interfaces. */
  addresses(): readonly string[]
  /** Names that it has beside that of the system: where multicast DNS has given it one. */
  otherNames?(): readonly string[]
  /** Names that it may come to have without anybody's doing. */
  spareNames?(): readonly string[]
}

export const thisMachine: Machine = {
  hostname,
  addresses: () => Object.values(networkInterfaces()).flatMap(list => (list ?? []).map(each => each.address)),
}

/** Neighbours of the same name make a gateway take a number; so many are foreseen. */
const lastNumber = 9

/** This machine as multicast DNS calls it: `current` is the name of the moment, without `.local`. */
export function machineCalled(
  name: string,
  current: () => string | undefined,
  machine: Machine = thisMachine,
): Machine {
  const numbered = Array.from({ length: lastNumber - 1 }, (_, at) => `${name}-${at + 2}.local`)
  return {
    ...machine,
    otherNames: () => [`${name}.local`, ...(current() === undefined ? [] : [`${current()}.local`])],
    spareNames: () => numbered,
  }
}

/** Names of this machine, without its addresses. */
export function machineNames(machine: Machine): readonly string[] {
  const name = machine.hostname().toLowerCase()
  const names = [name, `${name.replace(/\..*$/, '')}.local`].filter(each => authorityOf(each) !== undefined)
  return [...new Set(['localhost', ...names, 'pixelgate.local', ...(machine.otherNames?.() ?? [])])]
}

/**
 * The names by which the gateway may be asked. A page that points a name of its own at our address (DNS rebinding) has
 * the browser say that name in Host, so whatever is not ours is refused.
 */
export class AllowedHosts {
  readonly #configured: readonly string[]
  readonly #clock: Clock
  readonly #machine: Machine
  #hosts: ReadonlySet<string> = new Set()
  #lookedUpMs = Number.NEGATIVE_INFINITY

  constructor(configured: readonly string[], clock: Clock, machine: Machine = thisMachine) {
    this.#configured = configured
    this.#clock = clock
    this.#machine = machine
  }

  /** `host` as `parseAuthority` gives it out. */
  has(host: string): boolean {
    return /^127(\.\d{1,3}){3}$/.test(host) || host === '[::1]' || this.#current().has(host)
  }

  #current(): ReadonlySet<string> {
    const nowMs = this.#clock.now()
    if (nowMs - this.#lookedUpMs < freshMs) return this.#hosts
    this.#lookedUpMs = nowMs
    const names = [...machineNames(this.#machine), ...this.#machine.addresses(), ...this.#configured]
    this.#hosts = new Set(names.flatMap(name => authorityOf(name)?.host ?? []))
    return this.#hosts
  }
}
