import type { Clock, Timer } from '../kernel/clock.ts'
import { LoadAverage } from './load-average.ts'
import type { Publisher } from './publisher.ts'

const everyMs = 10_000
const prefix = '$SYS/broker/'

/** What there is now, and what there was since the start. */
export interface StatusCounts {
  /** Clients that are let in. */
  readonly clients: number
  /** Sessions that wait for their clients, and those that nobody has come back to in time. */
  readonly sessionsAway: number
  readonly sessionsExpired: number
  readonly subscriptions: number
  readonly retained: number
  readonly retainedBytes: number
  readonly queuedMessages: number
  readonly queuedBytes: number
  readonly droppedMessages: number
  /** PUBLISH packets, and the bytes of their payloads. */
  readonly messagesReceived: number
  readonly messagesSent: number
  readonly payloadBytesReceived: number
  readonly payloadBytesSent: number
  /** Packets of every type. */
  readonly packetsReceived: number
  readonly packetsSent: number
  readonly bytesReceived: number
  readonly bytesSent: number
  readonly connects: number
  readonly sockets: number
  /** Of the whole gateway. */
  readonly heapBytes: number
}

/** What has a moving average, by its name under `load`. */
const loads = {
  'bytes/received': counts => counts.bytesReceived,
  'bytes/sent': counts => counts.bytesSent,
  connections: counts => counts.connects,
  'messages/received': counts => counts.packetsReceived,
  'messages/sent': counts => counts.packetsSent,
  'publish/dropped': counts => counts.droppedMessages,
  'publish/received': counts => counts.messagesReceived,
  'publish/sent': counts => counts.messagesSent,
  sockets: counts => counts.sockets,
} as const satisfies Readonly<Record<string, (counts: StatusCounts) => number>>

/** The topics under `$SYS/broker` that tools for mosquitto look for, with the meaning that mosquitto gives them. */
export class BrokerStatus {
  readonly #clock: Clock
  readonly #publisher: Pick<Publisher, 'retain'>
  readonly #counts: () => StatusCounts
  readonly #beganMs: number
  readonly #averages: Readonly<Record<string, LoadAverage>>
  #mostClients = 0
  #mostHeapBytes = 0
  #timer: Timer | undefined

  constructor(clock: Clock, publisher: Pick<Publisher, 'retain'>, counts: () => StatusCounts) {
    this.#clock = clock
    this.#publisher = publisher
    this.#counts = counts
    this.#beganMs = clock.now()
    this.#averages = Object.fromEntries(
      Object.keys(loads).map(name => [name, new LoadAverage(this.#beganMs)]),
    )
  }

  /** `onTick` is called at each round. */
  start(version: string, onTick: () => void): void {
    void this.#publisher.retain(`${prefix}version`, `pixelgate ${version}`)
    const tick = () => {
      onTick()
      this.#tell()
      this.#timer = this.#clock.setTimer(everyMs, tick)
    }
    tick()
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** A client was let in: there may never have been so many. */
  noteClients(count: number): void {
    this.#mostClients = Math.max(this.#mostClients, count)
  }

  #tell(): void {
    const counts = this.#counts()
    const nowMs = this.#clock.now()
    this.noteClients(counts.clients)
    this.#mostHeapBytes = Math.max(this.#mostHeapBytes, counts.heapBytes)
    const values: Record<string, string | number> = {
      ...this.#clients(counts),
      ...traffic(counts),
      'heap/current': counts.heapBytes,
      'heap/maximum': this.#mostHeapBytes,
    }
    for (const [name, total] of Object.entries(loads)) {
      const average = this.#averages[name]
      average?.update(nowMs, total(counts))
      for (const [window, value] of Object.entries(average?.perMinute ?? {}))
        values[`load/${name}/${window}`] = value.toFixed(2)
    }
    // Comes last: whoever has heard it has the whole round.
    values['uptime'] = `${Math.round((nowMs - this.#beganMs) / 1000)} seconds`
    for (const [name, value] of Object.entries(values))
      void this.#publisher.retain(`${prefix}${name}`, String(value))
  }

  #clients({ clients, sessionsAway, sessionsExpired, subscriptions }: StatusCounts) {
    return {
      'clients/connected': clients,
      'clients/active': clients,
      'clients/disconnected': sessionsAway,
      'clients/inactive': sessionsAway,
      'clients/expired': sessionsExpired,
      'clients/maximum': this.#mostClients,
      'clients/total': clients + sessionsAway,
      'subscriptions/count': subscriptions,
      'shared_subscriptions/count': 0,
    }
  }
}

function traffic(counts: StatusCounts): Readonly<Record<string, number>> {
  const { retained, retainedBytes, queuedMessages, queuedBytes } = counts
  return {
    'bytes/received': counts.bytesReceived,
    'bytes/sent': counts.bytesSent,
    'messages/received': counts.packetsReceived,
    'messages/sent': counts.packetsSent,
    'messages/stored': retained + queuedMessages,
    'store/messages/count': retained + queuedMessages,
    'store/messages/bytes': retainedBytes + queuedBytes,
    'retained messages/count': retained,
    'publish/messages/received': counts.messagesReceived,
    'publish/messages/sent': counts.messagesSent,
    'publish/messages/dropped': counts.droppedMessages,
    'publish/bytes/received': counts.payloadBytesReceived,
    'publish/bytes/sent': counts.payloadBytesSent,
  }
}
