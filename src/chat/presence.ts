import type { Principal } from '../account/principal.ts'
import type { Bus } from '../kernel/bus.ts'
import type { Clock, Timer } from '../kernel/clock.ts'
import type { PresenceView } from '../wire/chat.ts'
import type { ChatEvents } from './chat-events.ts'

interface Person {
  readonly name: string
  readonly sinceMs: number
  connections: number
  /** Runs while the last connection has gone and may come back. */
  leaving: Timer | undefined
}

/** A page that is loaded anew is away for less than this. */
export const leaveAfterMs = 1500

/** Who is in the panel. Several tabs are one person; as many people as there are connections at most. */
export class Presence {
  readonly #clock: Clock
  readonly #bus: Bus<ChatEvents>
  readonly #people = new Map<string, Person>()

  constructor(clock: Clock, bus: Bus<ChatEvents>) {
    this.#clock = clock
    this.#bus = bus
  }

  /**
   * A connection of this person was made; the answer is the function to call when it ends, once or more often.
   */
  arrive({ id, name }: Principal): () => void {
    const known = this.#people.get(id)
    const person = known ?? { name, sinceMs: this.#clock.wallTime(), connections: 0, leaving: undefined }
    person.leaving?.cancel()
    person.leaving = undefined
    person.connections += 1
    if (known === undefined) {
      this.#people.set(id, person)
      this.#bus.emit('chat.presence', { ...this.view(), joined: [name] })
    }
    let here = true
    return () => {
      if (here) this.#depart(id, person)
      here = false
    }
  }

  view(): PresenceView {
    const online = [...this.#people.values()].map(({ name, sinceMs }) => ({
      name,
      since: new Date(sinceMs).toISOString(),
    }))
    return { online: online.sort((a, b) => a.name.localeCompare(b.name)) }
  }

  stop(): void {
    for (const { leaving } of this.#people.values()) leaving?.cancel()
  }

  #depart(id: string, person: Person): void {
    person.connections -= 1
    if (person.connections > 0) return
    person.leaving = this.#clock.setTimer(leaveAfterMs, () => {
      this.#people.delete(id)
      this.#bus.emit('chat.presence', { ...this.view(), left: [person.name] })
    })
  }
}
