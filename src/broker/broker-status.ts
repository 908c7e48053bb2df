import type { Clock, Timer } from '../kernel/clock.ts'
import type { Publisher } from './publisher.ts'

const everyMs = 10_000

export interface StatusCounts {
  readonly clients: number
  readonly messagesReceived: number
  readonly messagesSent: number
  readonly retained: number
}

/** The topics under `$SYS/broker` that tools for mosquitto look for. */
export class BrokerStatus {
  readonly #clock: Clock
  readonly #publisher: Publisher
  readonly #counts: () => StatusCounts
  readonly #beganMs: number
  #timer: Timer | undefined

  constructor(clock: Clock, publisher: Publisher, counts: () => StatusCounts) {
    this.#clock = clock
    this.#publisher = publisher
    this.#counts = counts
    this.#beganMs = clock.now()
  }

  /** `onTick` is called at each round. */
  start(version: string, onTick: () => void): void {
    void this.#publisher.retain('$SYS/broker/version', `pixelgate ${version}`)
    const tick = () => {
      this.#tell()
      onTick()
      this.#timer = this.#clock.setTimer(everyMs, tick)
    }
    tick()
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #tell(): void {
    const { clients, messagesReceived, messagesSent, retained } = this.#counts()
    const seconds = Math.round((this.#clock.now() - this.#beganMs) / 1000)
    const values = {
      uptime: `${seconds} seconds`,
      'clients/connected': String(clients),
      'messages/received': String(messagesReceived),
      'messages/sent': String(messagesSent),
      'retained messages/count': String(retained),
    }
    for (const [name, value] of Object.entries(values))
      void this.#publisher.retain(`$SYS/broker/${name}`, value)
  }
}
