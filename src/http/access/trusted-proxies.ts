import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { type Authority, parseAuthority, type Scheme } from './authority.ts'

/** Who asks, and how: of the connection itself, or what a proxy that is trusted says about it. */
export interface Origination {
  readonly address: string
  readonly scheme: Scheme
  /** Host that the caller has named; undefined: the proxy says none, or what it says is no host. */
  readonly forwardedHost: Authority | undefined
  /** The proxy names a host, whether it is one or not. */
  readonly hasForwardedHost: boolean
}

/** Proxies by address or network (`192.168.1.2`, `fd00::/8`); what others write into X-Forwarded-* counts for nothing. */
export class TrustedProxies {
  readonly #list = new BlockList()
  readonly #any: boolean

  /** Each is an address or a network as the configuration's schema lets through. */
  constructor(networks: readonly string[]) {
    this.#any = networks.length > 0
    for (const network of networks) {
      const [address = '', bits] = network.split('/')
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
      if (bits === undefined) this.#list.addAddress(address, family)
      else this.#list.addSubnet(address, Number(bits), family)
    }
  }

  has(address: string): boolean {
    const version = isIP(address)
    return this.#any && version !== 0 && this.#list.check(address, version === 6 ? 'ipv6' : 'ipv4')
  }

  /**
   * undefined: the connection speaks for itself. Of X-Forwarded-For the right-most address that is no trusted proxy counts,
   * as everything to the left of it was written by that one.
   */
  originOf({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): Origination | undefined {
    const peer = plainAddress(socket.remoteAddress ?? '')
    if (!this.has(peer)) return undefined
    const scheme = lastOf(headers['x-forwarded-proto'])
    const host = lastOf(headers['x-forwarded-host'])
    return {
      address: this.#clientOf(peer, headers['x-forwarded-for']),
      scheme: scheme === 'https' || scheme === 'http' ? scheme : 'encrypted' in socket ? 'https' : 'http',
      forwardedHost: host === undefined ? undefined : parseAuthority(host),
      hasForwardedHost: host !== undefined,
    }
  }

  #clientOf(peer: string, header: string | string[] | undefined): string {
    let client = peer
    for (const text of listOf(header).reverse()) {
      const address = addressOf(text)
      // What is no address was written by whoever came before the last one that is.
      if (address === undefined) return client
      client = address
      if (!this.has(address)) return client
    }
    return client
  }
}

/** `::ffff:192.0.2.1` as `192.0.2.1`: a socket for both families writes it so. */
export const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '')

const listOf = (header: string | string[] | undefined): string[] =>
  (Array.isArray(header) ? header.join(',') : (header ?? ''))
    .split(',')
    .map(each => each.trim())
    .filter(each => each !== '')

const lastOf = (header: string | string[] | undefined): string | undefined =>
  listOf(header).at(-1)?.toLowerCase()

/** Some proxies add the port. */
function addressOf(text: string): string | undefined {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text
  return isIP(bare) === 0 ? undefined : plainAddress(bare)
}
