/** Answers that are kept for a repeated request. Part of one step of the migrations. */
export const idempotencySchema = `
  CREATE TABLE repeatableRequests (
    seq INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    keySha BLOB NOT NULL CHECK (length(keySha) = 32),
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    runId TEXT NOT NULL,
    createdMs INTEGER NOT NULL,
    expiresMs INTEGER NOT NULL,
    sizeBytes INTEGER NOT NULL DEFAULT 0,
    kept TEXT CHECK (kept IN ('whole', 'secret', 'large')),
    status INTEGER,
    headersJson TEXT,
    body BLOB,
    bodySha BLOB CHECK (length(bodySha) = 32),
    CHECK ((kept IS NULL) = (status IS NULL)),
    CHECK ((body IS NULL) = (bodySha IS NULL)),
    UNIQUE (owner, keySha)
  ) STRICT;
  CREATE INDEX repeatableRequestsByExpiry ON repeatableRequests (expiresMs);
  CREATE INDEX repeatableRequestsBySize ON repeatableRequests (owner, sizeBytes);
`
