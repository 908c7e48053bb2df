/**
 * Files that come in piece by piece, the bytes of large ones in parts (a row that is written whole is in memory whole), what happened to jobs, and indexes of the lists of patterns and jobs. Part of one step of the
 * migrations.
 */
export const filesSchema = `
  CREATE TABLE files (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    ownerId TEXT NOT NULL,
    owner TEXT,
    name TEXT NOT NULL,
    metadata TEXT NOT NULL,
    door TEXT NOT NULL,
    sizeBytes INTEGER NOT NULL CHECK (sizeBytes >= 0),
    offset INTEGER NOT NULL DEFAULT 0 CHECK (offset BETWEEN 0 AND sizeBytes),
    state TEXT NOT NULL DEFAULT 'receiving' CHECK (state IN ('receiving', 'complete', 'refused')),
    sha256 BLOB CHECK (length(sha256) = 32),
    patternId TEXT REFERENCES patterns (id) ON DELETE SET NULL,
    problemJson TEXT,
    createdMs INTEGER NOT NULL,
    expiresMs INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX filesByOwner ON files (ownerId, seq);
  CREATE INDEX filesByOwnerAndState ON files (ownerId, state, seq);
  CREATE INDEX filesByState ON files (state, seq);
  CREATE INDEX filesByExpiry ON files (expiresMs);
  CREATE INDEX filesByPattern ON files (patternId);

  CREATE TABLE blobParts (
    sha256 BLOB NOT NULL REFERENCES blobs (sha256) ON DELETE CASCADE,
    part INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    UNIQUE (sha256, part)
  ) STRICT;

  ALTER TABLE jobs ADD COLUMN createdBy TEXT;
  ALTER TABLE jobs ADD COLUMN retryOf TEXT;

  CREATE TABLE jobEvents (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    jobId TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    state TEXT NOT NULL,
    atMs INTEGER NOT NULL,
    errorCode TEXT,
    errorMessage TEXT
  ) STRICT;
  CREATE INDEX jobEventsByJob ON jobEvents (jobId, seq);
  CREATE TRIGGER jobEventsOfNew AFTER INSERT ON jobs
    BEGIN INSERT INTO jobEvents (jobId, state, atMs) VALUES (NEW.id, NEW.state, NEW.createdMs); END;
  CREATE TRIGGER jobEventsOfChanges AFTER UPDATE OF state ON jobs WHEN NEW.state <> OLD.state
    BEGIN
      INSERT INTO jobEvents (jobId, state, atMs, errorCode, errorMessage)
        VALUES (NEW.id, NEW.state, NEW.updatedMs,
          iif(NEW.state IN ('waiting', 'paused', 'failed'), NEW.errorCode, NULL),
          iif(NEW.state IN ('waiting', 'paused', 'failed'), NEW.errorMessage, NULL));
      DELETE FROM jobEvents WHERE jobId = NEW.id AND seq > (SELECT min(seq) FROM jobEvents WHERE jobId = NEW.id)
        AND seq <= (SELECT seq FROM jobEvents WHERE jobId = NEW.id ORDER BY seq DESC LIMIT 1 OFFSET 199);
    END;
  INSERT INTO jobEvents (jobId, state, atMs) SELECT id, 'queued', createdMs FROM jobs ORDER BY seq;
  INSERT INTO jobEvents (jobId, state, atMs, errorCode, errorMessage)
    SELECT id, state, updatedMs, errorCode, errorMessage FROM jobs WHERE state <> 'queued' ORDER BY seq;

  DROP INDEX jobsByPattern;
  CREATE INDEX jobsByPattern ON jobs (patternId, seq);
  CREATE INDEX jobsByPatternAndState ON jobs (patternId, state, seq);
  CREATE INDEX jobsByPatternAndBoard ON jobs (patternId, boardId, seq);
  CREATE INDEX jobsByBatchAndState ON jobs (batchId, state, seq);

  ALTER TABLE patterns ADD COLUMN latest INTEGER NOT NULL DEFAULT 0 CHECK (latest IN (0, 1));
  UPDATE patterns SET latest = 1 WHERE seq IN (SELECT max(seq) FROM patterns GROUP BY familyId);
  ALTER TABLE patternTags ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
  UPDATE patternTags SET seq = coalesce((SELECT max(seq) FROM patterns WHERE familyId = patternTags.familyId), 0);
  CREATE INDEX patternsLatest ON patterns (seq) WHERE latest = 1;
  CREATE INDEX patternsLatestByFormat ON patterns (format, seq) WHERE latest = 1;
  DROP INDEX patternTagsByTag;
  CREATE INDEX patternTagsByTag ON patternTags (tag, seq);
  CREATE TRIGGER patternsComeIn AFTER INSERT ON patterns
    BEGIN
      UPDATE patterns SET latest = (seq = NEW.seq) WHERE familyId = NEW.familyId AND latest <> (seq = NEW.seq);
      UPDATE patternTags SET seq = NEW.seq WHERE familyId = NEW.familyId;
    END;
  CREATE TRIGGER patternsComeAgain AFTER UPDATE OF seq ON patterns
    BEGIN
      UPDATE patterns SET latest = (seq = NEW.seq) WHERE familyId = NEW.familyId AND latest <> (seq = NEW.seq);
      UPDATE patternTags SET seq = NEW.seq WHERE familyId = NEW.familyId;
    END;
  CREATE TRIGGER patternsLeave AFTER DELETE ON patterns WHEN OLD.latest = 1
    BEGIN
      UPDATE patterns SET latest = 1
        WHERE seq = (SELECT max(seq) FROM patterns WHERE familyId = OLD.familyId);
      UPDATE patternTags SET seq = (SELECT max(seq) FROM patterns WHERE familyId = OLD.familyId)
        WHERE familyId = OLD.familyId AND EXISTS (SELECT 1 FROM patterns WHERE familyId = OLD.familyId);
    END;
  CREATE TRIGGER patternTagsComeIn AFTER INSERT ON patternTags
    BEGIN
      UPDATE patternTags SET seq = coalesce((SELECT max(seq) FROM patterns WHERE familyId = NEW.familyId), 0)
        WHERE familyId = NEW.familyId AND tag = NEW.tag;
    END;`
