import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { shaKey } from '../sha256.ts'

/** A credential of the MQTT broker; the secret itself is never kept. */
export interface MqttUserRecord {
  readonly name: string
  /** The board that it belongs to; null unless `access` is `board`. */
  readonly boardId: string | null
  readonly access: 'watch' | 'control' | 'board'
  /** SHA-256 of the secret, hexadecimal. */
  readonly secretSha: string
  readonly createdMs: number
}

interface MqttUserRow extends Omit<MqttUserRecord, 'secretSha'> {
  readonly secretSha: Buffer
}

export const mqttUsers = {
  /** False when the name is taken; then nothing has changed. */
  insert: write((db, user: MqttUserRecord): boolean => {
    const sql = `INSERT INTO mqttUsers (name, boardId, access, secretSha, createdMs)
      VALUES (@name, @boardId, @access, @secretSha, @createdMs) ON CONFLICT (name) DO NOTHING`
    return prepared(db, sql).run({ ...user, secretSha: shaKey(user.secretSha) }).changes > 0
  }),

  list: read((db): MqttUserRecord[] =>
    prepared<MqttUserRow>(
      db,
      'SELECT name, boardId, access, secretSha, createdMs FROM mqttUsers ORDER BY name',
    )
      .all()
      .map(row => ({ ...row, secretSha: row.secretSha.toString('hex') })),
  ),

  /** False when nobody has this name. */
  setSecret: write(
    (db, { name, secretSha }: { readonly name: string; readonly secretSha: string }): boolean =>
      prepared(db, 'UPDATE mqttUsers SET secretSha = ? WHERE name = ?').run(shaKey(secretSha), name).changes >
      0,
  ),

  /** False when nobody has this name. */
  remove: write(
    (db, name: string): boolean => prepared(db, 'DELETE FROM mqttUsers WHERE name = ?').run(name).changes > 0,
  ),
}
