import type { Database } from 'better-sqlite3'
import { AppError } from '../../kernel/errors.ts'
import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'

export interface RoomMember {
  readonly id: string
  readonly name: string
}

export interface RoomRecord {
  /** UUIDv7. */
  readonly id: string
  readonly name: string
  readonly kind: 'common' | 'group'
  /** null: the gateway itself, or somebody who is no user any more. */
  readonly createdBy: RoomMember | null
  readonly createdMs: number
  /** By name; empty for the common room, where everybody is. */
  readonly members: readonly RoomMember[]
}

/** Whose eyes: the id of a user, or null for the console, which sees every room. */
export type Viewer = string | null

export interface NewRoom {
  readonly id: string
  readonly name: string
  /** Id of the user, who becomes a member; null: the console. */
  readonly createdBy: Viewer
  /** Names of the other members. */
  readonly members: readonly string[]
  readonly nowMs: number
  readonly maxRooms: number
  readonly maxRoomsOfOne: number
  readonly maxMembers: number
}

interface RoomRow {
  readonly id: string
  readonly name: string
  readonly kind: RoomRecord['kind']
  readonly createdById: string | null
  readonly createdByName: string | null
  readonly createdMs: number
}

interface MemberRow extends RoomMember {
  readonly roomId: string
}

/**
 * Rooms that the viewer may know of. Whoever is no member learns nothing of a room, not even that it exists.
 */
export const roomVisible = `(kind = 'common' OR @viewer IS NULL
  OR EXISTS (SELECT 1 FROM roomMembers AS own WHERE own.roomId = rooms.id AND own.userId = @viewer))`

const selectRooms = `SELECT rooms.id, rooms.name, kind, rooms.createdMs, createdBy AS createdById, users.name AS createdByName
  FROM rooms LEFT JOIN users ON users.id = rooms.createdBy`

const toRoom = (row: RoomRow, members: readonly MemberRow[]): RoomRecord => ({
  id: row.id,
  name: row.name,
  kind: row.kind,
  createdBy:
    row.createdById === null || row.createdByName === null
      ? null
      : { id: row.createdById, name: row.createdByName },
  createdMs: row.createdMs,
  members: members.map(({ id, name }) => ({ id, name })),
})

function find(db: Database, id: string, viewer: Viewer): RoomRecord | undefined {
  const sql = `${selectRooms} WHERE rooms.id = @id AND ${roomVisible}`
  const row = prepared<RoomRow>(db, sql).get({ id, viewer })
  return row && toRoom(row, membersOf(db, id))
}

const membersOf = (db: Database, roomId: string): readonly MemberRow[] =>
  prepared<MemberRow>(
    db,
    `SELECT roomId, userId AS id, name FROM roomMembers JOIN users ON users.id = userId
     WHERE roomId = ? ORDER BY name`,
  ).all(roomId)

const membersOfAll = (db: Database, viewer: Viewer): readonly MemberRow[] =>
  prepared<MemberRow>(
    db,
    `SELECT roomId, userId AS id, users.name FROM roomMembers
     JOIN users ON users.id = userId JOIN rooms ON rooms.id = roomId
     WHERE ${roomVisible} ORDER BY users.name`,
  ).all({ viewer })

function userNamed(db: Database, name: string): RoomMember {
  const user = prepared<RoomMember>(db, 'SELECT id, name FROM users WHERE name = ?').get(name)
  if (user === undefined) throw new AppError('not_found', `There is nobody called "${name}".`)
  return user
}

const join = (db: Database, roomId: string, userId: string, nowMs: number): boolean =>
  prepared(
    db,
    'INSERT INTO roomMembers (roomId, userId, joinedMs) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  ).run(roomId, userId, nowMs).changes > 0

function refuseFull(db: Database, { createdBy, maxRooms, maxRoomsOfOne }: NewRoom): void {
  const sql = `SELECT count(*) AS total, coalesce(sum(createdBy IS @createdBy), 0) AS own FROM rooms WHERE kind = 'group'`
  const { total = 0, own = 0 } = prepared<{ total: number; own: number }>(db, sql).get({ createdBy }) ?? {}
  if (total >= maxRooms)
    throw new AppError(
      'conflict',
      `There are ${total} rooms, which is the most. Delete one that nobody needs.`,
    )
  if (createdBy !== null && own >= maxRoomsOfOne)
    throw new AppError(
      'conflict',
      `You have made ${own} rooms, which is the most. Delete one that nobody needs.`,
    )
}

const must = (room: RoomRecord | undefined): RoomRecord => {
  if (room === undefined) throw new AppError('storage_failed', 'A room has vanished from the database.')
  return room
}

export const rooms = {
  /** The common room; made when it is not there. */
  common: write(
    (db, fresh: { readonly id: string; readonly name: string; readonly nowMs: number }): RoomRecord => {
      const sql = `INSERT INTO rooms (id, name, kind, createdMs) VALUES (@id, @name, 'common', @nowMs) ON CONFLICT DO NOTHING`
      prepared(db, sql).run(fresh)
      const row = prepared<RoomRow>(db, `${selectRooms} WHERE kind = 'common'`).get()
      return must(row && toRoom(row, []))
    },
  ),

  /** The common room first, then by name. */
  list: read((db, viewer: Viewer): RoomRecord[] => {
    const order = `ORDER BY kind = 'group', rooms.name COLLATE NOCASE, rooms.id`
    const found = prepared<RoomRow>(db, `${selectRooms} WHERE ${roomVisible} ${order}`).all({ viewer })
    const members = new Map<string, MemberRow[]>(found.map(({ id }) => [id, []]))
    for (const member of membersOfAll(db, viewer)) members.get(member.roomId)?.push(member)
    return found.map(row => toRoom(row, members.get(row.id) ?? []))
  }),

  /** undefined when it is not there or not the viewer's to see. */
  get: read((db, of: { readonly id: string; readonly viewer: Viewer }): RoomRecord | undefined =>
    find(db, of.id, of.viewer),
  ),

  /** Throws `not_found` for a name that nobody has, `conflict` when one of the limits is reached. */
  create: write((db, room: NewRoom): RoomRecord => {
    refuseFull(db, room)
    const { id, name, createdBy, nowMs, maxMembers } = room
    const sql = `INSERT INTO rooms (id, name, kind, createdBy, createdMs) VALUES (@id, @name, 'group', @createdBy, @nowMs)`
    prepared(db, sql).run({ id, name, createdBy, nowMs })
    const others = room.members.map(member => userNamed(db, member).id)
    for (const userId of createdBy === null ? others : [createdBy, ...others]) join(db, id, userId, nowMs)
    const made = must(find(db, id, null))
    if (made.members.length > maxMembers)
      throw new AppError('conflict', `A room has at most ${maxMembers} members.`)
    return made
  }),

  /**
   * undefined as for `get`; throws `not_found` for a name that nobody has, `conflict` when the room is full.
   */
  addMember: write(
    (
      db,
      add: {
        readonly roomId: string
        readonly viewer: Viewer
        readonly name: string
        readonly nowMs: number
        readonly maxMembers: number
      },
    ): { readonly room: RoomRecord; readonly member: RoomMember; readonly added: boolean } | undefined => {
      if (find(db, add.roomId, add.viewer) === undefined) return undefined
      const member = userNamed(db, add.name)
      const added = join(db, add.roomId, member.id, add.nowMs)
      const room = must(find(db, add.roomId, null))
      if (room.members.length > add.maxMembers)
        throw new AppError('conflict', `A room has at most ${add.maxMembers} members.`)
      return { room, member, added }
    },
  ),

  /** The room as it then is; undefined when it has gone with its last member. */
  removeMember: write(
    (db, of: { readonly roomId: string; readonly userId: string }): RoomRecord | undefined => {
      prepared(db, 'DELETE FROM roomMembers WHERE roomId = @roomId AND userId = @userId').run(of)
      return find(db, of.roomId, null)
    },
  ),

  /** With its messages; remove those before in parts, so that nobody waits for this. */
  remove: write(
    (db, id: string): boolean =>
      prepared(db, `DELETE FROM rooms WHERE id = ? AND kind = 'group'`).run(id).changes > 0,
  ),
}
