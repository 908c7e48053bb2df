/** What a figure should be, and how near it comes. */
export interface Target {
  readonly bound: 'least' | 'most'
  readonly value: number
}

export type Unit = '%' | '×' | 'blocks' | 'bytes' | 'cores' | 'MB' | 'MB/s' | 'ms' | 's' | '/s'

/** One figure of the table. */
export interface Row {
  /** Name of the case, as `--only` takes it. */
  readonly case: string
  readonly line: string
  readonly what: string
  /** null: it did not come to its end. */
  readonly figure: number | null
  readonly unit: Unit
  readonly target: Target | null
  /** null: nothing was promised of it. */
  readonly met: boolean | null
  readonly seed: number
  readonly detail: Readonly<Record<string, number | string | readonly number[] | null>>
}

export const atLeast = (value: number): Target => ({ bound: 'least', value })
export const atMost = (value: number): Target => ({ bound: 'most', value })

export function row(fields: Omit<Row, 'met' | 'target'> & { readonly target?: Target }): Row {
  const { target = null, figure } = fields
  return { ...fields, target, met: target === null ? null : figure !== null && meets(figure, target) }
}

function meets(figure: number, { bound, value }: Target): boolean {
  return bound === 'least' ? figure >= value : figure <= value
}

const head = ['case', 'line', 'what', 'figure', 'target', '', 'beside']

/** The rows as text, columns aligned. */
export function formatRows(rows: readonly Row[]): string {
  const lines = [head, ...rows.map(cells)]
  const widths = head.map((_, column) => Math.max(...lines.map(line => (line[column] ?? '').length)))
  const text = (line: readonly string[]) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return `${lines.map(text).join('\n')}\n`
}

function cells({ case: name, line, what, figure, unit, target, met, detail }: Row): string[] {
  const beside = Object.entries(detail).map(
    ([key, value]) => `${key} ${typeof value === 'number' ? short(value) : value}`,
  )
  return [
    name,
    line,
    what,
    figure === null ? 'not completed' : withUnit(figure, unit),
    target === null ? '' : targetText(target, unit),
    met === null ? '' : met ? 'met' : 'MISSED',
    beside.join(', '),
  ]
}

/** "At least nothing" asks only that it comes to its end. */
function targetText({ bound, value }: Target, unit: Unit): string {
  if (bound === 'least' && value === 0) return 'completes'
  return `${bound === 'least' ? '≥' : '≤'} ${withUnit(value, unit)}`
}

const withUnit = (value: number, unit: Unit): string => `${short(unit === '%' ? value * 100 : value)} ${unit}`
const short = (value: number): string => String(Math.round(value * 100) / 100)

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}
