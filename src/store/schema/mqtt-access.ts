/** More kinds of MQTT users, each with filters of its own for the topics of the room. */
export const mqttAccessSchema = `
  CREATE TABLE mqttUsersNew (
    name TEXT PRIMARY KEY NOT NULL,
    boardId TEXT,
    access TEXT NOT NULL
      CHECK (access IN ('watch', 'control', 'board', 'home-assistant', 'bridge', 'bridge-control', 'device')),
    publishJson TEXT NOT NULL DEFAULT '[]',
    subscribeJson TEXT NOT NULL DEFAULT '[]',
    secretSha BLOB NOT NULL CHECK (length(secretSha) = 32),
    createdMs INTEGER NOT NULL,
    CHECK ((access = 'board') = (boardId IS NOT NULL))
  ) STRICT;
  INSERT INTO mqttUsersNew (name, boardId, access, secretSha, createdMs)
    SELECT name, boardId, access, secretSha, createdMs FROM mqttUsers;
  DROP TABLE mqttUsers;
  ALTER TABLE mqttUsersNew RENAME TO mqttUsers;
`
