/** API tokens, invitations, signed callbacks in both directions. Part of one step of the migrations. */
export const credentialsSchema = `
  CREATE TABLE apiTokens (
    id TEXT PRIMARY KEY NOT NULL,
    secretSha BLOB NOT NULL UNIQUE CHECK (length(secretSha) = 32),
    userId TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    scopesJson TEXT NOT NULL,
    prefix TEXT NOT NULL,
    createdMs INTEGER NOT NULL,
    expiresMs INTEGER NOT NULL,
    lastUsedMs INTEGER
  ) STRICT;
  CREATE INDEX apiTokensByUser ON apiTokens (userId, id);
  CREATE INDEX apiTokensByExpiry ON apiTokens (expiresMs);

  CREATE TABLE invites (
    id TEXT PRIMARY KEY NOT NULL,
    codeSha BLOB NOT NULL UNIQUE CHECK (length(codeSha) = 32),
    role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    note TEXT,
    invitedById TEXT REFERENCES users (id) ON DELETE CASCADE,
    invitedBy TEXT NOT NULL,
    createdMs INTEGER NOT NULL,
    expiresMs INTEGER NOT NULL,
    usedMs INTEGER,
    usedBy TEXT
  ) STRICT;
  CREATE INDEX invitesByInviter ON invites (invitedById);
  CREATE INDEX invitesByExpiry ON invites (expiresMs);

  CREATE TABLE callbacks (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    actionJson TEXT NOT NULL,
    boardsJson TEXT NOT NULL,
    sealed BLOB NOT NULL,
    createdMs INTEGER NOT NULL,
    lastCalledMs INTEGER
  ) STRICT;

  CREATE TABLE callbackCalls (
    callbackId TEXT NOT NULL REFERENCES callbacks (id) ON DELETE CASCADE,
    messageSha BLOB NOT NULL CHECK (length(messageSha) = 32),
    untilMs INTEGER NOT NULL,
    PRIMARY KEY (callbackId, messageSha)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX callbackCallsByEnd ON callbackCalls (untilMs);

  CREATE TABLE webhooks (
    id TEXT PRIMARY KEY NOT NULL,
    url TEXT NOT NULL,
    eventsJson TEXT NOT NULL,
    sealed BLOB NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    createdMs INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE webhookDeliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    webhookId TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    bodySha BLOB NOT NULL CHECK (length(bodySha) = 32),
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed', 'dropped')),
    attempts INTEGER NOT NULL DEFAULT 0,
    nextMs INTEGER NOT NULL,
    lastStatus INTEGER,
    lastError TEXT,
    createdMs INTEGER NOT NULL,
    finishedMs INTEGER
  ) STRICT;
  CREATE INDEX webhookDeliveriesByWebhook ON webhookDeliveries (webhookId, seq);
  CREATE INDEX webhookDeliveriesByState ON webhookDeliveries (webhookId, state, seq);
`
