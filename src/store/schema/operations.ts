/** Alerts, and what the metrics were in each minute. Part of one step of the migrations. */
export const operationsSchema = `
  CREATE TABLE alerts (
    id TEXT PRIMARY KEY NOT NULL,
    code TEXT NOT NULL,
    subject TEXT NOT NULL,
    severity TEXT NOT NULL CHECK (severity IN ('INFO', 'WARNING', 'CRITICAL')),
    message TEXT NOT NULL,
    raisedMs INTEGER NOT NULL,
    clearedMs INTEGER,
    acknowledgedMs INTEGER,
    acknowledgedBy TEXT
  ) STRICT;

  CREATE TABLE metricsMinutes (
    ts INTEGER PRIMARY KEY NOT NULL,
    valuesJson TEXT NOT NULL
  ) STRICT;`
