import type { OutboxRow } from '../../store/outbox/outbox-row.ts'

/** Something to be sent. `seq` undefined: the current value of a retained topic, which is in no outbox. */
export interface Sendable {
  readonly seq: number | undefined
  readonly epoch: string
  readonly topic: string
  readonly payload: Uint8Array
  readonly retain: boolean
  readonly class: OutboxRow['class']
}

/** Cuts with a message under way, after which it is sent only alone. */
const cutsOfSuspect = 2
/** Cuts with nothing but this one under way, after which its topic is set aside. */
const cutsAlone = 3
/** So many others go before a suspect has another try. */
const othersFirst = 200
const maxSetAside = 1_000

interface Suspicion {
  cuts: number
  alone: number
}

/**
 * What is in memory of an outbox, and what may be sent now: of each topic one message at a time, so that its order holds whatever
 * happens; of different topics many. What cuts the connection again and again is sent alone, after the others, and in the end set
 * aside with its topic: one message that the engine above cannot take must not keep back all others. Pure.
 */
export class SendWindow {
  /** Messages of each topic in their order; the first one may be under way. */
  readonly #queues = new Map<string, Sendable[]>()
  /** Topics whose first message may go, in their turn; what is retained first. */
  readonly #synced = new Set<string>()
  readonly #ready = new Set<string>()
  readonly #suspects = new Set<string>()
  readonly #underWay = new Map<string, Sendable>()
  readonly #suspicions = new Map<string, Suspicion>()
  readonly #setAside = new Set<string>()
  #since = 0
  #rows = 0
  #bytes = 0

  /** Of the outbox. */
  get rows(): number {
    return this.#rows
  }

  get bytes(): number {
    return this.#bytes
  }

  get underWay(): number {
    return this.#underWay.size
  }

  /** Current values that wait or are under way, without those of suspects. */
  get syncing(): number {
    let count = this.#synced.size
    for (const each of this.#underWay.values()) if (each.seq === undefined) count++
    return count
  }

  get setAside(): readonly string[] {
    return [...this.#setAside]
  }

  isSetAside(topic: string): boolean {
    return this.#setAside.has(topic)
  }

  /** Rows come in the order of their numbers. */
  push(row: Sendable): void {
    if (this.#setAside.has(row.topic)) return
    const queue = this.#queues.get(row.topic) ?? []
    this.#queues.set(row.topic, queue)
    queue.push(row)
    this.#count(row, 1)
    if (queue.length === 1) this.#turn(row.topic)
  }

  /** The current value of a retained topic: before all that waits for this topic. */
  sync(value: Sendable): void {
    if (this.#setAside.has(value.topic)) return
    const queue = this.#queues.get(value.topic) ?? []
    this.#queues.set(value.topic, queue)
    if (queue[0]?.seq === undefined && queue.length > 0) queue[0] = value
    else queue.unshift(value)
    this.#ready.delete(value.topic)
    this.#turn(value.topic)
  }

  /** The next message, which is under way from now on. `drain`: not only current values may go. */
  take(drain: boolean): Sendable | undefined {
    const suspectNow = drain && this.#since >= othersFirst
    const next =
      (!suspectNow || this.#suspects.size === 0
        ? (this.#first(this.#synced) ?? (drain ? this.#first(this.#ready) : undefined))
        : undefined) ?? (drain && this.#underWay.size === 0 ? this.#first(this.#suspects) : undefined)
    if (next === undefined) return undefined
    if (this.#suspects.has(next)) this.#since = 0
    for (const set of [this.#synced, this.#ready, this.#suspects]) set.delete(next)
    const message = this.#queues.get(next)?.[0]
    if (message !== undefined) this.#underWay.set(next, message)
    return message
  }

  /** It has arrived. */
  acknowledged(message: Sendable): void {
    this.#since++
    this.#suspicions.delete(message.topic)
    this.remove(message)
  }

  /** It goes no more; the next one of its topic may. */
  remove({ topic, seq }: Pick<Sendable, 'topic' | 'seq'>): void {
    if (this.#underWay.get(topic)?.seq === seq) this.#underWay.delete(topic)
    const queue = this.#queues.get(topic)
    const [first] = queue ?? []
    if (queue === undefined || first?.seq !== seq) return this.#filter(topic, each => each.seq !== seq)
    queue.shift()
    if (first !== undefined) this.#count(first, -1)
    if (queue.length === 0) this.#queues.delete(topic)
    this.#turn(topic)
  }

  /** Rows that are no longer in the outbox; what is under way stays so. */
  drop(seqs: ReadonlySet<number>): void {
    for (const [topic, queue] of [...this.#queues])
      if (queue.some(({ seq }) => seq !== undefined && seqs.has(seq)))
        this.#filter(topic, each => each.seq === undefined || !seqs.has(each.seq))
  }

  /** Older states of this topic that are not under way; their numbers. */
  outdate(topic: string, upTo: number): readonly number[] {
    const current = this.#underWay.get(topic)
    const old: number[] = []
    this.#filter(topic, each => {
      const gone = each !== current && each.class === 'state' && each.seq !== undefined && each.seq <= upTo
      if (gone) old.push(each.seq ?? 0)
      return !gone
    })
    return old
  }

  /**
   * The connection has ended: what was under way goes again. `engine`: by the other end, or because it said nothing to this message.
   * Returns topics that are set aside from now on.
   */
  lost(engine: boolean): readonly string[] {
    const lost = [...this.#underWay.keys()]
    this.#underWay.clear()
    const aside: string[] = []
    for (const topic of lost) {
      const known = this.#suspicions.get(topic) ?? { cuts: 0, alone: 0 }
      this.#suspicions.set(topic, known)
      if (engine && lost.length === 1 && known.cuts >= cutsOfSuspect) known.alone++
      known.cuts++
      if (known.alone >= cutsAlone) aside.push(topic)
      else this.#turn(topic)
    }
    for (const topic of aside) this.putAside(topic)
    this.#since = 0
    // Values are read anew at the next connection.
    for (const topic of this.#queues.keys()) this.#filter(topic, each => each.seq !== undefined)
    return aside
  }

  /** The topic's rows leave the memory and stay in the outbox, for another day. */
  putAside(topic: string): void {
    if (this.#setAside.size < maxSetAside) this.#setAside.add(topic)
    this.#suspicions.delete(topic)
    this.#underWay.delete(topic)
    this.#filter(topic, () => false)
  }

  #first(set: ReadonlySet<string>): string | undefined {
    for (const topic of set) return topic
    return undefined
  }

  /** Puts a topic where its first message belongs. */
  #turn(topic: string): void {
    if (this.#underWay.has(topic)) return
    const first = this.#queues.get(topic)?.[0]
    for (const set of [this.#synced, this.#ready, this.#suspects]) set.delete(topic)
    if (first === undefined) return
    const isSuspect = (this.#suspicions.get(topic)?.cuts ?? 0) >= cutsOfSuspect
    if (isSuspect) this.#suspects.add(topic)
    else if (first.seq === undefined) this.#synced.add(topic)
    else this.#ready.add(topic)
  }

  #filter(topic: string, keep: (each: Sendable) => boolean): void {
    const queue = this.#queues.get(topic)
    if (queue === undefined) return
    const kept: Sendable[] = []
    for (const each of queue)
      if (keep(each)) kept.push(each)
      else this.#count(each, -1)
    if (kept.length === 0) this.#queues.delete(topic)
    else this.#queues.set(topic, kept)
    this.#turn(topic)
  }

  #count({ seq, topic, payload }: Sendable, sign: 1 | -1): void {
    if (seq === undefined) return
    this.#rows += sign
    this.#bytes += sign * (topic.length + payload.length)
  }
}
