import fc from 'fast-check'
import type { IClientOptions } from 'mqtt'
import type { MqttPrincipal } from '../../src/account/mqtt-users.ts'
import { filterPattern, principals, reference } from './acl-reference.ts'
import { filters, topics } from './acl-topics.ts'
import { type BrokerRig, connectPacket, type Heard, type Listener, RawClient, until } from './broker-rig.ts'

const qos = fc.constantFrom<0 | 1 | 2>(0, 1, 2)
const lists = fc.subarray(['#', 'tele/#', 'cmnd/plug/#', '+/x', 'sensors/#', 'room/+', 'stat/+/POWER', 'x'])
const accesses = ['watch', 'control', 'home-assistant', 'bridge', 'bridge-control', 'device'] as const

/** One step: what somebody does, or what is done to somebody. */
const step = fc.oneof(
  {
    weight: 240,
    arbitrary: fc.record({ do: fc.constant('publish' as const), topic: topics, retain: fc.boolean(), qos }),
  },
  {
    weight: 60,
    arbitrary: fc.record({
      do: fc.constant('subscribe' as const),
      filters: fc.array(filters, { minLength: 1, maxLength: 3 }),
      qos,
    }),
  },
  {
    weight: 16,
    arbitrary: fc.record({
      do: fc.constant('unsubscribe' as const),
      filters: fc.array(filters, { minLength: 1, maxLength: 2 }),
    }),
  },
  {
    weight: 16,
    arbitrary: fc.record({
      do: fc.constant('enter' as const),
      clean: fc.boolean(),
      will: fc.option(topics),
      retain: fc.boolean(),
      /** What becomes of the old connection: it ends, it breaks, or it is taken over. */
      before: fc.constantFrom('ends' as const, 'breaks' as const, 'stays' as const),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('leave' as const), abrupt: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rotate' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('change' as const),
      access: fc.constantFrom(...accesses),
      publish: lists,
      subscribe: lists,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('replace' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** What lasts of a client between its connections. */
interface Session {
  readonly beganAt: number
  /** All that it has ever asked for. */
  readonly filters: RegExp[]
  readonly asked: Set<string>
  readonly clean: boolean
}

interface Connection {
  readonly id: number
  readonly actor: Actor
  /** Fixed for a connection: a change of rights ends it. */
  readonly rights: MqttPrincipal
  readonly session: Session
  /** By which its will is judged: those of now. */
  willRights: MqttPrincipal
  /** Operation after which nothing that it says may be heard. */
  endedAt: number | undefined
  listener?: Listener
}

interface Actor {
  rights: MqttPrincipal
  credentials: IClientOptions
  session: Session | undefined
  connection: Connection | undefined
}

/** CONNACK that lets a client in. */
const welcome = '20020000'
/** Steps are made so many at a time. */
const chunkSteps = 2000
const maxWaiting = 200

/**
 * Random users do random things on a live broker, while credentials change under them; what each hears is held against
 * the rules of acl-reference.ts. One seed gives the same steps.
 */
export class AclCampaign {
  readonly #rig: BrokerRig
  readonly #actors: Actor[] = []
  readonly #connections = new Map<number, Connection>()
  readonly #waiting: Promise<unknown>[] = []
  readonly leaks: string[] = []
  operations = 0
  delivered = 0
  /** Messages that had waited for somebody who was away. */
  replayed = 0
  revocations = 0

  constructor(rig: BrokerRig) {
    this.#rig = rig
  }

  async run(operations: number, seed: number): Promise<void> {
    for (const rights of principals) {
      const actor: Actor = {
        ...{ rights, credentials: {}, session: undefined, connection: undefined },
      }
      if (rights.access !== 'anonymous') actor.credentials = await this.#add(rights)
      this.#actors.push(actor)
      await this.#enter(actor, { clean: true, will: null, retain: false, before: 'ends' })
    }
    const some = fc.tuple(fc.nat({ max: principals.length - 1 }), step)
    for (let chunk = 0; this.operations < operations; chunk++) {
      const numRuns = Math.min(chunkSteps, operations - this.operations)
      for (const [at, act] of fc.sample(some, { numRuns, seed: seed + chunk })) {
        const actor = this.#actors[at]
        if (actor === undefined) throw new Error('nobody there')
        this.operations++
        await this.#take(actor, act)
        if (this.#waiting.length >= maxWaiting) await this.#settled()
      }
    }
    await this.#settled()
    for (const actor of this.#actors)
      await this.#enter(actor, { clean: false, will: null, retain: false, before: 'breaks' })
    await this.#barrier()
  }

  async #take(actor: Actor, act: Step): Promise<void> {
    const { client } = actor.connection?.listener ?? {}
    switch (act.do) {
      case 'publish': {
        const said = `said ${this.operations} ${actor.connection?.id} ${act.retain} ${act.topic}`
        if (client?.connected) this.#await(client.publishAsync(act.topic, said, act))
        return
      }
      case 'subscribe':
        if (client?.connected) {
          this.#ask(actor, act.filters)
          this.#await(client.subscribeAsync(act.filters, { qos: act.qos }))
        }
        return
      case 'unsubscribe':
        if (client?.connected) this.#await(client.unsubscribeAsync(act.filters))
        return
      case 'enter':
        return this.#enter(actor, act)
      case 'leave':
        return this.#leave(actor, act.abrupt)
      default:
        if (actor.rights.access !== 'anonymous') await this.#revoke(actor, act)
    }
  }

  #ask({ session }: Actor, asked: readonly string[]): void {
    for (const filter of asked) {
      if (session?.asked.has(filter) !== false) continue
      session.asked.add(filter)
      session.filters.push(filterPattern(filter))
    }
  }

  #await(work: Promise<unknown>): void {
    this.#waiting.push(work.catch(() => undefined))
  }

  async #settled(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    // A connection that was cut leaves its promises open.
    const late = new Promise(resolve => {
      timer = setTimeout(resolve, 2000)
    })
    await Promise.race([Promise.all(this.#waiting.splice(0)), late])
    clearTimeout(timer)
  }

  /** The broker has taken all that was sent: what is heard later has been said later. */
  async #barrier(): Promise<void> {
    await this.#settled()
    for (const { connection } of this.#actors) {
      const { client } = connection?.listener ?? {}
      if (client?.connected) this.#await(client.publishAsync('barrier', '', { qos: 1 }))
    }
    await this.#settled()
  }

  async #add({ name, access, boardId, room }: MqttPrincipal): Promise<IClientOptions> {
    if (access === 'anonymous') return {}
    const { password } = await this.#rig.users.add({
      name,
      boardId,
      access: access === 'board' ? 'watch' : access,
      ...room,
    })
    return { username: name, password }
  }

  async #leave(actor: Actor, abrupt: boolean): Promise<void> {
    await this.#settled()
    const { client } = actor.connection?.listener ?? {}
    // Its will is sent now, by the rights of now.
    actor.connection = undefined
    if (abrupt) client?.stream.destroy()
    await client?.endAsync(abrupt)
  }

  async #enter(actor: Actor, act: Omit<Step & { do: 'enter' }, 'do'>): Promise<void> {
    const { clean, will, retain, before } = act
    if (before === 'stays') await this.#settled()
    else await this.#leave(actor, before === 'breaks')
    const isNew = clean || actor.session === undefined || actor.session.clean
    if (isNew) await this.#barrier()
    const fresh = { beganAt: this.operations, filters: [], asked: new Set<string>(), clean }
    const session = isNew || actor.session === undefined ? fresh : actor.session
    const { rights } = actor
    const connection: Connection = {
      ...{ id: this.#connections.size + 1, actor, rights, session },
      ...{ willRights: rights, endedAt: undefined },
    }
    this.#connections.set(connection.id, connection)
    const wanted = will === null ? null : { topic: will, retain, qos: 1 as const }
    const payload = Buffer.from(`will 0 ${connection.id} ${retain} ${will}`)
    const entered = await this.#connect(connection, {
      clean,
      ...(wanted && { will: { ...wanted, payload } }),
    })
    const mayEnter = will === null || reference.writes(rights, will, retain)
    if (entered !== mayEnter)
      this.leaks.push(`${rights.name} with the will ${will} was ${entered ? 'let in' : 'refused'}`)
    if (!entered) return will === null ? undefined : this.#enter(actor, { ...act, will: null })
    actor.session = session
    actor.connection = connection
  }

  async #connect(connection: Connection, options: IClientOptions): Promise<boolean> {
    const { rights, credentials } = connection.actor
    const clientId = rights.access === 'board' ? rights.name : 'same'
    try {
      const listener = await this.#rig.connect({ ...credentials, clientId, ...options })
      // What came with CONNACK is in the list already.
      for (const heard of listener.heard.splice(0)) this.#judge(connection, heard)
      listener.client.on('message', () => {
        for (const heard of listener.heard.splice(0)) this.#judge(connection, heard)
      })
      connection.listener = listener
      return true
    } catch {
      return false
    }
  }

  /** A new secret, other rights, or another user of the same name. */
  async #revoke(actor: Actor, act: Step & { do: 'rotate' | 'change' | 'replace' }): Promise<void> {
    const { users } = this.#rig
    const { name } = actor.rights
    this.revocations++
    await this.#barrier()
    const former = [...this.#connections.values()].filter(each => each.actor === actor)
    const formerPassword = String(actor.credentials.password)
    if (act.do === 'rotate') {
      const { password } = await users.rotate(name)
      actor.credentials = { username: name, password }
    } else if (act.do === 'change') {
      const { publish, subscribe } = act
      const access = actor.rights.access === 'board' ? {} : { access: act.access }
      actor.rights = { ...actor.rights, ...access, room: { publish, subscribe } }
      await users.change(name, { ...access, publish, subscribe })
      // Those of earlier connections were sent before.
      if (actor.connection !== undefined) actor.connection.willRights = actor.rights
    } else {
      await users.remove(name)
      actor.credentials = await this.#add(actor.rights)
      actor.session = undefined
    }
    for (const each of former) each.endedAt ??= this.operations
    const { client } = actor.connection?.listener ?? {}
    await until(() => client?.connected !== true, `the connection of ${name} to end`)
    actor.connection = undefined
    if (act.do === 'change') return
    // Many wrong secrets get no answer any more, which some client libraries wait for.
    const old = await RawClient.open(this.#rig.t, this.#rig.port)
    old.send(connectPacket(name, { flags: 0xc2, payload: [name, formerPassword] }))
    await old.ends()
    if (old.received.startsWith(welcome)) this.leaks.push(`${name} came in with its former secret`)
  }

  /** Holds what somebody hears against the rules. */
  #judge(hearer: Connection, { topic, text, retain }: Heard): void {
    this.delivered++
    const { name } = hearer.rights
    const leak = (words: string): void =>
      void this.leaks.push(`operation ${this.operations}: ${name} ${words}`)
    if (!reference.reads(hearer.rights, topic)) leak(`heard ${topic}`)
    if (!hearer.session.filters.some(filter => filter.test(topic))) leak(`never asked for ${topic}`)
    const [, kind, at, id, retained, place] = /^(said|will) (\d+) (\d+) (true|false) (.*)$/s.exec(text) ?? []
    if (kind === undefined) return
    const author = this.#connections.get(Number(id))
    if (author === undefined || place !== topic) return leak(`heard on ${topic} what was said on ${place}`)
    const rights = [author.rights, ...(kind === 'will' ? [author.willRights] : [])]
    if (!rights.every(each => reference.writes(each, topic, retained === 'true')))
      leak(`heard on ${topic} what ${author.rights.name} may not say`)
    if (retain && retained !== 'true') leak(`heard ${topic} as retained, which it was not`)
    if (kind === 'will') return
    if (author.endedAt !== undefined && Number(at) > author.endedAt)
      leak(`heard ${author.rights.name} on ${topic} after its credential was revoked`)
    if (!retain && Number(at) < hearer.session.beganAt) leak(`heard ${topic} from before its session`)
    if (!retain && hearer.session.beganAt < Number(at) && this.operations - Number(at) > maxWaiting)
      this.replayed++
  }
}
