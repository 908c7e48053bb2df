import { mayAct, type Principal } from '../account/principal.ts'
import type { Bus } from '../kernel/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { uuidV7 } from '../kernel/ids.ts'
import type { Store } from '../store/store.ts'
import type { RoomRecord } from '../store/tables/rooms.ts'
import type { RoomView } from '../wire/chat.ts'
import type { ChatEvents } from './chat-events.ts'
import { noRoom, viewerOf } from './viewer.ts'
import { roomView } from './views.ts'

const limits = { maxRooms: 256, maxRoomsOfOne: 32 } as const
const maxMembers = 256
/** Rows that one write removes: a room of 100,000 messages must not hold up the storage thread. */
const removedAtOnce = 500

export interface RoomsParts {
  readonly store: Store
  readonly clock: Clock
  readonly bus: Bus<ChatEvents>
  /** A line of the gateway in a room. */
  readonly say: (roomId: string, text: string) => Promise<void>
}

/** The rooms that people make; only their members know of them. */
export class Rooms {
  readonly #parts: RoomsParts

  constructor(parts: RoomsParts) {
    this.#parts = parts
  }

  async list(principal: Principal): Promise<readonly RoomView[]> {
    return (await this.#parts.store.rooms.list(viewerOf(principal))).map(roomView)
  }

  /** Rejects with `not_found`, whether the room is not there or not the principal's to see. */
  async get(principal: Principal, id: string): Promise<RoomView> {
    return roomView(await this.#find(principal, id))
  }

  /**
   * The principal becomes a member. Rejects with `not_found` for a name that nobody has, `conflict` at a limit.
   */
  async create(
    principal: Principal,
    { name, members }: { readonly name: string; readonly members: readonly string[] },
  ): Promise<RoomView> {
    const { store, clock, bus } = this.#parts
    const nowMs = clock.wallTime()
    const createdBy = viewerOf(principal)
    const made = await store.rooms.create({
      id: uuidV7(nowMs),
      name,
      createdBy,
      members,
      nowMs,
      maxMembers,
      ...limits,
    })
    bus.emit('chat.room', { audience: idsOf(made), room: roomView(made) })
    return roomView(made)
  }

  /** For who has made it and for admins, who need not be members. Its messages go with it. */
  async remove(principal: Principal, id: string): Promise<void> {
    const { store } = this.#parts
    const room = mayAct(principal, 'admin')
      ? await store.rooms.get({ id, viewer: null })
      : await this.#find(principal, id)
    if (room === undefined) throw noRoom()
    refuseCommon(room, 'deleted')
    if (!this.#governs(principal, room))
      throw new AppError('forbidden', 'Only who has made a room, or an admin, may delete it.')
    await this.#erase(room)
  }

  /** For each member; somebody who is in the room already stays so. */
  async addMember(principal: Principal, roomId: string, name: string): Promise<RoomView> {
    const { store, clock, bus, say } = this.#parts
    refuseCommon(await this.#find(principal, roomId), 'joined')
    const viewer = viewerOf(principal)
    const nowMs = clock.wallTime()
    const result = await store.rooms.addMember({ roomId, viewer, name, nowMs, maxMembers })
    if (result === undefined) throw noRoom()
    const room = roomView(result.room)
    if (!result.added) return room
    bus.emit('chat.room', { audience: idsOf(result.room), room })
    await say(roomId, `${principal.name} has added ${result.member.name}.`)
    return room
  }

  /** Leaving oneself, or removing another: for who has made the room, and for admins among its members. */
  async removeMember(principal: Principal, roomId: string, name: string): Promise<void> {
    const { store, bus, say } = this.#parts
    const before = await this.#find(principal, roomId)
    refuseCommon(before, 'left')
    const member = before.members.find(each => each.name.toLowerCase() === name.toLowerCase())
    const leaves = principal.kind === 'user' && member?.id === principal.id
    if (!leaves && !this.#governs(principal, before))
      throw new AppError('forbidden', 'Only who has made a room, or an admin, may remove others from it.')
    if (member === undefined) throw new AppError('not_found', `${name} is not in this room.`)
    if (before.members.length === 1) return this.#erase(before)
    const room = await store.rooms.removeMember({ roomId, userId: member.id })
    bus.emit('chat.left', { audience: [member.id], roomId })
    if (room === undefined) return
    bus.emit('chat.room', { audience: idsOf(room), room: roomView(room) })
    await say(roomId, leaves ? `${member.name} has left.` : `${principal.name} has removed ${member.name}.`)
  }

  async #find(principal: Principal, id: string): Promise<RoomRecord> {
    const room = await this.#parts.store.rooms.get({ id, viewer: viewerOf(principal) })
    if (room === undefined) throw noRoom()
    return room
  }

  #governs(principal: Principal, { createdBy }: RoomRecord): boolean {
    return mayAct(principal, 'admin') || createdBy?.id === principal.id
  }

  async #erase(room: RoomRecord): Promise<void> {
    const { store, bus } = this.#parts
    await removeMessages(store, room.id, Number.MAX_SAFE_INTEGER)
    await store.rooms.remove(room.id)
    bus.emit('chat.left', { audience: idsOf(room), roomId: room.id })
  }
}

/** Removes a room's messages up to `seq`, a part at a time, so that other calls get their turn. */
export async function removeMessages(store: Store, roomId: string, seq: number): Promise<void> {
  const limit = removedAtOnce
  while ((await store.messages.removeUpTo({ roomId, seq, limit })) === limit);
}

const idsOf = ({ members }: RoomRecord): readonly string[] => members.map(({ id }) => id)

function refuseCommon({ kind }: RoomRecord, verb: string): void {
  if (kind === 'common')
    throw new AppError('conflict', `Everybody is in the common room; it cannot be ${verb}.`)
}
