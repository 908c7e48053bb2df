import type { KeptMessage } from './kept-message.ts'

/** A packet on its way to or from a client, as aedes has it. */
export interface Outgoing {
  readonly cmd: string
  readonly payload?: Buffer | string
  messageId?: number | undefined
}

/** A message for one session; what is left of it after PUBREC is its packet identifier alone. */
export class Entry {
  message: KeptMessage | undefined
  readonly seq: number
  readonly qos: 1 | 2
  packetId: number
  /** The payload that aedes carries while it is on its way to the client; aedes copies packets, but not this object. */
  key: Buffer | undefined
  /** Its commit is still to come. */
  pending = false
  /** Over the connection that there is now. */
  sent = false
  /** Over an earlier one: a repetition says so [MQTT-3.3.1-1]. */
  sentBefore = false

  constructor(message: KeptMessage | undefined, seq: number, qos: 1 | 2, packetId: number) {
    this.message = message
    this.seq = seq
    this.qos = qos
    this.packetId = packetId
  }
}

/** Identifiers of messages that last; those above are for what is sent once and not kept. */
export const maxLastingId = 57_344
const maxId = 65_535

/** The messages of one session that its client has not acknowledged, in the order in which they came. */
export class SessionQueue {
  readonly #entries = new Set<Entry>()
  readonly #byPayload = new Map<Buffer | string, Entry>()
  readonly #byId = new Map<number, Entry>()
  readonly #passingIds = new Set<number>()
  #lastId = 0
  #lastPassingId = maxLastingId
  /** The client over whose connection things are sent; known when it asks for what it missed. */
  #client: object | undefined
  /** Counts comings and goings of the client; a replay ends with its own. */
  #connection = 0
  #isHere: boolean
  #replaying = false
  /** Called when something was sent or committed, or the client has left. */
  #wake: () => void = () => undefined

  /** `isHere`: its client is connected. */
  constructor(isHere: boolean) {
    this.#isHere = isHere
  }

  get count(): number {
    return this.#entries.size
  }

  get isFull(): boolean {
    return this.#byId.size >= maxLastingId
  }

  /** What the client missed is not all sent yet: newer messages wait here for their turn. */
  get replaying(): boolean {
    return this.#replaying
  }

  entries(): Iterable<Entry> {
    return this.#entries
  }

  /** Takes a message in; with an identifier of its own from now on, so that it has the same over every connection. */
  add(message: KeptMessage, qos: 1 | 2, key: Buffer): Entry {
    do this.#lastId = (this.#lastId % maxLastingId) + 1
    while (this.#byId.has(this.#lastId))
    const entry = new Entry(message, message.seq, qos, this.#lastId)
    // Otherwise a replay brings it.
    if (this.#isHere && !this.#replaying) {
      entry.key = key
      this.#byPayload.set(key, entry)
    }
    return this.restore(entry)
  }

  /** As it was kept. */
  restore(entry: Entry): Entry {
    this.#entries.add(entry)
    this.#byId.set(entry.packetId, entry)
    this.#lastId = Math.min(entry.packetId, maxLastingId)
    return entry
  }

  /** Its commit has come. */
  settle(entry: Entry): void {
    entry.pending = false
    this.#wake()
  }

  /** False: it was not here any more. */
  remove(entry: Entry): boolean {
    if (!this.#entries.delete(entry)) return false
    this.#dropKey(entry)
    if (this.#byId.get(entry.packetId) === entry) this.#byId.delete(entry.packetId)
    this.#wake()
    return true
  }

  /** The identifier with which a message may be sent now; undefined: it has been, waits for its turn, or is not here. */
  idToSend(payload: Buffer | string): number | undefined {
    const entry = this.#byPayload.get(payload)
    return entry === undefined || entry.pending ? undefined : entry.packetId
  }

  /** For a message that is sent once and not kept. */
  passingId(): number {
    const base = maxLastingId + 1
    const range = maxId - maxLastingId
    for (let tries = 0; tries < range; tries++) {
      this.#lastPassingId = base + ((this.#lastPassingId + 1 - base + range) % range)
      if (!this.#passingIds.has(this.#lastPassingId)) break
    }
    this.#passingIds.add(this.#lastPassingId)
    return this.#lastPassingId
  }

  byPayload(payload: Buffer | string): Entry | undefined {
    return this.#byPayload.get(payload)
  }

  byId(packetId: number): Entry | undefined {
    return this.#byId.get(packetId)
  }

  endPassing(packetId: number): void {
    this.#passingIds.delete(packetId)
  }

  rename(entry: Entry, packetId: number): void {
    if (this.#byId.get(entry.packetId) === entry) this.#byId.delete(entry.packetId)
    entry.packetId = packetId
    this.#byId.set(packetId, entry)
  }

  /** It has been sent; over a connection that is not the newest one, that is nothing. */
  sent(entry: Entry, client: object): void {
    if (this.#client !== undefined && this.#client !== client) return
    entry.sent = true
    this.#dropKey(entry)
    this.#wake()
  }

  /** PUBREC has come: what is left is the identifier. Returns the message that nobody needs here any more. */
  release(entry: Entry): KeptMessage | undefined {
    const { message } = entry
    this.#dropKey(entry)
    entry.message = undefined
    return message
  }

  /** The client is back: from now on `replaying` holds, until `replay` has come to its end. */
  resume(): void {
    this.#connection++
    this.#isHere = true
    this.#replaying = true
    this.#client = undefined
    this.#passingIds.clear()
    this.#rewind()
    this.#wake()
  }

  /** The client has gone; what it has not acknowledged waits. */
  left(): void {
    this.#connection++
    this.#isHere = false
    this.#replaying = false
    this.#client = undefined
    this.#rewind()
    this.#wake()
  }

  /**
   * All there is. For a client that has come back, one after the other, each when the one before is sent, and what comes
   * meanwhile behind it.
   */
  async *replay(client: object): AsyncGenerator<Outgoing, void> {
    if (!this.#replaying) {
      for (const entry of this.#entries) yield packetOf(entry, entry.sent)
      return
    }
    const connection = this.#connection
    this.#client = client
    // An old connection may have sent something after `resume`.
    this.#rewind()
    for (const entry of this.#entries) {
      if (entry.sent) continue
      while (entry.pending && this.#isThere(entry, connection)) await this.#change()
      if (this.#connection === connection && this.#entries.has(entry)) yield packetOf(entry, true)
      while (!entry.sent && this.#isThere(entry, connection)) await this.#change()
      if (this.#connection !== connection) return
    }
    this.#replaying = false
  }

  #rewind(): void {
    for (const entry of this.#entries) {
      if (entry.sent) entry.sentBefore = true
      entry.sent = false
      entry.key = undefined
    }
    this.#byPayload.clear()
  }

  #dropKey(entry: Entry): void {
    if (entry.key === undefined) return
    this.#byPayload.delete(entry.key)
    entry.key = undefined
  }

  #isThere(entry: Entry, connection: number): boolean {
    return this.#connection === connection && this.#entries.has(entry)
  }

  #change(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }
}

/** As aedes has it; `withId`: it has been sent, or is to be. */
export function packetOf({ message, qos, packetId, sentBefore }: Entry, withId: boolean): Outgoing {
  if (message === undefined) return { cmd: 'pubrel', messageId: packetId }
  const { topic, payload, brokerId, brokerCounter } = message
  const packet = {
    cmd: 'publish',
    topic,
    payload,
    qos,
    retain: false,
    dup: sentBefore,
    brokerId,
    brokerCounter,
  }
  return { ...packet, messageId: withId ? packetId : undefined }
}
