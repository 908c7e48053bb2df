import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { formatUuid, parseUuid } from '../kernel/ids.ts'
import type { Store } from '../store/store.ts'
import type { MqttUserRecord, MqttUserRights } from '../store/tables/mqtt-users.ts'
import type { MqttProgramAccess, MqttUserView } from '../wire/mqtt-user.ts'

/** Who speaks MQTT with the broker. `anonymous`: a program of this machine, where its listener asks for no name. */
export interface MqttPrincipal {
  /** Empty for `anonymous`. */
  readonly name: string
  readonly access: MqttUserRights['access'] | 'anonymous'
  /** The one board whose topics a `board` credential reaches. */
  readonly boardId: string | null
  /** Filters for topics of the room that it may use besides; none when left out. */
  readonly room?: RoomRights
}

export interface RoomRights {
  readonly publish: readonly string[]
  readonly subscribe: readonly string[]
}

/** What makes a credential, or the connections over it, lose their worth. */
export type MqttUserEnd = 'rotated' | 'changed' | 'removed'

export interface NewMqttUser {
  readonly name: string
  /** UUID of a board: makes it that board's credential, whatever `access` says. */
  readonly boardId?: string | null
  readonly access: MqttProgramAccess
  readonly publish?: readonly string[]
  readonly subscribe?: readonly string[]
}

export interface IssuedMqttUser {
  readonly user: MqttUserView
  readonly password: string
}

/** All of them are kept in memory, so that no connection waits for the disk. */
const maxUsers = 1000
/**
 * 192 bits in 32 characters, which is all that Tasmota keeps of a password. A secret of 128 random bits or more needs no
 * slow hash.
 */
const secretBytes = 24
/** Compared with where there is no such user, so that both refusals take the same time. */
const nobody = Buffer.alloc(32)

/** The credentials of the MQTT broker: generated secrets, of which only the SHA-256 is kept. */
export class MqttUsers {
  readonly #store: Store
  readonly #clock: Clock
  readonly #users: Map<string, MqttUserRecord>
  readonly #listeners = new Set<(name: string, change: MqttUserEnd) => void>()

  private constructor(store: Store, clock: Clock, users: readonly MqttUserRecord[]) {
    this.#store = store
    this.#clock = clock
    this.#users = new Map(users.map(user => [user.name, user]))
  }

  static async open(store: Store, clock: Clock): Promise<MqttUsers> {
    return new MqttUsers(store, clock, await store.mqttUsers.list())
  }

  /** By name. */
  list(): readonly MqttUserView[] {
    return [...this.#users.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).map(viewOf)
  }

  /** Whether a board has a credential of its own, and so may answer for itself. */
  hasBoard(boardId: string): boolean {
    return [...this.#users.values()].some(user => user.boardId === boardId)
  }

  /** The answer holds the secret, this once. Rejects with `conflict` when the name is taken, `usage` for no UUID. */
  async add({
    name,
    boardId = null,
    access,
    publish = [],
    subscribe = [],
  }: NewMqttUser): Promise<IssuedMqttUser> {
    if (this.#users.size >= maxUsers)
      throw new AppError(
        'conflict',
        `There are ${maxUsers} MQTT users already. Remove one that is not needed.`,
      )
    const uuid = boardId === null ? undefined : parseUuid(boardId)
    if (boardId !== null && uuid === undefined)
      throw new AppError('usage', `"${boardId}" is no UUID of a board. See: pixelgate boards`)
    const password = newSecret()
    const user: MqttUserRecord = {
      name,
      boardId: uuid === undefined ? null : formatUuid(uuid),
      access: boardId === null ? access : 'board',
      publish,
      subscribe,
      secretSha: shaOf(password).toString('hex'),
      createdMs: this.#clock.wallTime(),
    }
    if (!(await this.#store.mqttUsers.insert(user)))
      throw new AppError(
        'conflict',
        `There is an MQTT user "${name}" already. Choose another name, or rotate its secret.`,
      )
    this.#users.set(name, user)
    return { user: this.#view(name), password }
  }

  /** A new secret; whoever is connected with the old one is disconnected. Rejects with `not_found`. */
  async rotate(name: string): Promise<IssuedMqttUser> {
    const password = newSecret()
    const secretSha = shaOf(password).toString('hex')
    const user = this.#users.get(name)
    if (user === undefined || !(await this.#store.mqttUsers.setSecret({ name, secretSha })))
      throw unknown(name)
    const now = this.#users.get(name)
    if (now === undefined) throw unknown(name)
    this.#users.set(name, { ...now, secretSha })
    this.#tell(name, 'rotated')
    return { user: this.#view(name), password }
  }

  /**
   * Gives it other rights, and disconnects it so that it comes back with them; what is left out stays, and a board's access
   * always does. Rejects with `not_found`.
   */
  async change(name: string, wanted: Partial<MqttUserRights>): Promise<MqttUserView> {
    const user = this.#users.get(name)
    if (user === undefined) throw unknown(name)
    if (user.access === 'board' && wanted.access !== undefined)
      throw new AppError('usage', `"${name}" belongs to a board. Its access cannot be another one.`)
    const { access, publish, subscribe } = { ...user, ...wanted }
    if (!(await this.#store.mqttUsers.setRights({ name, access, publish, subscribe }))) throw unknown(name)
    const now = this.#users.get(name)
    if (now === undefined) throw unknown(name)
    this.#users.set(name, { ...now, access, publish, subscribe })
    this.#tell(name, 'changed')
    return this.#view(name)
  }

  /** Disconnects it as well. Rejects with `not_found`. */
  async remove(name: string): Promise<void> {
    if (!(await this.#store.mqttUsers.remove(name))) throw unknown(name)
    this.#users.delete(name)
    this.#tell(name, 'removed')
  }

  /** undefined: wrong name or secret. Takes the same time for both. */
  authenticate(name: string, password: Uint8Array): MqttPrincipal | undefined {
    const user = this.#users.get(name)
    const expected = user === undefined ? nobody : Buffer.from(user.secretSha, 'hex')
    const same = timingSafeEqual(hash('sha256', password, 'buffer'), expected)
    return user !== undefined && same ? principalOf(user) : undefined
  }

  /** Who has this name, with the rights of now; undefined: nobody has it any more. */
  current(name: string): MqttPrincipal | undefined {
    const user = this.#users.get(name)
    return user && principalOf(user)
  }

  /** Hears of credentials that have lost their worth. Returns the function that ends the subscription. */
  onRevoked(listener: (name: string, change: MqttUserEnd) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #view(name: string): MqttUserView {
    const user = this.#users.get(name)
    if (user === undefined) throw unknown(name)
    return viewOf(user)
  }

  #tell(name: string, change: MqttUserEnd): void {
    for (const listener of this.#listeners) listener(name, change)
  }
}

const viewOf = ({ name, boardId, access, publish, subscribe, createdMs }: MqttUserRecord): MqttUserView => ({
  name,
  boardId,
  access,
  publish,
  subscribe,
  createdAt: new Date(createdMs).toISOString(),
})

function principalOf({ name, access, boardId, publish, subscribe }: MqttUserRecord): MqttPrincipal {
  const room = publish.length + subscribe.length === 0 ? {} : { room: { publish, subscribe } }
  return { name, access, boardId, ...room }
}

/** Begins with no hyphen, so that no program takes it for an option. */
function newSecret(): string {
  const secret = randomBytes(secretBytes).toString('base64url')
  return secret.startsWith('-') ? newSecret() : secret
}
const shaOf = (secret: string): Buffer => hash('sha256', secret, 'buffer')
const unknown = (name: string): AppError =>
  new AppError('not_found', `There is no MQTT user "${name}". See: pixelgate mqtt-user list`)
