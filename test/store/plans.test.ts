import { join } from 'node:path'
import t from 'tap'
import { operations } from '../../src/store/operations.ts'
import { planOf } from '../../src/store/statement-meter.ts'
import { fillLarge, lookInto } from '../support/large-database.ts'
import { storeCases } from '../support/store-cases.ts'

const rows = 4000
const path = join(t.testdir(), 'gateway.db')
fillLarge(path, { rows })

/** Tables that grow with use; the others have a few hundred rows at most. */
const large =
  'jobs|jobEvents|patterns|patternFamilies|patternTags|patternArrivals|messages|blobs|metricsMinutes'

/** The line, where it says that all of a large table is read or sorted. */
function fault(sql: string, line: string): string | undefined {
  if (/TEMP B-TREE FOR (ORDER BY|GROUP BY|LAST)/.test(line)) return line
  const named = /^SCAN (\w+)/.exec(line)?.[1]
  if (named === undefined) return undefined
  const table = new RegExp(`\\b(\\w+)\\s+AS\\s+${named}\\b`, 'i').exec(sql)?.[1] ?? named
  if (!new RegExp(`^(${large})$`).test(table)) return undefined
  // Counting the smallest index is as fast as it gets, and a page walks the table in its order and stops.
  const counts = /^SELECT count\(\*\)/i.test(sql) && !/\bWHERE\b/i.test(sql)
  const walks = /ORDER BY (\w+\.)?seq (DESC )?LIMIT/i.test(sql) && !/WHERE (?!.*seq <)/is.test(sql)
  return counts || walks || /USING (COVERING )?INDEX patternsLatest/.test(line) ? undefined : line
}

t.test('no list, filter or search reads or sorts a whole table', async t => {
  for (const { name, ask, scans } of storeCases(rows)) {
    const statements: string[] = []
    const db = lookInto(path, sql => statements.push(sql))
    ask(db)
    const asked = [...statements]
    t.ok(asked.length > 0, name)
    const small = /^(boards|users|mqttUsers|rooms|alerts)\./.test(name)
    const faults = asked.flatMap(sql =>
      planOf(db, sql).flatMap(line => {
        const found = fault(sql, line)
        return found === undefined || (small && found.includes('TEMP B-TREE')) ? [] : [`${found}: ${sql}`]
      }),
    )
    if (scans === undefined) t.same(faults, [], name)
    else t.ok(faults.length > 0 || scans !== '', name)
    db.close()
  }
})

t.test('what may take long has a case here, and foreign keys have an index', async t => {
  const cases = storeCases(rows).map(({ name }) => name)
  for (const [table, calls] of Object.entries(operations)) {
    for (const [name, { long }] of Object.entries(calls))
      if (long)
        t.ok(
          cases.some(each => each.startsWith(`${table}.${name}`)),
          `${table}.${name}`,
        )
  }
  const db = lookInto(path)
  const names = db
    .prepare<[], string>(`SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'`)
    .pluck()
    .all()
  for (const table of names) {
    const keys = db
      .prepare<[string], { id: number; seq: number; from: string }>(
        'SELECT id, seq, "from" FROM pragma_foreign_key_list(?)',
      )
      .all(table)
    for (const { from, seq } of keys) {
      if (seq > 0) continue
      // Without one, each removal of the other row reads this whole table.
      const plan = planOf(db, `SELECT 1 FROM "${table}" WHERE "${from}" = ?`)
      t.ok(
        plan.some(line => line.startsWith('SEARCH')),
        `${table}.${from}: ${plan.join()}`,
      )
    }
  }
  db.close()
})
