/**
 * Sign-ins as sessions with rotating tokens, second factors, and tries to sign in. Part of one step of the migrations.
 * A token of 30 days does not become one of 30 minutes, so people sign in once more after the update.
 */
export const sessionsSchema = `
  DROP TABLE signIns;

  CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL,
    userId TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    accessSha BLOB NOT NULL UNIQUE CHECK (length(accessSha) = 32),
    accessExpiresMs INTEGER NOT NULL,
    agent TEXT NOT NULL,
    address TEXT NOT NULL,
    createdMs INTEGER NOT NULL,
    usedMs INTEGER NOT NULL,
    expiresMs INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX sessionsByUser ON sessions (userId, id);
  CREATE INDEX sessionsByUserAndAddress ON sessions (userId, address);
  CREATE INDEX sessionsByExpiry ON sessions (expiresMs);

  CREATE TABLE refreshTokens (
    tokenSha BLOB PRIMARY KEY NOT NULL CHECK (length(tokenSha) = 32),
    sessionId TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    expiresMs INTEGER NOT NULL,
    usedMs INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX refreshTokensBySession ON refreshTokens (sessionId, expiresMs);

  ALTER TABLE users ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1));

  CREATE TABLE secondFactors (
    userId TEXT PRIMARY KEY NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    sealed BLOB NOT NULL,
    lastStep INTEGER NOT NULL DEFAULT -1,
    madeMs INTEGER NOT NULL,
    confirmedMs INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE backupCodes (
    userId TEXT NOT NULL REFERENCES secondFactors (userId) ON DELETE CASCADE,
    codeSha BLOB NOT NULL CHECK (length(codeSha) = 32),
    usedMs INTEGER,
    PRIMARY KEY (userId, codeSha)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE signInFailures (
    who TEXT PRIMARY KEY NOT NULL,
    failures INTEGER NOT NULL,
    lastMs INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX signInFailuresByTime ON signInFailures (lastMs);
`
