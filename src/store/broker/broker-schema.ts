import type { Schema } from '../migrations.ts'

/** `application_id` "PXBR" and the steps of broker.db; rules as for the gateway's own database. */
export const brokerSchema: Schema = {
  applicationId: 0x50584252,
  steps: [
    `
    CREATE TABLE sessions (
      id INTEGER PRIMARY KEY NOT NULL,
      clientId TEXT NOT NULL UNIQUE,
      principalJson TEXT NOT NULL,
      awayMs INTEGER NOT NULL DEFAULT 0
    ) STRICT;

    CREATE TABLE filters (
      session INTEGER NOT NULL,
      filter TEXT NOT NULL,
      optionsJson TEXT NOT NULL,
      PRIMARY KEY (session, filter)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE messages (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      topic TEXT NOT NULL,
      payload BLOB NOT NULL,
      sha256 BLOB NOT NULL CHECK (length(sha256) = 32)
    ) STRICT;

    CREATE TABLE queue (
      session INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      qos INTEGER NOT NULL CHECK (qos IN (1, 2)),
      packetId INTEGER NOT NULL,
      released INTEGER NOT NULL DEFAULT 0 CHECK (released IN (0, 1)),
      PRIMARY KEY (session, seq)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE incoming (
      session INTEGER NOT NULL,
      packetId INTEGER NOT NULL,
      PRIMARY KEY (session, packetId)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE retained (
      topic TEXT PRIMARY KEY NOT NULL,
      owner TEXT NOT NULL,
      qos INTEGER NOT NULL CHECK (qos IN (0, 1, 2)),
      payload BLOB NOT NULL,
      sha256 BLOB NOT NULL CHECK (length(sha256) = 32)
    ) STRICT;

    CREATE TABLE wills (
      clientId TEXT PRIMARY KEY NOT NULL,
      principalJson TEXT NOT NULL,
      topic TEXT NOT NULL,
      qos INTEGER NOT NULL CHECK (qos IN (0, 1, 2)),
      payload BLOB NOT NULL,
      sha256 BLOB NOT NULL CHECK (length(sha256) = 32)
    ) STRICT;

    CREATE TABLE clock (
      id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
      wallMs INTEGER NOT NULL
    ) STRICT;
    `,
  ],
}
