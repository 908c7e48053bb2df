/** What happened to each board, and how boards are found. Part of one step of the migrations. */
export const boardLogSchema = `
  CREATE TABLE boardLog (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    boardId TEXT NOT NULL REFERENCES boards (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    who TEXT,
    door TEXT,
    detailJson TEXT,
    atMs INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX boardLogByBoard ON boardLog (boardId, seq);
  CREATE INDEX boardLogByKind ON boardLog (boardId, kind, seq);

  CREATE INDEX boardsByName ON boards (name, id);
`
