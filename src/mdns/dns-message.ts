import { isIPv4 } from 'node:net'

/** DNS of RFC 1035 §4 as multicast DNS uses it (RFC 6762 §18), as far as names of hosts and services need it. */
export interface DnsMessage {
  readonly id?: number
  readonly isResponse: boolean
  readonly questions: readonly Question[]
  readonly answers: readonly DnsRecord[]
  readonly authorities: readonly DnsRecord[]
  readonly additionals: readonly DnsRecord[]
}

export interface Question {
  /** `pixelgate.local`, without the dot of the root. */
  readonly name: string
  readonly type: number
}

export interface DnsRecord {
  readonly name: string
  readonly type: number
  /** Takes the place of all others of its name and type (RFC 6762 §10.2). */
  readonly flush: boolean
  readonly ttlSeconds: number
  /** RDATA, names in it uncompressed, so that it can be compared byte by byte. */
  readonly data: Buffer
}

export const recordTypes = { a: 1, ptr: 12, txt: 16, aaaa: 28, srv: 33, nsec: 47, any: 255 } as const

const classInternet = 1
const flushBit = 0x8000
/** QR and AA: an answer of whom it concerns. */
const responseFlags = 0x8400
const maxNameBytes = 255
const headerBytes = 12

export const hostTtlSeconds = 120
const otherTtlSeconds = 4500

export const addressRecord = (name: string, address: string): DnsRecord => ({
  name,
  type: isIPv4(address) ? recordTypes.a : recordTypes.aaaa,
  flush: true,
  ttlSeconds: hostTtlSeconds,
  data: addressBytes(address),
})

export const pointerRecord = (name: string, target: string): DnsRecord => ({
  name,
  type: recordTypes.ptr,
  flush: false,
  ttlSeconds: otherTtlSeconds,
  data: encodeName(target),
})

export const serviceRecord = (name: string, target: string, port: number): DnsRecord => ({
  name,
  type: recordTypes.srv,
  flush: true,
  ttlSeconds: hostTtlSeconds,
  data: Buffer.concat([Buffer.from([0, 0, 0, 0, port >> 8, port & 0xff]), encodeName(target)]),
})

/** `path=/` and the like (RFC 6763 §6). */
export const textRecord = (name: string, texts: readonly string[]): DnsRecord => ({
  name,
  type: recordTypes.txt,
  flush: true,
  ttlSeconds: otherTtlSeconds,
  data: texts.length === 0 ? Buffer.from([0]) : Buffer.concat(texts.map(label)),
})

/** Says that the name has records of these types and no others (RFC 6762 §6.1). */
export function noOthersRecord(name: string, types: readonly number[]): DnsRecord {
  const last = Math.max(...types)
  const bits = Buffer.alloc((last >> 3) + 1)
  for (const type of types) bits[type >> 3] = (bits[type >> 3] ?? 0) | (0x80 >> (type & 7))
  const data = Buffer.concat([encodeName(name), Buffer.from([0, bits.length]), bits])
  return { name, type: recordTypes.nsec, flush: true, ttlSeconds: hostTtlSeconds, data }
}

/** Names of DNS tell no capitals from small letters (RFC 6762 §16). */
export const isSameName = (one: string, other: string): boolean =>
  one === other || one.toLowerCase() === other.toLowerCase()

export const isSameRecord = (one: DnsRecord, other: DnsRecord): boolean =>
  one.type === other.type && isSameName(one.name, other.name) && one.data.equals(other.data)

export function encodeMessage(message: DnsMessage): Buffer {
  const { questions, answers, authorities, additionals } = message
  const head = Buffer.alloc(headerBytes)
  head.writeUInt16BE(message.id ?? 0, 0)
  head.writeUInt16BE(message.isResponse ? responseFlags : 0, 2)
  for (const [at, list] of [questions, answers, authorities, additionals].entries())
    head.writeUInt16BE(list.length, 4 + 2 * at)
  const asked = questions.map(({ name, type }) =>
    Buffer.concat([encodeName(name), words(type, classInternet)]),
  )
  return Buffer.concat([head, ...asked, ...[...answers, ...authorities, ...additionals].map(encodeRecord)])
}

function encodeRecord({ name, type, flush, ttlSeconds, data }: DnsRecord): Buffer {
  const ttl = Buffer.alloc(4)
  ttl.writeUInt32BE(ttlSeconds)
  const rest = [words(type, classInternet | (flush ? flushBit : 0)), ttl, words(data.length), data]
  return Buffer.concat([encodeName(name), ...rest])
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2)
  for (const [at, value] of values.entries()) bytes.writeUInt16BE(value, at * 2)
  return bytes
}

const label = (text: string): Buffer => {
  const bytes = Buffer.from(text, 'latin1').subarray(0, 255)
  return Buffer.concat([Buffer.from([bytes.length]), bytes])
}

/** Bytes are kept as they are: a name of somebody else may be in any coding. */
const encodeName = (name: string): Buffer =>
  Buffer.concat([...name.split('.').filter(Boolean).map(label), Buffer.from([0])])

/** undefined: it is no DNS message. Records of other classes than the internet's are left out. */
export function decodeMessage(bytes: Buffer): DnsMessage | undefined {
  try {
    const reader = new Reader(bytes)
    const id = reader.word()
    const flags = reader.word()
    const [questions = 0, answers = 0, authorities = 0, additionals = 0] = [0, 0, 0, 0].map(() =>
      reader.word(),
    )
    // OPCODE and RCODE are zero (RFC 6762 §18.3, §18.11).
    if ((flags & 0x780f) !== 0) return undefined
    return {
      id,
      isResponse: (flags & 0x8000) !== 0,
      questions: reader.list(questions, () => reader.question()),
      answers: reader.list(answers, () => reader.record()),
      authorities: reader.list(authorities, () => reader.record()),
      additionals: reader.list(additionals, () => reader.record()),
    }
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined
    throw thrown
  }
}

/** Throws RangeError where the bytes end too early or a name leads nowhere. */
class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  word(): number {
    this.#at += 2
    return this.#bytes.readUInt16BE(this.#at - 2)
  }

  list<T>(count: number, read: () => T | undefined): T[] {
    const found: T[] = []
    for (let at = 0; at < count; at++) {
      const each = read()
      if (each !== undefined) found.push(each)
    }
    return found
  }

  question(): Question | undefined {
    const name = this.#name()
    const type = this.word()
    // The highest bit asks for an answer to one alone (RFC 6762 §5.4).
    const klass = this.word() & 0x7fff
    return klass === classInternet || klass === recordTypes.any ? { name, type } : undefined
  }

  record(): DnsRecord | undefined {
    const name = this.#name()
    const type = this.word()
    const klass = this.word()
    const ttlSeconds = this.#bytes.readUInt32BE(this.#at)
    this.#at += 4
    const length = this.word()
    const from = this.#at
    if (from + length > this.#bytes.length) throw new RangeError('data ends too early')
    const data = this.#data(type, length)
    this.#at = from + length
    if ((klass & 0x7fff) !== classInternet) return undefined
    return { name, type, flush: (klass & flushBit) !== 0, ttlSeconds, data }
  }

  #data(type: number, length: number): Buffer {
    if (type === recordTypes.ptr) return encodeName(this.#name())
    if (type === recordTypes.srv) {
      const numbers = this.#bytes.subarray(this.#at, this.#at + 6)
      this.#at += 6
      return Buffer.concat([numbers, encodeName(this.#name())])
    }
    return Buffer.from(this.#bytes.subarray(this.#at, this.#at + length))
  }

  /** Pointers lead backwards only, so that none leads round in a circle. */
  #name(): string {
    const labels: string[] = []
    let sizeBytes = 1
    let at = this.#at
    let end: number | undefined
    for (;;) {
      const length = this.#bytes.readUInt8(at)
      if (length === 0) break
      if (length >= 0xc0) {
        const target = this.#bytes.readUInt16BE(at) & 0x3fff
        if (target >= at) throw new RangeError('a name points forwards')
        end ??= at + 2
        at = target
        continue
      }
      sizeBytes += length + 1
      if (length > 63 || sizeBytes > maxNameBytes || at + 1 + length > this.#bytes.length)
        throw new RangeError('a name is too long')
      labels.push(this.#bytes.toString('latin1', at + 1, at + 1 + length))
      at += 1 + length
    }
    this.#at = end ?? at + 1
    return labels.join('.')
  }
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  const [left = '', right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':').map(each => Number.parseInt(each, 16)))
  const [head, tail] = [groups(left), groups(right ?? '')]
  return words(...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail)
}
