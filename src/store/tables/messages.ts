import type { Database } from 'better-sqlite3'
import { longRead, read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { roomVisible, type Viewer } from './rooms.ts'

export interface MessageRecord {
  /** UUIDv7. */
  readonly id: string
  readonly roomId: string
  /** Name at the time of writing; null: the gateway. */
  readonly author: string | null
  /** null also when the author is no user any more, or was the console. */
  readonly authorId: string | null
  readonly kind: 'text' | 'system' | 'reply'
  readonly text: string
  /** Made by the client, so that a repeated request posts once. */
  readonly clientId: string | null
  readonly createdMs: number
}

export interface PostedMessage {
  readonly message: MessageRecord
  /** The same author has posted this `clientId` in this room before; `message` is that one. */
  readonly repeated: boolean
  /** Ids of those who may read it at the moment of the commit. */
  readonly audience: 'everyone' | readonly string[]
}

const columns = 'id, roomId, author, authorId, kind, text, clientId, createdMs'

/**
 * A page of a room, newest first. The cursor is a message's id; order is that of writing, whatever the clock
 * did.
 */
export const messagePageSql = (older: boolean): string =>
  `SELECT ${columns} FROM messages WHERE roomId = @roomId
  ${older ? 'AND seq < (SELECT seq FROM messages WHERE id = @before AND roomId = @roomId)' : ''}
  ORDER BY seq DESC LIMIT @limit OFFSET @skip`

/** The console writes without a user's id, so the index that forbids repetitions does not see it. */
export const repeatedMessageSql = `SELECT ${columns} FROM messages
  WHERE roomId = @roomId AND clientId = @clientId AND authorId IS @authorId AND author IS @author`

/** The newest message that `keep` newer ones push out. */
export const countBorderSql =
  'SELECT seq FROM messages WHERE roomId = @roomId ORDER BY seq DESC LIMIT 1 OFFSET @keep'

const sizeBorderSql = `SELECT max(seq) AS seq FROM (
  SELECT seq, sum(octet_length(text)) OVER (ORDER BY seq DESC) AS sizeBytes FROM messages WHERE roomId = @roomId
) WHERE sizeBytes > @keepBytes`

const roomTotalSql = `SELECT messages AS total FROM rooms WHERE id = @id AND ${roomVisible}`

const kindOf = (db: Database, id: string, viewer: Viewer): string | undefined =>
  prepared<{ kind: string }>(db, `SELECT kind FROM rooms WHERE id = @id AND ${roomVisible}`).get({
    id,
    viewer,
  })?.kind

function audienceOf(db: Database, roomId: string, kind: string): PostedMessage['audience'] {
  if (kind === 'common') return 'everyone'
  const sql = 'SELECT userId FROM roomMembers WHERE roomId = ?'
  return prepared<{ userId: string }>(db, sql)
    .all(roomId)
    .map(({ userId }) => userId)
}

const repeated = (db: Database, message: MessageRecord): MessageRecord | undefined =>
  message.clientId === null ? undefined : prepared<MessageRecord>(db, repeatedMessageSql).get(message)

export const messages = {
  /**
   * undefined when the viewer may not see the room, or it is not there: checked in the same transaction as the
   * writing.
   */
  post: write(
    (
      db,
      { viewer, message }: { readonly viewer: Viewer; readonly message: MessageRecord },
    ): PostedMessage | undefined => {
      const kind = kindOf(db, message.roomId, viewer)
      if (kind === undefined) return undefined
      const audience = audienceOf(db, message.roomId, kind)
      const first = repeated(db, message)
      if (first !== undefined) return { message: first, repeated: true, audience }
      const sql = `INSERT INTO messages (${columns})
        VALUES (@id, @roomId, @author, @authorId, @kind, @text, @clientId, @createdMs)`
      prepared(db, sql).run(message)
      return { message, repeated: false, audience }
    },
  ),

  /** undefined as for `post`. An unknown cursor gives an empty page: what was older has been pruned with it. */
  page: read(
    (
      db,
      page: {
        readonly roomId: string
        readonly viewer: Viewer
        readonly before?: string
        readonly skip?: number
        readonly limit: number
      },
    ): { readonly messages: readonly MessageRecord[]; readonly total: number } | undefined => {
      const { viewer, skip = 0, ...values } = page
      const room = prepared<{ total: number }>(db, roomTotalSql).get({ id: page.roomId, viewer })
      if (room === undefined) return undefined
      const messages = prepared<MessageRecord>(db, messagePageSql(page.before !== undefined))
      return { messages: messages.all({ ...values, skip }), total: room.total }
    },
  ),

  /** Who may read the room; undefined as for `post`. */
  audience: read(
    (db, of: { readonly roomId: string; readonly viewer: Viewer }): PostedMessage['audience'] | undefined => {
      const kind = kindOf(db, of.roomId, of.viewer)
      return kind === undefined ? undefined : audienceOf(db, of.roomId, kind)
    },
  ),

  /**
   * `seq` of the newest message that is too old to keep; undefined: all may stay. `keepBytes` reads the whole
   * room.
   */
  border: longRead(
    (
      db,
      cap: { readonly roomId: string; readonly keep: number; readonly keepBytes?: number },
    ): number | undefined => {
      const byCount = prepared<{ seq: number }>(db, countBorderSql).get(cap)?.seq
      const bySize =
        cap.keepBytes === undefined ? null : prepared<{ seq: number | null }>(db, sizeBorderSql).get(cap)?.seq
      const seq = Math.max(byCount ?? 0, bySize ?? 0)
      return seq === 0 ? undefined : seq
    },
  ),

  /** Deletes the oldest messages of a room up to `seq`, `limit` at most; returns how many. */
  removeUpTo: write(
    (db, of: { readonly roomId: string; readonly seq: number; readonly limit: number }): number => {
      const oldest =
        'SELECT seq FROM messages WHERE roomId = @roomId AND seq <= @seq ORDER BY seq LIMIT @limit'
      return prepared(db, `DELETE FROM messages WHERE seq IN (${oldest})`).run(of).changes
    },
  ),
}
