/** Tables that SQLite makes up for one statement, or that are derived from a value. */
const madeUp = /^(CONSTANT ROW|json_each|json_tree|\(|pragma_)/i

/**
 * What would make the statement faster, by its plan: null when nothing is scanned and nothing sorted. The names come from the
 * statement, so this is advice for whoever reads it, not an order.
 */
export function indexHint(sql: string, plan: readonly string[]): string | null {
  const scanned = plan.flatMap(line => {
    const name = /^SCAN (\S+)/.exec(line)?.[1]
    return name === undefined || madeUp.test(line.slice(5)) || /VIRTUAL TABLE|COVERING INDEX/.test(line)
      ? []
      : [name]
  })
  const sorts = plan.some(line => /TEMP B-TREE FOR ([A-Z]+ )*(ORDER BY|GROUP BY|DISTINCT)$/.test(line))
  const [first] = scanned
  if (first === undefined && !sorts) return null
  const table = tableOf(sql, first) ?? first ?? 'the table'
  const columns = [...new Set([...equalColumns(sql), ...orderColumns(sql)])]
  const where = columns.length === 0 ? '' : ` (${columns.join(', ')})`
  const why = first === undefined ? 'it sorts in a temporary b-tree' : `it reads all of ${table}`
  return `${why}: add an index on ${table}${where} in src/store/schema`
}

/** `jobs` for `j` of `FROM jobs AS j`. */
function tableOf(sql: string, alias: string | undefined): string | undefined {
  const from = /\b(?:FROM|JOIN|UPDATE|INTO)\s+(\w+)(?:\s+AS\s+(\w+))?/gi
  const tables = [...sql.matchAll(from)]
  const found = tables.find(([, name, as]) => alias === undefined || as === alias || name === alias)
  return found?.[1]
}

const equalColumns = (sql: string): string[] =>
  [...sql.matchAll(/\b(?:\w+\.)?(\w+)\s*(?:=|IS|IN|<=?|>=?)\s*(?:[@?]|\(\s*SELECT value)/gi)].map(
    ([, name = '']) => name,
  )

function orderColumns(sql: string): string[] {
  const list = /\bORDER BY ([^()]+?)(?:\bLIMIT\b|$)/is.exec(sql)?.[1] ?? ''
  return list
    .split(',')
    .map(part => /^\s*(?:\w+\.)?(\w+)/.exec(part)?.[1] ?? '')
    .filter(name => name !== '')
}
