/**
 * Who changed what. Rows are never changed, and only those go that are older than the newest 90,000. Part of one step of the
 * migrations.
 */
export const auditSchema = `
  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    atMs INTEGER NOT NULL,
    actorKind TEXT NOT NULL,
    actorId TEXT,
    actorName TEXT,
    action TEXT NOT NULL,
    area TEXT NOT NULL,
    resource TEXT NOT NULL,
    outcome TEXT NOT NULL,
    beforeJson TEXT,
    afterJson TEXT,
    address TEXT NOT NULL,
    agent TEXT NOT NULL,
    requestId TEXT
  ) STRICT;
  CREATE INDEX auditByTime ON audit (atMs);
  CREATE INDEX auditByActorId ON audit (actorId, atMs);
  CREATE INDEX auditByActorName ON audit (actorName, atMs);
  CREATE INDEX auditByAction ON audit (action, atMs);
  CREATE INDEX auditByArea ON audit (area, atMs);
  CREATE INDEX auditByResource ON audit (resource, atMs);
  CREATE INDEX auditByOutcome ON audit (outcome, atMs);
  CREATE TRIGGER auditStays BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'an entry of the audit log is never changed'); END;
  CREATE TRIGGER auditKeepsTheNewest BEFORE DELETE ON audit
    WHEN OLD.seq > (SELECT max(seq) FROM audit) - 90000
    BEGIN SELECT RAISE(ABORT, 'the newest entries of the audit log are never removed'); END;
`
