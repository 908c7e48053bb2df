import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

/**
 * Addresses that mean this machine or what hands out its credentials, so a message is not sent there: IANA's special-purpose registries
 * (RFC 6890), and the metadata services of clouds. Private networks are where the receivers of a house are.
 */
const refused = new BlockList()
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
  ['192.0.0.0', 24],
  ['192.88.99.0', 24],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  refused.addSubnet(net, bits, 'ipv4')
for (const [net, bits] of [
  ['::', 128],
  ['::1', 128],
  ['fe80::', 10],
  ['fec0::', 10],
  ['fd00:ec2::', 32],
  ['fd20:ce::', 32],
  ['ff00::', 8],
  ['100::', 64],
] as const)
  refused.addSubnet(net, bits, 'ipv6')

/** Prefixes of IPv6 addresses with an IPv4 address in them, and where it stands: NAT64 (RFC 6052), 6to4 (RFC 3056), mapped, compatible. */
const wrappers = [
  { prefix: [0x64, 0xff9b, 0, 0, 0, 0], at: 6 },
  { prefix: [0x2002], at: 1 },
  { prefix: [0, 0, 0, 0, 0, 0xffff], at: 6 },
  { prefix: [0, 0, 0, 0, 0xffff, 0], at: 6 },
  { prefix: [0, 0, 0, 0, 0, 0], at: 6 },
] as const

/** Whether nothing may be sent to this IP address; true for what is none. */
export function isRefusedAddress(address: string): boolean {
  const plain = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
  const family = isIP(plain)
  if (family === 0) return true
  const own = ownAddresses()
  const isRefusedIpv4 = (dotted: string) => refused.check(dotted, 'ipv4') || own.has(dotted)
  if (family === 4) return isRefusedIpv4(plain)
  const words = wordsOf(plain)
  if (refused.check(plain, 'ipv6') || own.has(words.join(':'))) return true
  return wrappers.some(({ prefix, at }) => {
    if (!prefix.every((word, index) => words[index] === word)) return false
    const [high = 0, low = 0] = words.slice(at)
    return isRefusedIpv4([high >> 8, high & 255, low >> 8, low & 255].join('.'))
  })
}

/** Of this machine in its networks at this moment; of IPv6 the eight words. */
function ownAddresses(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flatMap(each => each ?? [])
  return new Set(
    all.map(({ family, address }) =>
      family === 'IPv4' ? address : wordsOf(address.replace(/%.*$/, '')).join(':'),
    ),
  )
}

/** The eight words of an IPv6 address. */
function wordsOf(address: string): readonly number[] {
  // The parser of URLs writes a dotted end as two words.
  const short = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  const [head = '', tail] = short.split('::')
  const list = (text: string | undefined) =>
    text === undefined || text === '' ? [] : text.split(':').map(word => Number.parseInt(word, 16))
  const before = list(head)
  const after = list(tail)
  const middle =
    tail === undefined ? [] : Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0)
  return [...before, ...middle, ...after]
}
