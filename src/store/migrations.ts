import type { Database } from 'better-sqlite3'
import { auditSchema } from './schema/audit.ts'
import { boardLogSchema } from './schema/board-log.ts'
import { credentialsSchema } from './schema/credentials.ts'
import { filesSchema } from './schema/files.ts'
import { idempotencySchema } from './schema/idempotency.ts'
import { messageCountsSchema } from './schema/message-counts.ts'
import { mqttAccessSchema } from './schema/mqtt-access.ts'
import { operationsSchema } from './schema/operations.ts'
import { sessionsSchema } from './schema/sessions.ts'
import { searchForm } from './search-form.ts'

/** `application_id` in the file header (https://sqlite.org/fileformat2.html §1.3.14): "PXGT". */
export const applicationId = 0x50584754

/**
 * The schema, one step a version: step i brings a database from `user_version` i to i + 1. A released step never
 * changes; a change of the schema is a new step. Columns are named like the fields of the domain types.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE blobs (
    sha256 BLOB PRIMARY KEY NOT NULL CHECK (length(sha256) = 32),
    sizeBytes INTEGER NOT NULL,
    storedMs INTEGER NOT NULL,
    bytes BLOB NOT NULL
  ) STRICT;

  CREATE TABLE boards (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    leds INTEGER NOT NULL,
    wiring TEXT NOT NULL,
    colorOrder TEXT NOT NULL,
    powerCapMa INTEGER,
    linkKind TEXT NOT NULL,
    linkAddress TEXT NOT NULL,
    baudRate INTEGER,
    bootId INTEGER NOT NULL,
    firmware TEXT NOT NULL,
    capsJson TEXT NOT NULL,
    generation INTEGER NOT NULL DEFAULT 0,
    quarantined INTEGER NOT NULL DEFAULT 0 CHECK (quarantined IN (0, 1)),
    firstSeenMs INTEGER NOT NULL,
    lastSeenMs INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE patterns (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    sourceSha BLOB NOT NULL REFERENCES blobs (sha256),
    sizeBytes INTEGER NOT NULL,
    format TEXT NOT NULL,
    createdMs INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX patternsBySource ON patterns (sourceSha);

  CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    batchId TEXT NOT NULL,
    boardId TEXT NOT NULL REFERENCES boards (id),
    name TEXT NOT NULL,
    patternId TEXT REFERENCES patterns (id) ON DELETE SET NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'waiting', 'transferring', 'verifying', 'trial', 'done',
      'paused', 'failed', 'cancelled')),
    raw INTEGER NOT NULL CHECK (raw IN (0, 1)),
    optionsJson TEXT NOT NULL,
    sourceSha BLOB REFERENCES blobs (sha256),
    manifestSha BLOB REFERENCES blobs (sha256),
    imageSha BLOB REFERENCES blobs (sha256),
    transferId TEXT,
    blocks INTEGER NOT NULL DEFAULT 0,
    durableBlocks INTEGER NOT NULL DEFAULT 0,
    payloadBytes INTEGER NOT NULL DEFAULT 0,
    imageBytes INTEGER NOT NULL DEFAULT 0,
    statsJson TEXT,
    digestAlg TEXT,
    digestValue TEXT,
    errorCode TEXT,
    errorMessage TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    createdMs INTEGER NOT NULL,
    updatedMs INTEGER NOT NULL,
    finishedMs INTEGER,
    CHECK ((state IN ('done', 'failed', 'cancelled')) = (finishedMs IS NOT NULL)),
    CHECK (state <> 'done' OR digestValue IS NOT NULL)
  ) STRICT;
  CREATE INDEX jobsByBoard ON jobs (boardId, seq);
  CREATE INDEX jobsByState ON jobs (state, seq);
  CREATE INDEX jobsByBoardAndState ON jobs (boardId, state, seq);
  CREATE INDEX jobsByBatch ON jobs (batchId, seq);
  CREATE INDEX jobsByPattern ON jobs (patternId);
  CREATE INDEX jobsBySource ON jobs (sourceSha);
  CREATE INDEX jobsByManifest ON jobs (manifestSha);
  CREATE INDEX jobsByImage ON jobs (imageSha);
  CREATE TRIGGER jobsStayFinished BEFORE UPDATE OF state ON jobs
    WHEN OLD.state IN ('done', 'failed', 'cancelled') AND NEW.state <> OLD.state
    BEGIN SELECT RAISE(ABORT, 'a finished job is never reopened'); END;

  CREATE TABLE approvedPorts (
    path TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    baudRate INTEGER,
    approvedMs INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE settings (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
  ) STRICT;
  `,
  `
  CREATE INDEX jobsByTransfer ON jobs (transferId);

  CREATE TABLE users (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    passwordHash TEXT NOT NULL,
    createdMs INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE signIns (
    tokenSha BLOB PRIMARY KEY NOT NULL CHECK (length(tokenSha) = 32),
    userId TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    agent TEXT NOT NULL,
    address TEXT NOT NULL,
    createdMs INTEGER NOT NULL,
    usedMs INTEGER NOT NULL,
    expiresMs INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX signInsByUser ON signIns (userId);
  CREATE INDEX signInsByExpiry ON signIns (expiresMs);

  CREATE TABLE mqttUsers (
    name TEXT PRIMARY KEY NOT NULL,
    boardId TEXT,
    access TEXT NOT NULL CHECK (access IN ('watch', 'control', 'board')),
    secretSha BLOB NOT NULL CHECK (length(secretSha) = 32),
    createdMs INTEGER NOT NULL,
    CHECK ((access = 'board') = (boardId IS NOT NULL))
  ) STRICT;

  CREATE TABLE rooms (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('common', 'group')),
    createdBy TEXT REFERENCES users (id) ON DELETE SET NULL,
    createdMs INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX oneCommonRoom ON rooms (kind) WHERE kind = 'common';

  CREATE TABLE roomMembers (
    roomId TEXT NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    userId TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    joinedMs INTEGER NOT NULL,
    PRIMARY KEY (roomId, userId)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX roomMembersByUser ON roomMembers (userId);
  CREATE TRIGGER roomsNeedMembers AFTER DELETE ON roomMembers
    WHEN NOT EXISTS (SELECT 1 FROM roomMembers WHERE roomId = OLD.roomId)
    BEGIN DELETE FROM rooms WHERE id = OLD.roomId; END;

  CREATE TABLE messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    roomId TEXT NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    author TEXT,
    authorId TEXT REFERENCES users (id) ON DELETE SET NULL,
    kind TEXT NOT NULL CHECK (kind IN ('text', 'system', 'reply')),
    text TEXT NOT NULL,
    clientId TEXT,
    createdMs INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX messagesByRoom ON messages (roomId, seq);
  CREATE UNIQUE INDEX messagesOnce ON messages (roomId, clientId, authorId) WHERE clientId IS NOT NULL;
  CREATE INDEX messagesByAuthor ON messages (authorId);
  CREATE INDEX roomsByCreator ON rooms (createdBy);
  `,
  `
  CREATE TABLE boardKeys (
    boardId TEXT NOT NULL REFERENCES boards (id) ON DELETE CASCADE,
    state TEXT NOT NULL CHECK (state IN ('active', 'pending', 'leaving')),
    sealed BLOB NOT NULL,
    madeMs INTEGER NOT NULL,
    PRIMARY KEY (boardId, state)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE patternFamilies (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    versions INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  CREATE TABLE patternArrivals (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    patternId TEXT NOT NULL REFERENCES patterns (id) ON DELETE CASCADE,
    fileName TEXT NOT NULL,
    door TEXT NOT NULL CHECK (door IN ('cli', 'import', 'panel', 'api', 'mqtt', 'unknown')),
    who TEXT,
    format TEXT NOT NULL,
    readingJson TEXT NOT NULL,
    arrivedMs INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX patternArrivalsByPattern ON patternArrivals (patternId, seq);

  CREATE TABLE patternTags (
    familyId INTEGER NOT NULL REFERENCES patternFamilies (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (familyId, tag)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX patternTagsByTag ON patternTags (tag, familyId);

  CREATE VIRTUAL TABLE patternSearch USING fts5 (text, tokenize = 'trigram case_sensitive 1');

  ALTER TABLE patterns ADD COLUMN familyId INTEGER REFERENCES patternFamilies (id);
  ALTER TABLE patterns ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE patterns ADD COLUMN raw INTEGER NOT NULL DEFAULT 0 CHECK (raw IN (0, 1));
  ALTER TABLE patterns ADD COLUMN readingJson TEXT NOT NULL DEFAULT '{}';
  ALTER TABLE patterns ADD COLUMN factsJson TEXT;
  ALTER TABLE patterns ADD COLUMN thumbnailSha BLOB REFERENCES blobs (sha256);
  UPDATE patterns SET raw = 1 WHERE id IN (SELECT patternId FROM jobs WHERE raw = 1);

  INSERT INTO patternArrivals (patternId, fileName, door, format, readingJson, arrivedMs)
    SELECT last_value(id) OVER same, name, 'unknown', format, '{}', createdMs FROM patterns
    WINDOW same AS (PARTITION BY sourceSha, raw ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
    ORDER BY seq;
  UPDATE jobs SET patternId = kept.id
    FROM patterns AS own JOIN patterns AS kept ON kept.sourceSha = own.sourceSha AND kept.raw = own.raw
    WHERE own.id = jobs.patternId
      AND kept.seq = (SELECT max(seq) FROM patterns AS other WHERE other.sourceSha = own.sourceSha AND other.raw = own.raw);
  DELETE FROM patterns WHERE seq NOT IN (SELECT max(seq) FROM patterns GROUP BY sourceSha, raw);
  DROP INDEX patternsBySource;
  CREATE UNIQUE INDEX patternsOnce ON patterns (sourceSha, raw);
  CREATE INDEX patternsByThumbnail ON patterns (thumbnailSha);

  INSERT INTO patternFamilies (name, versions) SELECT name, count(*) FROM patterns GROUP BY name ORDER BY min(seq);
  UPDATE patterns SET familyId = place.familyId, version = place.version
    FROM (SELECT patterns.id, family.id AS familyId, row_number() OVER (PARTITION BY family.id ORDER BY seq) AS version
      FROM patterns JOIN patternFamilies AS family ON family.name = patterns.name) AS place
    WHERE place.id = patterns.id;
  CREATE INDEX patternsByFamily ON patterns (familyId, seq);
  INSERT INTO patternSearch (rowid, text)
    SELECT familyId, searchForm(group_concat(name || ' ' || format, ' ')) FROM patterns GROUP BY familyId;
  `,
  'ALTER TABLE boards ADD COLUMN layoutJson TEXT;',
  [
    sessionsSchema,
    credentialsSchema,
    auditSchema,
    filesSchema,
    idempotencySchema,
    operationsSchema,
    boardLogSchema,
  ].join('\n'),
  mqttAccessSchema,
  messageCountsSchema,
]

/** The version that this program writes and the highest it reads. */
export const schemaVersion = migrations.length

/** What makes a file one of ours, and of which kind. */
export interface Schema {
  readonly applicationId: number
  readonly steps: readonly string[]
}

export const gatewaySchema: Schema = { applicationId, steps: migrations }

/** Brings the database to the last step, each in one transaction. Two processes may do so at once. */
export function migrate(
  db: Database,
  steps: readonly string[] = migrations,
  id: number = applicationId,
): void {
  db.function('searchForm', { deterministic: true }, text => searchForm(String(text)))
  const step = db.transaction((): boolean => {
    const version = Number(db.pragma('user_version', { simple: true }))
    const sql = steps[version]
    if (sql === undefined) return false
    db.exec(sql)
    db.pragma(`application_id = ${id}`)
    db.pragma(`user_version = ${version + 1}`)
    return true
  })
  while (step.immediate());
}
