import { BlockList, isIP } from 'node:net'

/** For which names an authority may speak (RFC 5280 §4.2.1.10): DNS names with all below them, and networks. */
export interface NameConstraints {
  readonly domains: readonly string[]
  /** `192.168.0.0/16`, `fd00::/8` */
  readonly networks: readonly string[]
}

export const nameConstraintsOid = '2.5.29.30'
const oidBytes = Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x1e])

const tags = { sequence: 0x30, boolean: 0x01, octets: 0x04, permitted: 0xa0, dns: 0x82, ip: 0x87 } as const

/** DER of the extension's value: only permitted subtrees. */
export function encodeNameConstraints({ domains, networks }: NameConstraints): Buffer {
  const names = [
    ...domains.map(domain => tlv(tags.dns, Buffer.from(domain, 'latin1'))),
    ...networks.map(network => tlv(tags.ip, networkBytes(network))),
  ]
  const subtrees = names.map(name => tlv(tags.sequence, name))
  return tlv(tags.sequence, tlv(tags.permitted, Buffer.concat(subtrees)))
}

/** Those of a certificate in DER; undefined: it has none, and may speak for every name. */
export function readNameConstraints(certificate: Uint8Array): NameConstraints | undefined {
  const bytes = Buffer.from(certificate.buffer, certificate.byteOffset, certificate.byteLength)
  const at = bytes.indexOf(oidBytes)
  if (at < 0) return undefined
  const [first, second] = elements(bytes.subarray(at + oidBytes.length))
  const value = first?.tag === tags.boolean ? second : first
  if (value?.tag !== tags.octets) return undefined
  const [outer] = elements(value.body)
  const permitted = elements(outer?.body ?? Buffer.alloc(0)).find(each => each.tag === tags.permitted)
  const names = elements(permitted?.body ?? Buffer.alloc(0)).flatMap(({ body }) => elements(body).slice(0, 1))
  return {
    domains: names.filter(({ tag }) => tag === tags.dns).map(({ body }) => body.toString('latin1')),
    networks: names.filter(({ tag }) => tag === tags.ip).map(({ body }) => networkText(body)),
  }
}

/** Whether an authority with these constraints may vouch for a name or an address. */
export function permits({ domains, networks }: NameConstraints, name: string): boolean {
  const version = isIP(name)
  if (version === 0) {
    const said = name.toLowerCase()
    return domains.some(domain => said === domain || said.endsWith(`.${domain}`))
  }
  const family = version === 6 ? 'ipv6' : 'ipv4'
  return networks.some(network => {
    const [address = '', bits = ''] = network.split('/')
    if (isIP(address) !== version) return false
    const list = new BlockList()
    list.addSubnet(address, Number(bits), family)
    return list.check(name.replace(/%.*$/, ''), family)
  })
}

function tlv(tag: number, body: Uint8Array): Buffer {
  const { length } = body
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...head]), body])
}

interface Element {
  readonly tag: number
  readonly body: Buffer
}

/** The elements that stand one after the other; what is cut off is left out. */
function elements(bytes: Buffer): Element[] {
  const found: Element[] = []
  for (let at = 0; at + 2 <= bytes.length; ) {
    const tag = bytes[at] ?? 0
    const first = bytes[at + 1] ?? 0
    const lengthBytes = first < 128 ? 0 : first & 0x7f
    if (lengthBytes > 2 || at + 2 + lengthBytes > bytes.length) break
    const from = at + 2 + lengthBytes
    const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes)
    if (from + length > bytes.length) break
    found.push({ tag, body: bytes.subarray(from, from + length) })
    at = from + length
  }
  return found
}

/** The address, then its mask. */
function networkBytes(network: string): Buffer {
  const [address = '', bits = ''] = network.split('/')
  const bytes = addressBytes(address)
  const mask = bytes.map((_, at) => 0xff & ~(0xff >> Math.min(8, Math.max(0, Number(bits) - at * 8))))
  return Buffer.from([...bytes.map((byte, at) => byte & (mask[at] ?? 0)), ...mask])
}

function networkText(bytes: Buffer): string {
  const half = bytes.length / 2
  const address = bytes.subarray(0, half)
  const bits = [...bytes.subarray(half)].map(byte => byte.toString(2).replaceAll('0', '').length)
  return `${addressText(address)}/${bits.reduce((sum, each) => sum + each, 0)}`
}

function addressBytes(address: string): number[] {
  if (isIP(address) === 4) return address.split('.').map(Number)
  // A URL writes it in groups of hexadecimal digits, with one gap at most.
  const [left = '', right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = (text: string) =>
    text === '' ? [] : text.split(':').map(group => Number.parseInt(group, 16))
  const [head, tail] = [groups(left), groups(right ?? '')]
  const all = [...head, ...Array(8 - head.length - tail.length).fill(0), ...tail]
  return all.flatMap(group => [group >> 8, group & 0xff])
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
