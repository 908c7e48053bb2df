/**
 * What may be done to broker.db, by name; the arguments stand in the order of the parameters. Each may be repeated: what is
 * written twice is there once, what is deleted twice is gone.
 */
export const changes = {
  putSession: `INSERT INTO sessions (id, clientId, principalJson, awayMs) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET principalJson = excluded.principalJson, awayMs = excluded.awayMs`,
  setAway: 'UPDATE sessions SET awayMs = ? WHERE id = ?',
  dropSession: 'DELETE FROM sessions WHERE id = ?',
  dropFilters: 'DELETE FROM filters WHERE session = ?',
  dropQueue: 'DELETE FROM queue WHERE session = ?',
  dropIncoming: 'DELETE FROM incoming WHERE session = ?',
  putFilter: 'INSERT OR REPLACE INTO filters (session, filter, optionsJson) VALUES (?, ?, ?)',
  dropFilter: 'DELETE FROM filters WHERE session = ? AND filter = ?',
  putMessage: 'INSERT OR REPLACE INTO messages (seq, topic, payload, sha256) VALUES (?, ?, ?, ?)',
  dropMessage: 'DELETE FROM messages WHERE seq = ?',
  enqueue: 'INSERT OR REPLACE INTO queue (session, seq, qos, packetId, released) VALUES (?, ?, ?, ?, ?)',
  setPacketId: 'UPDATE queue SET packetId = ? WHERE session = ? AND seq = ?',
  release: 'UPDATE queue SET released = 1 WHERE session = ? AND seq = ?',
  dequeue: 'DELETE FROM queue WHERE session = ? AND seq = ?',
  putIncoming: 'INSERT OR REPLACE INTO incoming (session, packetId) VALUES (?, ?)',
  dropOneIncoming: 'DELETE FROM incoming WHERE session = ? AND packetId = ?',
  retain: 'INSERT OR REPLACE INTO retained (topic, owner, qos, payload, sha256) VALUES (?, ?, ?, ?, ?)',
  unretain: 'DELETE FROM retained WHERE topic = ?',
  putWill:
    'INSERT OR REPLACE INTO wills (clientId, principalJson, topic, qos, payload, sha256) VALUES (?, ?, ?, ?, ?, ?)',
  dropWill: 'DELETE FROM wills WHERE clientId = ?',
  emptySessions: 'DELETE FROM sessions',
  emptyFilters: 'DELETE FROM filters',
  emptyMessages: 'DELETE FROM messages',
  emptyQueue: 'DELETE FROM queue',
  emptyIncoming: 'DELETE FROM incoming',
  emptyRetained: 'DELETE FROM retained',
  emptyWills: 'DELETE FROM wills',
  setClock: 'INSERT OR REPLACE INTO clock (id, wallMs) VALUES (1, ?)',
} as const

export type ChangeName = keyof typeof changes

/** With a payload, it and its hash are the two last parameters; the hash covers the arguments as well. */
export interface Change {
  readonly name: ChangeName
  readonly args: readonly (string | number)[]
  readonly payload?: Uint8Array
}

/** Before everything is written anew. */
export const emptied: readonly Change[] = (
  [
    ...(['emptySessions', 'emptyFilters', 'emptyMessages', 'emptyQueue'] as const),
    ...(['emptyIncoming', 'emptyRetained', 'emptyWills'] as const),
  ] as const
).map(name => ({ name, args: [] }))

/** Changes on their way to the thread: all payloads in one buffer, which is handed over and not copied. */
export interface PackedChanges {
  readonly names: readonly ChangeName[]
  readonly args: readonly Change['args'][]
  /** Where each payload ends in `bytes`, -1 without one. */
  readonly ends: readonly number[]
  readonly bytes: Uint8Array<ArrayBuffer>
}

export function packChanges(all: readonly Change[]): PackedChanges {
  let sizeBytes = 0
  for (const { payload } of all) sizeBytes += payload?.length ?? 0
  const bytes = new Uint8Array(sizeBytes)
  let end = 0
  const ends = all.map(({ payload }) => {
    if (payload === undefined) return -1
    bytes.set(payload, end)
    end += payload.length
    return end
  })
  return { names: all.map(({ name }) => name), args: all.map(({ args }) => args), ends, bytes }
}
