import type { Aedes } from 'aedes'
import type { Clock } from '../kernel/clock.ts'
import { withDeadline } from '../kernel/deadline.ts'
import { AppError } from '../kernel/errors.ts'

const topic = '$pixelgate/ping'
const pingTimeoutMs = 5000

/** A message to oneself, on the way that every message takes. */
export class BrokerPing {
  readonly #aedes: Pick<Aedes, 'publish' | 'subscribe'>
  readonly #clock: Clock
  readonly #waiting = new Map<string, () => void>()
  #count = 0

  constructor(aedes: Pick<Aedes, 'publish' | 'subscribe'>, clock: Clock) {
    this.#aedes = aedes
    this.#clock = clock
  }

  start(): Promise<void> {
    return new Promise(resolve => {
      const deliver = ({ payload }: { payload: string | Buffer }, done: () => void) => {
        this.#waiting.get(payload.toString())?.()
        done()
      }
      this.#aedes.subscribe(topic, deliver, resolve)
    })
  }

  /** Milliseconds that it took; rejects with `daemon_failed` when it does not come back. */
  async ping(): Promise<number> {
    const number = String(++this.#count)
    const beganMs = this.#clock.now()
    const packet = { cmd: 'publish', topic, payload: number, qos: 0, retain: false, dup: false } as const
    const back = new Promise<void>((resolve, reject) => {
      this.#waiting.set(number, resolve)
      this.#aedes.publish(packet, error => {
        if (error) reject(new AppError('daemon_failed', 'The MQTT broker is closed.', { cause: error }))
      })
    })
    const message = `The MQTT broker has not delivered a message within ${pingTimeoutMs / 1000} s.`
    try {
      await withDeadline(this.#clock, pingTimeoutMs, back, 'daemon_failed', message)
    } finally {
      this.#waiting.delete(number)
    }
    return this.#clock.now() - beganMs
  }
}
