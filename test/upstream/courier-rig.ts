import { Courier } from '../../src/broker/upstream/courier.ts'
import { type NewMessage, Outbox } from '../../src/broker/upstream/outbox.ts'
import type { PublishOutcome, RemoteSession } from '../../src/broker/upstream/remote-session.ts'
import { SendWindow } from '../../src/broker/upstream/send-window.ts'
import { TopicMap } from '../../src/broker/upstream/topic-map.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { turns } from './fake-above.ts'
import { SteppedStore } from './stepped-store.ts'

export interface Sent {
  readonly topic: string
  readonly text: string
  readonly arrive: () => void
}

export const state = (topic: string, text: string): NewMessage => ({
  ...{ topic, payload: Buffer.from(text), class: 'state', retain: true },
})

export const message = (topic: string, text: string): NewMessage => ({
  ...{ topic, payload: Buffer.from(text), class: 'message', retain: false },
})

/** Outbox, window and courier over a store and a connection that go on when the test says so. */
export class CourierRig {
  readonly clock = new VirtualClock()
  readonly window = new SendWindow()
  readonly store = new SteppedStore()
  /** What the broker shows, in its order. */
  readonly retained = new Map<string, Buffer>()
  readonly outbox: Outbox
  readonly courier: Courier
  /** Under way, the oldest first. */
  readonly sent: Sent[] = []
  readonly session: RemoteSession = {
    ...{ level: 5, maxUnderWay: 64, maxPacketBytes: undefined },
    close: async () => undefined,
    cut: () => undefined,
    publish: ({ topic, payload }, done: (outcome: PublishOutcome) => void) => {
      const text = Buffer.from(payload).toString()
      this.sent.push({ topic, text, arrive: () => done({ is: 'arrived' }) })
    },
  }

  constructor(values = 0) {
    for (let i = 0; i < values; i++) this.retain(`value/${i}`, 'x')
    const { store, window, clock, retained } = this
    this.outbox = new Outbox({
      ...{ store, upstream: 'u', window, clock, log: silentLog, limits: { maxBytes: 1e9, maxAgeMs: 1e12 } },
      onReady: () => this.courier.pump(),
      onDropped: () => undefined,
    })
    this.courier = new Courier({
      ...{ outbox: this.outbox, window, clock, log: silentLog, gatewayId: 'gw', statusTopic: 'status' },
      map: new TopicMap({ prefixes: [], escape: false }),
      values: function* () {
        for (const [topic, payload] of retained) yield { topic, payload }
      },
    })
  }

  /** As the broker keeps it: the newest is the last one. */
  retain(topic: string, text: string): void {
    this.retained.delete(topic)
    this.retained.set(topic, Buffer.from(text))
  }

  /** A connection on which `online` has arrived. */
  connect(): void {
    this.courier.begin(this.session)
    this.sent.shift()?.arrive()
  }

  cut(): void {
    this.courier.lost(true)
    this.sent.length = 0
  }

  /** The first message of a topic that is under way, which stays so. */
  hold(topic: string): Sent | undefined {
    const at = this.sent.findIndex(each => each.topic === topic)
    return at < 0 ? undefined : this.sent.splice(at, 1)[0]
  }

  /** Everything arrives until nothing more is sent; texts of each topic. */
  async arrive(): Promise<Map<string, string[]>> {
    const arrived = new Map<string, string[]>()
    for (let idle = 0; idle < 2; idle++) {
      for (let next = this.sent.shift(); next !== undefined; next = this.sent.shift()) {
        arrived.set(next.topic, [...(arrived.get(next.topic) ?? []), next.text])
        next.arrive()
        idle = 0
      }
      await turns()
    }
    return arrived
  }
}
