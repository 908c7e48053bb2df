import { networkInterfaces } from 'node:os'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { type Interfaces, NetworkLinks } from './network-links.ts'
import { Responder, type Service } from './responder.ts'

export interface MdnsOptions {
  readonly clock: Clock
  readonly log: Log
  /** `pixelgate` is asked for as `pixelgate.local`. */
  readonly name: string
  readonly services: readonly Service[]
  /** The name that was free. */
  readonly onName?: (name: string) => void
  readonly interfaces?: () => Interfaces
  readonly port?: number
}

export interface Mdns {
  /** Without `.local`; undefined: neighbours have not been asked yet. */
  readonly name: string | undefined
  /** Says goodbye to the neighbours. */
  stop(): Promise<void>
}

/** Makes the gateway findable by name in its network. Never throws: without multicast there is just no name. */
export function startMdns(options: MdnsOptions): Mdns {
  const { clock, log, name, services, onName, port } = options
  const interfaces = () => listed(options.interfaces ?? networkInterfaces)
  let announced: string | undefined
  const responder = new Responder({
    clock,
    name,
    services,
    ownAddresses: () => Object.values(interfaces()).flatMap(list => (list ?? []).map(each => each.address)),
    onName: found => {
      if (found === announced) return
      if (found !== name)
        log.warn({ wanted: name, name: found }, 'a neighbour has this name, so the gateway takes another one')
      log.info({ name: `${found}.local` }, 'the gateway has a name in the network')
      announced = found
      onName?.(found)
    },
  })
  const links = new NetworkLinks({ clock, log, responder, interfaces, ...(port !== undefined && { port }) })
  links.start()
  responder.start()
  return {
    get name() {
      return announced
    },
    stop: () => {
      responder.stop()
      return links.stop()
    },
  }
}

/** A sandbox may keep the list from us; then there is none. */
function listed(interfaces: () => Interfaces): Interfaces {
  try {
    return interfaces()
  } catch {
    return {}
  }
}
