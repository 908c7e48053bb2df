import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { BlockList } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import type { Clock, Timer } from '../kernel/clock.ts'
import { toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { type DnsMessage, decodeMessage, encodeMessage } from './dns-message.ts'
import type { Link, Responder } from './responder.ts'

export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>

export interface NetworkLinksParts {
  readonly clock: Clock
  readonly log: Log
  readonly responder: Responder
  readonly interfaces: () => Interfaces
  readonly port?: number
}

const group = '224.0.0.251'
const mdnsPort = 5353
/** RFC 6762 §11. */
const hops = 255
const lookEveryMs = 5_000
const goodbyeMs = 500

/**
 * A socket for each network that the machine is in, so that each network hears the addresses that it can reach. Networks
 * come and go, and a socket may fail at any call: then it is opened anew at the next look. Nothing here ends the gateway.
 */
export class NetworkLinks {
  readonly #parts: NetworkLinksParts
  readonly #links = new Map<string, NetworkLink>()
  #timer: Timer | undefined
  #told = ''

  constructor(parts: NetworkLinksParts) {
    this.#parts = parts
  }

  start(): void {
    this.#look()
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    await Promise.all([...this.#links.values()].map(link => link.close()))
    this.#links.clear()
  }

  #look(): void {
    const { clock, interfaces, responder } = this.#parts
    this.#timer = clock.setTimer(lookEveryMs, () => this.#look())
    const usable = Object.entries(interfaces()).flatMap(([name, list = []]) => networkOf(name, list) ?? [])
    for (const [key, link] of this.#links) {
      if (!link.isBroken && usable.some(each => each.key === key)) continue
      this.#links.delete(key)
      responder.removeLink(link)
      void link.close()
    }
    for (const network of usable) {
      const known = this.#links.get(network.key)
      if (known === undefined) this.#open(network)
      else if (known.take(network)) responder.refresh()
    }
  }

  #open(network: Network): void {
    const { responder, port = mdnsPort } = this.#parts
    const link = new NetworkLink(network, port, {
      onOpen: () => responder.addLink(link),
      onMessage: (message, answer) => responder.receive(link, message, answer),
      onFault: reason => this.#tell(network.key, reason),
    })
    this.#links.set(network.key, link)
  }

  /** Once, and not every five seconds. */
  #tell(key: string, reason: string): void {
    const fault = `${key} ${reason}`
    if (fault === this.#told) return
    this.#told = fault
    this.#parts.log.warn({ network: key, reason }, 'multicast DNS does not work in a network')
  }
}

interface Network {
  readonly key: string
  readonly address: string
  readonly addresses: readonly string[]
  readonly neighbours: BlockList
}

/** undefined: it has no IPv4 address, or leads nowhere but to this machine. */
function networkOf(name: string, list: readonly NetworkInterfaceInfo[]): Network | undefined {
  const four = list.find(({ family, internal }) => family === 'IPv4' && !internal)
  if (four === undefined) return undefined
  const neighbours = new BlockList()
  for (const { address, cidr, family } of list) {
    if (family === 'IPv4' && cidr !== null)
      neighbours.addSubnet(address, Number(cidr.split('/')[1] ?? 32), 'ipv4')
  }
  // Addresses of one link need the name of an interface beside them, which nobody can say in DNS.
  const addresses = list.map(({ address }) => address).filter(address => !/^fe[89ab]/i.test(address))
  return { key: `${name} ${four.address}`, address: four.address, addresses, neighbours }
}

interface Listeners {
  readonly onOpen: () => void
  readonly onMessage: (message: DnsMessage, answer?: (message: DnsMessage) => void) => void
  readonly onFault: (reason: string) => void
}

class NetworkLink implements Link {
  readonly #port: number
  readonly #socket: Socket
  readonly #listeners: Listeners
  #network: Network
  #closed: Promise<void> | undefined
  isBroken = false

  constructor(network: Network, port: number, listeners: Listeners) {
    this.#network = network
    this.#port = port
    this.#listeners = listeners
    // Another responder of this machine, such as avahi, has the port as well.
    this.#socket = createSocket({ type: 'udp4', reuseAddr: true })
    this.#socket.on('error', error => this.#break(error))
    this.#socket.on('message', (bytes, from) => this.#receive(bytes, from))
    this.#socket.bind(port, () => this.#join())
  }

  addresses(): readonly string[] {
    return this.#network.addresses
  }

  /** Answers with whether its addresses have changed. */
  take(network: Network): boolean {
    const before = this.#network.addresses.join(' ')
    this.#network = network
    return before !== network.addresses.join(' ')
  }

  send(message: DnsMessage): void {
    this.#sendTo(message, this.#port, group)
  }

  /** Waits for what was sent before. */
  close(): Promise<void> {
    this.#closed ??= new Promise(resolve => {
      const end = () => {
        clearTimeout(late)
        try {
          this.#socket.close(() => resolve())
        } catch {
          resolve()
        }
      }
      const late = setTimeout(end, goodbyeMs)
      if (this.isBroken || this.#sending === 0) end()
      else this.#onSent = end
    })
    return this.#closed
  }

  #sending = 0
  #onSent: (() => void) | undefined

  #sendTo(message: DnsMessage, port: number, address: string): void {
    if (this.isBroken || this.#closed !== undefined) return
    this.#sending += 1
    this.#socket.send(encodeMessage(message), port, address, error => {
      this.#sending -= 1
      if (error !== null) this.#break(error)
      if (this.#sending === 0) this.#onSent?.()
    })
  }

  #join(): void {
    try {
      const { address } = this.#network
      this.#socket.addMembership(group, address)
      this.#socket.setMulticastInterface(address)
      this.#socket.setMulticastTTL(hops)
      this.#socket.setMulticastLoopback(true)
    } catch (thrown) {
      this.#break(toError(thrown))
      return
    }
    this.#listeners.onOpen()
  }

  /** The system hands what came in one network to the sockets of all: only neighbours in this one are heard (RFC 6762 §11). */
  #receive(bytes: Buffer, from: RemoteInfo): void {
    if (!this.#network.neighbours.check(from.address)) return
    const message = decodeMessage(bytes)
    if (message === undefined) return
    const isSimple = from.port !== this.#port
    if (isSimple && message.isResponse) return
    this.#listeners.onMessage(
      message,
      isSimple ? reply => this.#sendTo(reply, from.port, from.address) : undefined,
    )
  }

  #break(error: Error): void {
    if (this.isBroken) return
    this.isBroken = true
    this.#listeners.onFault((error as NodeJS.ErrnoException).code ?? error.message)
    this.#onSent?.()
  }
}
