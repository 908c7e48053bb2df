import type { Clock, Timer } from '../kernel/clock.ts'
import {
  addressRecord,
  type DnsMessage,
  type DnsRecord,
  isSameName,
  isSameRecord,
  noOthersRecord,
  pointerRecord,
  type Question,
  recordTypes,
  serviceRecord,
  textRecord,
} from './dns-message.ts'

export interface Service {
  /** `_https._tcp` */
  readonly type: string
  readonly port: number
  /** `path=/` */
  readonly texts: readonly string[]
}

/** One network that the machine is in. */
export interface Link {
  /** Addresses that neighbours in it can reach. */
  addresses(): readonly string[]
  /** To all in the network. */
  send(message: DnsMessage): void
}

export interface ResponderParts {
  readonly clock: Clock
  /** Without `.local`; a number is put behind it where a neighbour has it. */
  readonly name: string
  readonly services: readonly Service[]
  /** All addresses of this machine, of whichever network: what names them does not come from a neighbour. */
  readonly ownAddresses: () => readonly string[]
  readonly onName: (name: string) => void
  /** From 0 to below 1. */
  readonly random?: () => number
}

// RFC 6762 §8.1 to §8.3.
const probes = 3
const probeEveryMs = 250
const lostTieMs = 1_000
const announcements = 3
const announceEveryMs = 1_000
/** After so many names that were taken it goes on slowly: a neighbour may answer for every name. */
const patientTries = 15
const slowTryMs = 5_000
const maxAnswersPerSecond = 50
const servicesName = '_services._dns-sd._udp.local'

/** One responder of multicast DNS (RFC 6762) for a host's name and its services (RFC 6763). */
export class Responder {
  readonly #parts: ResponderParts
  readonly #random: () => number
  readonly #links = new Set<Link>()
  #number = 1
  #tries = 0
  #state: 'off' | 'waiting' | 'probing' | 'announced' = 'off'
  #timer: Timer | undefined
  #second = { fromMs: Number.NEGATIVE_INFINITY, answers: 0 }

  constructor(parts: ResponderParts) {
    this.#parts = parts
    this.#random = parts.random ?? Math.random
  }

  /** Without `.local`. */
  get name(): string {
    const { name } = this.#parts
    return this.#number === 1 ? name : `${name}-${this.#number}`
  }

  /** Whether the name is ours: neighbours were asked and nobody has it. */
  get isAnnounced(): boolean {
    return this.#state === 'announced'
  }

  start(): void {
    this.#probe(this.#random() * probeEveryMs)
  }

  addLink(link: Link): void {
    this.#links.add(link)
    if (this.#state !== 'off') this.refresh()
  }

  removeLink(link: Link): void {
    this.#links.delete(link)
  }

  /** The addresses of a link have changed: neighbours are told, after a new look whether the name is free there. */
  refresh(): void {
    this.#probe(this.#random() * probeEveryMs)
  }

  /** Tells the neighbours to forget the names (RFC 6762 §10.1). */
  stop(): void {
    this.#timer?.cancel()
    if (this.#state === 'announced')
      for (const link of this.#links)
        link.send(response(this.#records(link).map(each => ({ ...each, ttlSeconds: 0 }))))
    this.#state = 'off'
  }

  /** A message of `link`; answers go to all in the network, or through `answer` to a simple resolver (RFC 6762 §6.7). */
  receive(link: Link, message: DnsMessage, answer?: (message: DnsMessage) => void): void {
    if (this.#state === 'off' || this.#state === 'waiting') return
    if (message.isResponse) this.#heed(link, [...message.answers, ...message.additionals])
    else if (this.#state === 'probing') this.#meetProbe(link, message.authorities)
    else this.#answer(link, message, answer)
  }

  get #host(): string {
    return `${this.name}.local`
  }

  #instance({ type }: Service): string {
    return `${this.name}.${type}.local`
  }

  /** Of which there is one in the network. */
  #unique(link: Link): DnsRecord[] {
    const { services } = this.#parts
    return [
      ...link.addresses().map(address => addressRecord(this.#host, address)),
      ...services.map(service => serviceRecord(this.#instance(service), this.#host, service.port)),
      ...services.map(service => textRecord(this.#instance(service), service.texts)),
    ]
  }

  #records(link: Link): DnsRecord[] {
    const pointers = this.#parts.services.flatMap(service => [
      pointerRecord(`${service.type}.local`, this.#instance(service)),
      pointerRecord(servicesName, `${service.type}.local`),
    ])
    return [...pointers, ...this.#unique(link)]
  }

  #probe(delayMs: number): void {
    // What is heard before anything was asked is no answer, and would be met again in the next name.
    this.#state = 'waiting'
    let asked = 0
    const next = () => {
      if (asked === probes) return this.#announce()
      this.#state = 'probing'
      asked += 1
      for (const link of this.#links) {
        const authorities = this.#unique(link)
        const names = [...new Set(authorities.map(({ name }) => name))]
        const questions = names.map((name): Question => ({ name, type: recordTypes.any }))
        link.send({ isResponse: false, questions, answers: [], authorities, additionals: [] })
      }
      this.#after(probeEveryMs, next)
    }
    this.#after(delayMs, next)
  }

  #announce(): void {
    this.#state = 'announced'
    this.#tries = 0
    this.#parts.onName(this.name)
    let said = 0
    const next = () => {
      said += 1
      for (const link of this.#links) link.send(response(this.#records(link)))
      if (said < announcements) this.#after(announceEveryMs * 2 ** (said - 1), next)
    }
    next()
  }

  #after(delayMs: number, fire: () => void): void {
    this.#timer?.cancel()
    this.#timer = this.#parts.clock.setTimer(delayMs, fire)
  }

  /** What a neighbour says: that a name of ours is its own, where it is. */
  #heed(link: Link, records: readonly DnsRecord[]): void {
    const mine = this.#unique(link)
    const taken = records.some(record => record.ttlSeconds > 0 && this.#contradicts(record, mine))
    if (!taken) return
    // Whoever has announced a name asks again first, as a packet may be old (RFC 6762 §9).
    if (this.#state === 'announced') return this.#probe(0)
    this.#tries += 1
    this.#number += 1
    this.#probe(this.#tries > patientTries ? slowTryMs : this.#random() * probeEveryMs)
  }

  #contradicts(record: DnsRecord, mine: readonly DnsRecord[]): boolean {
    const { type } = record
    if (type !== recordTypes.a && type !== recordTypes.aaaa && type !== recordTypes.srv) return false
    if (!mine.some(each => isSameName(each.name, record.name))) return false
    if (type === recordTypes.srv) return !mine.some(each => isSameRecord(each, record))
    return !this.#isOwnAddress(record)
  }

  #isOwnAddress({ type, name, data }: DnsRecord): boolean {
    if (type !== recordTypes.a && type !== recordTypes.aaaa) return false
    return this.#parts.ownAddresses().some(address => addressRecord(name, address).data.equals(data))
  }

  /** Somebody asks for the same name at the same time: whose records come later has it (RFC 6762 §8.2). */
  #meetProbe(link: Link, authorities: readonly DnsRecord[]): void {
    const mine = this.#unique(link)
    // A machine with two ways into one network hears itself with the addresses of the other one.
    const foreign = authorities.filter(record => !this.#isOwnAddress(record))
    const names = [...new Set(foreign.map(({ name }) => name.toLowerCase()))]
    const lost = names.some(name => {
      const of = (records: readonly DnsRecord[]) => records.filter(each => isSameName(each.name, name))
      return of(mine).length > 0 && compareSets(of(mine), of(authorities)) < 0
    })
    if (lost) this.#probe(lostTieMs)
  }

  #answer(link: Link, message: DnsMessage, answer: ((message: DnsMessage) => void) | undefined): void {
    const records = this.#records(link)
    const known = (record: DnsRecord) =>
      message.answers.some(each => isSameRecord(each, record) && each.ttlSeconds >= record.ttlSeconds / 2)
    const found = message.questions.flatMap(question => answersTo(question, records))
    const answers = [...new Set(found)].filter(record => !known(record))
    if (answers.length === 0 || !this.#mayAnswer()) return
    const additionals = this.#additionals(answers, records)
    if (answer === undefined) {
      const reply = () => link.send({ ...response(answers), additionals })
      // Others may answer a question about a service as well, and are not to speak all at once (RFC 6762 §6).
      if (answers.every(({ flush }) => flush)) reply()
      else this.#parts.clock.setTimer(20 + this.#random() * 100, () => this.isAnnounced && reply())
      return
    }
    const briefly = (record: DnsRecord) => ({ ...record, flush: false, ttlSeconds: 10 })
    const { id = 0, questions } = message
    answer({ ...response(answers.map(briefly)), id, questions, additionals: additionals.map(briefly) })
  }

  #additionals(answers: readonly DnsRecord[], records: readonly DnsRecord[]): DnsRecord[] {
    const isOf = (service: Service) => (record: DnsRecord) =>
      record.type === recordTypes.ptr && isSameName(record.name, `${service.type}.local`)
    const asked = this.#parts.services.filter(service => answers.some(isOf(service)))
    const names = asked.map(service => this.#instance(service))
    const wanted = answers.some(({ type }) => type === recordTypes.srv) || asked.length > 0
    return records.filter(
      record =>
        record.flush &&
        !answers.includes(record) &&
        (names.includes(record.name) || (wanted && record.name === this.#host)),
    )
  }

  /** Somebody who asks without end is not answered without end. */
  #mayAnswer(): boolean {
    const nowMs = this.#parts.clock.now()
    if (nowMs - this.#second.fromMs >= 1000) this.#second = { fromMs: nowMs, answers: 0 }
    this.#second.answers += 1
    return this.#second.answers <= maxAnswersPerSecond
  }
}

const response = (answers: readonly DnsRecord[]): DnsMessage => ({
  isResponse: true,
  questions: [],
  answers,
  authorities: [],
  additionals: [],
})

function answersTo({ name, type }: Question, records: readonly DnsRecord[]): readonly DnsRecord[] {
  const named = records.filter(record => isSameName(record.name, name))
  const found = type === recordTypes.any ? named : named.filter(record => record.type === type)
  const [first] = named
  if (found.length > 0 || first === undefined || !first.flush) return found
  // Whoever asks for an address of the other kind need not wait for one.
  return [noOthersRecord(first.name, [...new Set(named.map(each => each.type))])]
}

/** Sorted by type, then by data; the set that ends first is the lesser one. */
function compareSets(mine: readonly DnsRecord[], theirs: readonly DnsRecord[]): number {
  const inOrder = (one: DnsRecord, other: DnsRecord) =>
    one.type - other.type || Buffer.compare(one.data, other.data)
  const [a, b] = [[...mine].sort(inOrder), [...theirs].sort(inOrder)]
  for (const [at, record] of a.entries()) {
    const other = b[at]
    if (other === undefined) return 1
    const order = inOrder(record, other)
    if (order !== 0) return order
  }
  return a.length - b.length
}
