import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { shaKey } from '../sha256.ts'

/** What a user may do with its topics; `publish` and `subscribe` are filters for topics of the room. */
export interface MqttUserRights {
  readonly access: 'watch' | 'control' | 'board' | 'home-assistant' | 'bridge' | 'bridge-control' | 'device'
  readonly publish: readonly string[]
  readonly subscribe: readonly string[]
}

/** A credential of the MQTT broker; the secret itself is never kept. */
export interface MqttUserRecord extends MqttUserRights {
  readonly name: string
  /** The board that it belongs to; null unless `access` is `board`. */
  readonly boardId: string | null
  /** SHA-256 of the secret, hexadecimal. */
  readonly secretSha: string
  readonly createdMs: number
}

interface MqttUserRow extends Omit<MqttUserRecord, 'secretSha' | 'publish' | 'subscribe'> {
  readonly secretSha: Buffer
  readonly publishJson: string
  readonly subscribeJson: string
}

export const mqttUsers = {
  /** False when the name is taken; then nothing has changed. */
  insert: write((db, { publish, subscribe, ...user }: MqttUserRecord): boolean => {
    const sql = `INSERT INTO mqttUsers (name, boardId, access, publishJson, subscribeJson, secretSha, createdMs)
      VALUES (@name, @boardId, @access, @publishJson, @subscribeJson, @secretSha, @createdMs) ON CONFLICT (name) DO NOTHING`
    const lists = { publishJson: JSON.stringify(publish), subscribeJson: JSON.stringify(subscribe) }
    return prepared(db, sql).run({ ...user, ...lists, secretSha: shaKey(user.secretSha) }).changes > 0
  }),

  list: read((db): MqttUserRecord[] =>
    prepared<MqttUserRow>(
      db,
      'SELECT name, boardId, access, publishJson, subscribeJson, secretSha, createdMs FROM mqttUsers ORDER BY name',
    )
      .all()
      .map(({ publishJson, subscribeJson, secretSha, ...row }) => ({
        ...row,
        publish: JSON.parse(publishJson),
        subscribe: JSON.parse(subscribeJson),
        secretSha: secretSha.toString('hex'),
      })),
  ),

  /** False when nobody has this name. */
  setSecret: write(
    (db, { name, secretSha }: { readonly name: string; readonly secretSha: string }): boolean =>
      prepared(db, 'UPDATE mqttUsers SET secretSha = ? WHERE name = ?').run(shaKey(secretSha), name).changes >
      0,
  ),

  /** False when nobody has this name. */
  setRights: write(
    (db, { name, access, publish, subscribe }: MqttUserRights & { readonly name: string }): boolean =>
      prepared(db, 'UPDATE mqttUsers SET access = ?, publishJson = ?, subscribeJson = ? WHERE name = ?').run(
        access,
        JSON.stringify(publish),
        JSON.stringify(subscribe),
        name,
      ).changes > 0,
  ),

  /** False when nobody has this name. */
  remove: write(
    (db, name: string): boolean => prepared(db, 'DELETE FROM mqttUsers WHERE name = ?').run(name).changes > 0,
  ),
}
