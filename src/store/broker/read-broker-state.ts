import type { Database } from 'better-sqlite3'
import type { BrokerState } from './broker-state.ts'
import { rowHash } from './row-hash.ts'

interface Hashed {
  readonly payload: Uint8Array
  readonly sha256: Uint8Array
}

/** Reads everything; drops rows that are damaged, and messages that nobody waits for any more. */
export function readBrokerState(db: Database): BrokerState {
  let damagedRows = 0
  /** Those whose hash is right; the others are deleted by their key. */
  const proven = <Row extends Hashed>(
    rows: readonly Row[],
    argsOf: (row: Row) => readonly (string | number)[],
    drop: (row: Row) => void,
  ): Row[] =>
    rows.filter(row => {
      if (rowHash(argsOf(row), row.payload).equals(row.sha256)) return true
      damagedRows++
      drop(row)
      return false
    })
  const all = <Row>(sql: string): Row[] => db.prepare<[], Row>(sql).all()

  db.exec('DELETE FROM messages WHERE seq NOT IN (SELECT seq FROM queue WHERE released = 0)')
  const dropMessage = db.prepare('DELETE FROM messages WHERE seq = ?')
  const dropRetained = db.prepare('DELETE FROM retained WHERE topic = ?')
  const dropWill = db.prepare('DELETE FROM wills WHERE clientId = ?')
  const messages = proven(
    all<BrokerState['messages'][number] & Hashed>('SELECT seq, topic, payload, sha256 FROM messages'),
    ({ seq, topic }) => [seq, topic],
    ({ seq }) => dropMessage.run(seq),
  )
  const retained = proven(
    all<BrokerState['retained'][number] & Hashed>('SELECT * FROM retained'),
    ({ topic, owner, qos }) => [topic, owner, qos],
    ({ topic }) => dropRetained.run(topic),
  )
  const wills = proven(
    all<BrokerState['wills'][number] & Hashed>('SELECT * FROM wills'),
    ({ clientId, principalJson, topic, qos }) => [clientId, principalJson, topic, qos],
    ({ clientId }) => dropWill.run(clientId),
  )
  db.exec('DELETE FROM queue WHERE released = 0 AND seq NOT IN (SELECT seq FROM messages)')
  const [clock] = all<{ wallMs: number }>('SELECT wallMs FROM clock')
  const [sequence] = all<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'messages'")
  const queue = all<BrokerState['queue'][number]>('SELECT * FROM queue ORDER BY seq, session')
  return {
    wallMs: clock?.wallMs,
    sessions: all('SELECT * FROM sessions ORDER BY id'),
    filters: all('SELECT * FROM filters ORDER BY session, filter'),
    queue,
    messages: messages.map(({ seq, topic, payload }) => ({ seq, topic, payload })),
    incoming: all('SELECT * FROM incoming'),
    retained: retained.map(({ sha256: _, ...row }) => row),
    wills: wills.map(({ sha256: _, ...row }) => row),
    lastSeq: Math.max(sequence?.seq ?? 0, queue.at(-1)?.seq ?? 0),
    damagedRows,
  }
}
