import type { Principal } from '../account/principal.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { GapView, ResumedView } from '../wire/live.ts'
import { LatestValues } from './latest-values.ts'
import type { LiveClient } from './live-client.ts'
import { closeCodes, type LiveLimits } from './live-limits.ts'
import { dataOf, isLatestOnly, type Published } from './live-message.ts'
import { MessageRing } from './message-ring.ts'
import type { Traffic } from './outbox.ts'
import type { LiveCommand } from './read-request.ts'
import { Sequence } from './sequence.ts'
import { Snapshots } from './snapshots.ts'
import { Subscriptions } from './subscriptions.ts'
import { mayHear } from './topic-rights.ts'
import { UnfinishedSnapshots } from './unfinished-snapshots.ts'

type Subscribe = Extract<LiveCommand, { type: 'subscribe' }>
type Resume = Extract<LiveCommand, { type: 'resume' }>
type Unsubscribe = Extract<LiveCommand, { type: 'unsubscribe' }>

export interface TopicsOptions {
  readonly clock: Clock
  readonly limits: LiveLimits
  readonly traffic: Traffic
  readonly epoch: string
}

/** Who has which topics, what they were told, and what those missed who come back. */
export class Topics {
  readonly sequence: Sequence
  readonly ring: MessageRing
  readonly snapshots = new Snapshots()
  readonly #options: TopicsOptions
  readonly #subscriptions = new Subscriptions()
  readonly latest: LatestValues
  readonly #unfinished: UnfinishedSnapshots
  /** When the last one who heard a topic left it. */
  readonly #leftMs = new Map<string, number>()

  constructor(options: TopicsOptions) {
    const { limits, epoch } = options
    this.#options = options
    this.sequence = new Sequence(epoch)
    this.ring = new MessageRing({ messages: limits.ringMessages, sizeBytes: limits.ringBytes })
    this.latest = new LatestValues(limits.latestValues)
    this.#unfinished = new UnfinishedSnapshots(limits.unfinishedSnapshots)
  }

  listeners(topic: string): ReadonlySet<LiveClient> {
    return this.#subscriptions.of(topic)
  }

  /** For those who are cut off at this moment. */
  keep(message: Published): void {
    if (!isLatestOnly(message.topic)) this.ring.push(message)
    // Who types now does not when somebody comes back.
    else if (message.topic !== 'typing') this.latest.keep(message)
  }

  forget(topic: string, key: string): void {
    this.latest.forget(topic, key)
  }

  wanted(topic: string): boolean {
    const leftMs = this.#leftMs.get(topic)
    return (
      this.#subscriptions.of(topic).size > 0 ||
      (leftMs !== undefined && this.#options.clock.now() - leftMs < this.#options.limits.awaitedMs)
    )
  }

  leaveOut(topic: string): void {
    this.ring.leaveOut(topic, this.sequence.next())
  }

  obey(client: LiveClient, principal: Principal, request: Subscribe | Resume | Unsubscribe): void {
    if (client.origin.jobId !== undefined)
      return client.tellError(new AppError('usage', 'This connection is of one job. The others are at /ws.'))
    if (request.type === 'unsubscribe') return this.#unsubscribe(client, request.topics)
    if (client.feed.turnsWaiting >= this.#options.limits.turns)
      return client.end(closeCodes.tooMany, 'Too many requests before missed messages were sent')
    const act = () => {
      if (client.ended) return
      if (request.type === 'subscribe') this.#subscribe(client, principal, request)
      else this.#resume(client, principal, request)
    }
    if (request.type === 'resume' || client.feed.replaying) client.feed.inTurn(act)
    else act()
  }

  /** Rejects with `not_found` when there is no such job, or it is none of theirs. */
  async mayOpen(principal: Principal, jobId: string): Promise<void> {
    const topic = `jobs/${jobId}`
    const items = mayHear(principal, topic) ? await this.snapshots.make(topic, principal) : undefined
    if (items === undefined || items.length === 0)
      throw new AppError('not_found', 'There is no job with this id.')
  }

  /** The channel of a job has its topics from the beginning. */
  openChannel(client: LiveClient): void {
    const { principal } = client
    const { jobId } = client.origin
    if (jobId === undefined || principal === undefined || client.ended) return
    const topics = [`jobs/${jobId}`, `progress/${jobId}`]
    if (!topics.every(topic => mayHear(principal, topic)))
      return client.end(closeCodes.noSuchJob, 'There is no job with this id')
    this.#begin(client, topics, undefined)
  }

  leave(client: LiveClient): void {
    this.#remove(client, [...client.topics.keys()])
  }

  unfinished(client: LiveClient, stretch: { topic: string; from: number; to: number }): void {
    if (client.principal !== undefined)
      this.#unfinished.note({ ...stretch, principalId: client.principal.id })
  }

  #subscribe(client: LiveClient, principal: Principal, { topics, filter }: Subscribe): void {
    const heard = this.#heard(client, principal, topics)
    if (heard !== undefined) this.#begin(client, heard, filter)
  }

  #begin(client: LiveClient, topics: readonly string[], filter: Subscribe['filter']): void {
    for (const topic of topics) this.#subscriptions.set(client, topic, { filter, from: this.sequence.last })
    client.feed.begin()
    // They are made in their own time; until then news of these topics wait.
    for (const topic of topics) this.snapshots.send(client, topic)
    client.tell('subscribed', { topics: [...client.topics.keys()] })
  }

  #resume(client: LiveClient, principal: Principal, request: Resume): void {
    const { since, topics, filter } = request
    const heard = this.#heard(client, principal, topics)
    if (heard === undefined) return
    if (!this.#reaches(principal, heard, request)) return this.#startAnew(client, heard, request)
    const upTo = this.sequence.last
    for (const topic of new Set([...client.topics.keys(), ...heard])) {
      const known = client.topics.get(topic)
      const had = known && ([known.from, upTo] as const)
      const wanted = known === undefined || heard.includes(topic) ? { filter, from: since } : known
      this.#subscriptions.set(client, topic, { ...wanted, ...(had && { had }) })
    }
    client.feed.replay({
      since,
      values: this.#latestFor(client, heard, since),
      done: replayed => {
        this.#options.traffic.resumed += 1
        client.tell('resumed', { topics: [...client.topics.keys()], since, replayed } satisfies ResumedView)
      },
      overtaken: () => this.#startAnew(client, heard, request),
    })
  }

  #reaches(principal: Principal, topics: readonly string[], { since, epoch }: Resume): boolean {
    if (epoch !== this.sequence.epoch || since > this.sequence.last) return false
    return topics
      .filter(topic => !isLatestOnly(topic))
      .every(topic => this.ring.reaches(topic, since) && !this.#unfinished.has(principal.id, topic, since))
  }

  /** The missed messages are not all there: the client begins anew with what the topics are now. */
  #startAnew(client: LiveClient, topics: readonly string[], { filter }: Resume): void {
    this.#options.traffic.gaps += 1
    client.feed.begin()
    client.tell('gap', { topics } satisfies GapView)
    this.#begin(client, topics, filter)
    for (const { value } of this.#latestFor(client, topics, 0)) client.feed.deliverLatest(value)
  }

  #latestFor(client: LiveClient, topics: readonly string[], since: number) {
    return this.latest.after(since, new Set(topics)).filter(({ value }) => client.hears(value, dataOf(value)))
  }

  /** The topics of these that the client may hear; undefined: it has too many, or none is left. */
  #heard(client: LiveClient, principal: Principal, topics: readonly string[]): readonly string[] | undefined {
    const { topics: most } = this.#options.limits
    const wanted = [...new Set(topics)]
    const forbidden = wanted.filter(topic => !mayHear(principal, topic))
    if (forbidden.length > 0) {
      const message = `${principal.name} may not hear ${forbidden.join(', ')}.`
      client.tellError(new AppError('forbidden', message, { detail: { topics: forbidden } }))
    }
    const heard = wanted.filter(topic => !forbidden.includes(topic))
    if (new Set([...client.topics.keys(), ...heard]).size <= most) return heard
    client.tellError(new AppError('usage', `At most ${most} topics for one connection.`))
    return undefined
  }

  #unsubscribe(client: LiveClient, topics: readonly string[]): void {
    this.#remove(client, topics)
    client.tell('subscribed', { topics: [...client.topics.keys()] })
    for (const topic of topics) client.feed.forget(topic)
  }

  #remove(client: LiveClient, topics: readonly string[]): void {
    for (const topic of topics) {
      if (!client.topics.has(topic)) continue
      this.#subscriptions.remove(client, topic)
      // Of single jobs there is no end, and their news are made in any case.
      if (!topic.includes('/')) this.#leftMs.set(topic, this.#options.clock.now())
    }
  }
}
