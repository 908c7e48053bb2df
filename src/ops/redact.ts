import { redacted, redactText } from './redact-text.ts'
import { isSecretKey } from './secret-key.ts'

/** Caps of one line of the log. */
const maxDepth = 6
const maxNodes = 500
const maxItems = 100
const maxTextLength = 8 * 1024
const maxLineLength = 48 * 1024
/** The end of a text that was cut may be the half of a secret that is known by its whole only. */
const maxTail = 1024

interface Budget {
  nodes: number
  characters: number
  readonly above: object[]
}

/** A copy of the value that may be written to a log: plain, bounded and without secrets. Never throws. */
export function redact(value: unknown): unknown {
  return copy(value, { nodes: maxNodes, characters: maxLineLength, above: [] })
}

/** A text that may be written to a log. */
export const redactLine = (text: string): string =>
  textWithin(text, { nodes: 1, characters: maxLineLength, above: [] })

function copy(value: unknown, budget: Budget): unknown {
  switch (typeof value) {
    case 'string':
      return textWithin(value, budget)
    case 'bigint':
      return String(value)
    case 'symbol':
    case 'function':
      return `[${typeof value}]`
    case 'object':
      return value === null ? null : copyObject(value, budget)
    default:
      return value
  }
}

function copyObject(value: object, budget: Budget): unknown {
  if (budget.above.includes(value)) return '[circular]'
  if (budget.above.length >= maxDepth) return '[deep]'
  if (--budget.nodes < 0) return '[more]'
  budget.above.push(value)
  try {
    return copyByKind(value, budget)
  } catch {
    // A getter or a proxy that throws must not cost the line.
    return '[unreadable]'
  } finally {
    budget.above.pop()
  }
}

function copyByKind(value: object, budget: Budget): unknown {
  if (value instanceof Error) return copyError(value, budget)
  if (Array.isArray(value)) return copyList(value, budget)
  // Bytes may be anything, and say nothing to a reader.
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (value instanceof Map)
    return copyEntries(
      [...value].map(([key, part]) => [String(key), part]),
      budget,
    )
  if (value instanceof Set) return copyList([...value], budget)
  if ('toJSON' in value && typeof value.toJSON === 'function') return copy(value.toJSON(), budget)
  if (value instanceof RegExp) return textWithin(String(value), budget)
  return copyEntries(Object.entries(value), budget)
}

function copyError(error: Error, budget: Budget): unknown {
  const { name, message, stack, cause } = error
  const entries: [string, unknown][] = [
    ['type', name],
    ['message', message],
    ...Object.entries(error).filter(([key]) => !['name', 'message', 'stack', 'cause'].includes(key)),
    ['stack', stack],
  ]
  if (cause !== undefined) entries.push(['cause', cause])
  if (error instanceof AggregateError) entries.push(['errors', error.errors])
  return copyEntries(
    entries.filter(([, part]) => part !== undefined),
    budget,
  )
}

const nameLike = /^-{0,2}[A-Za-z][\w.-]{1,63}:?$/

/** Lists of names and values in turn, such as raw headers and command lines, hide a value behind its name. */
function copyList(list: readonly unknown[], budget: Budget): unknown[] {
  const out: unknown[] = []
  for (const [index, part] of list.entries()) {
    if (index >= maxItems || budget.nodes <= 0) {
      out.push(`[${list.length - index} more]`)
      break
    }
    const before = list[index - 1]
    const named = typeof before === 'string' && nameLike.test(before) && isSecretKey(before)
    out.push(named && isHidden(part) ? redacted : copy(part, budget))
  }
  return out
}

function copyEntries(
  entries: readonly (readonly [string, unknown])[],
  budget: Budget,
): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  const described = describedSecret(entries)
  for (const [index, [key, part]] of entries.entries()) {
    if (index >= maxItems || budget.nodes <= 0) {
      out['more'] = `[${entries.length - index} more]`
      break
    }
    const secret = isSecretKey(key) || described.has(key)
    // defineProperty, for `__proto__` as a key would set the prototype.
    Object.defineProperty(out, keyOf(key), {
      value: secret && isHidden(part) ? redacted : copy(part, budget),
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return out
}

const jwkPrivate = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']

/** `{ name: 'Authorization', value: … }` and the private parts of a JSON Web Key (RFC 7518 §6). */
function describedSecret(entries: readonly (readonly [string, unknown])[]): ReadonlySet<string> {
  const secret = new Set<string>()
  for (const [key, part] of entries) {
    if (
      (key === 'name' || key === 'key' || key === 'header') &&
      typeof part === 'string' &&
      isSecretKey(part)
    )
      secret.add('value')
    if (key === 'kty') for (const name of jwkPrivate) secret.add(name)
  }
  return secret
}

/** A switch or nothing at all gives nothing away. */
const isHidden = (value: unknown): boolean =>
  value !== undefined && value !== null && typeof value !== 'boolean'

const plainKey = /^[\w.-]{1,40}$/

const keyOf = (key: string): string => (plainKey.test(key) ? key : redactText(visible(key.slice(0, 200))))

function textWithin(text: string, budget: Budget): string {
  const limit = Math.min(maxTextLength, Math.max(0, budget.characters))
  if (text.length <= limit) {
    budget.characters -= text.length
    return redactText(visible(text))
  }
  budget.characters -= limit
  let end = limit
  while (end > 0 && limit - end < maxTail && !/\s/.test(text[end - 1] ?? ' ')) end--
  return `${redactText(visible(text.slice(0, end)))}[${text.length - end} more]`
}

/** Line ends that JSON leaves as they are, and C1 controls that a terminal obeys. */
const invisible = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

const visible = (text: string): string =>
  text.replace(invisible, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
