import type { Database, Statement } from 'better-sqlite3'
import { watchStatement } from './statement-meter.ts'

const statements = new WeakMap<Database, Map<string, Statement>>()

/** The compiled statement of this SQL, compiled once a connection. Row is what the SELECT gives, column by column. */
export function prepared<Row = unknown>(db: Database, sql: string): Statement<unknown[], Row> {
  let known = statements.get(db)
  if (known === undefined) {
    known = new Map()
    statements.set(db, known)
  }
  let statement = known.get(sql)
  if (statement === undefined) {
    statement = db.prepare(sql)
    watchStatement(statement, sql)
    known.set(sql, statement)
  }
  return statement as Statement<unknown[], Row>
}
