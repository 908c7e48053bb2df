export interface Change {
  /** `role`, `layout.width`; empty: the thing as a whole. */
  readonly path: string
  readonly before: string
  readonly after: string
}

const deepest = 3
const none = '–'

/** What differs between the two sides of an audit entry, field by field; sides that are no objects as a whole. */
export function changesOf(before: unknown, after: unknown, path = '', depth = 0): readonly Change[] {
  if (same(before, after)) return []
  const [old, now] = [fieldsOf(before), fieldsOf(after)]
  if (
    depth < deepest &&
    (old !== undefined || now !== undefined) &&
    isFieldsOrNone(before, old, after, now)
  ) {
    const names = new Set([...Object.keys(old ?? {}), ...Object.keys(now ?? {})])
    return [...names].flatMap(name =>
      changesOf(old?.[name], now?.[name], path === '' ? name : `${path}.${name}`, depth + 1),
    )
  }
  return [{ path, before: words(before), after: words(after) }]
}

type Fields = Readonly<Record<string, unknown>>

const fieldsOf = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
    ? { ...value }
    : undefined

/** Each side has fields, or is not there at all. */
const isFieldsOrNone = (
  before: unknown,
  old: Fields | undefined,
  after: unknown,
  now: Fields | undefined,
): boolean =>
  (old !== undefined || before === undefined || before === null) &&
  (now !== undefined || after === undefined || after === null)

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null)

const words = (value: unknown): string =>
  value === undefined || value === null
    ? none
    : typeof value === 'string'
      ? value === ''
        ? '""'
        : value
      : JSON.stringify(value)

/** `changeBoard` as `Change board`. */
export function actionWords(action: string): string {
  const text = action.replace(
    /([a-z0-9])([A-Z])/g,
    (_all, end: string, start: string) => `${end} ${start.toLowerCase()}`,
  )
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

/** `wrong_password` as `wrong password`. */
export const outcomeWords = (outcome: string): string => outcome.replaceAll('_', ' ')

const hourMs = 3_600_000
export const spans = { any: 0, hour: hourMs, day: 24 * hourMs, week: 168 * hourMs } as const
export type Span = keyof typeof spans

export interface AuditFilter {
  readonly actor: string
  readonly action: string
  readonly resource: string
  readonly outcome: string
  readonly span: Span
}

export const noFilter: AuditFilter = { actor: '', action: '', resource: '', outcome: '', span: 'any' }

/** The query of GET /audit. */
export const auditQuery = ({ actor, action, resource, outcome, span }: AuditFilter, nowMs: number) => ({
  actor: actor.trim(),
  action: action.trim(),
  resource: resource.trim(),
  outcome,
  since: span === 'any' ? null : new Date(nowMs - spans[span]).toISOString(),
})
