import type { Principal } from '../account/principal.ts'
import type { LiveClient } from './live-client.ts'
import type { LiveLimits } from './live-limits.ts'

type Caps = Pick<LiveLimits, 'connections' | 'anonymous' | 'connectionsOfOne' | 'connectionsOfAddress'>

/** Whether an address is of this machine: its programs may have all the connections. */
const isOwn = (address: string): boolean => /^(local$|::1$|(::ffff:)?127\.)/.test(address)

/** How many connections there are, of each person and of each address. */
export class ClientCounts {
  readonly #caps: Caps
  readonly #all = new Set<LiveClient>()
  readonly #persons = new Map<LiveClient, string>()
  /** Guests among them, who have shown no more than those who are not signed in. */
  #guests = 0
  readonly #ofPerson = new Map<string, number>()
  readonly #ofAddress = new Map<string, number>()

  constructor(caps: Caps) {
    this.#caps = caps
  }

  /** Whether one more may come. */
  hasRoom(address: string, principal: Principal | undefined): boolean {
    const { connections, anonymous, connectionsOfAddress } = this.#caps
    return (
      this.#all.size < connections &&
      ((principal !== undefined && principal.kind !== 'guest') || this.#strangers() < anonymous) &&
      (isOwn(address) || (this.#ofAddress.get(address) ?? 0) < connectionsOfAddress)
    )
  }

  add(client: LiveClient): void {
    this.#all.add(client)
    change(this.#ofAddress, client.origin.address, 1)
  }

  /** Why this client is one too many, if it is. A guest may become somebody. */
  signIn(client: LiveClient, { kind, id }: Principal): string | undefined {
    this.#forgetPerson(client)
    const { connectionsOfOne } = this.#caps
    // All guests have one id, and a token that of its owner.
    const person = kind === 'guest' ? guestAt(client) : id
    if ((this.#ofPerson.get(person) ?? 0) >= connectionsOfOne)
      return `At most ${connectionsOfOne} connections for one person`
    this.#persons.set(client, person)
    if (kind === 'guest') this.#guests += 1
    change(this.#ofPerson, person, 1)
    return undefined
  }

  remove(client: LiveClient): void {
    if (!this.#all.delete(client)) return
    change(this.#ofAddress, client.origin.address, -1)
    this.#forgetPerson(client)
  }

  #strangers(): number {
    return this.#all.size - this.#persons.size + this.#guests
  }

  #forgetPerson(client: LiveClient): void {
    const person = this.#persons.get(client)
    if (person === undefined) return
    this.#persons.delete(client)
    if (person === guestAt(client)) this.#guests -= 1
    change(this.#ofPerson, person, -1)
  }
}

const guestAt = ({ origin }: LiveClient): string => `guest ${origin.address}`

function change(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by
  if (count > 0) counts.set(key, count)
  else counts.delete(key)
}
