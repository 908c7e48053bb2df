import type { Clock } from '../../kernel/clock.ts'
import { packetTypes } from '../packets/check-packet.ts'

/** Messages that one client may leave without acknowledgement before those who send to it wait. */
const maxInFlight = 10_000
/** So many are without one when they go on. */
const lowInFlight = 9000
/** A client that sends itself so many without acknowledging them is none that will; there are 65,535 identifiers. */
export const mostInFlight = 60_000

/** Packet identifiers of what a client has not acknowledged: none is in use twice [MQTT-2.3.1-4]. */
export class PacketIds {
  readonly #clock: Clock
  /** With the type of the packet that has to come for it next. */
  readonly #used = new Map<number, number>()
  #last = 0
  /** Too many are in use; undefined: there is room. */
  fullSinceMs: number | undefined
  /** Too many are in use, and none was freed since. */
  silentSinceMs: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** 0: there are none left for it. */
  next(qos: 1 | 2): number {
    if (this.#used.size >= mostInFlight) return 0
    do this.#last = (this.#last % 65_535) + 1
    while (this.#used.has(this.#last))
    this.#used.set(this.#last, qos === 1 ? packetTypes.puback : packetTypes.pubrec)
    if (this.#used.size >= maxInFlight && this.fullSinceMs === undefined)
      this.fullSinceMs = this.silentSinceMs = this.#clock.now()
    return this.#last
  }

  /**
   * False: that is no answer to what was sent [MQTT-4.8.0-1]. For an identifier that is not in use anything may come, and PUBREC
   * may come again.
   */
  answers(type: number, id: number): boolean {
    const wanted = this.#used.get(id)
    if (wanted === undefined || type === packetTypes.pubrel) return true
    if (type === packetTypes.pubrec && wanted !== packetTypes.puback) {
      this.#used.set(id, packetTypes.pubcomp)
      return true
    }
    return type === wanted
  }

  /** True: there is room again. */
  free(id: number): boolean {
    if (!this.#used.delete(id) || this.fullSinceMs === undefined) return false
    const hasRoom = this.#used.size <= lowInFlight
    if (hasRoom) this.fullSinceMs = undefined
    this.silentSinceMs = hasRoom ? undefined : this.#clock.now()
    return hasRoom
  }
}
