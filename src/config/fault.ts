import type { z } from 'zod'
import { AppError } from '../kernel/errors.ts'

/** Where a value comes from. `name`: the file, the variable or the flag. */
export interface Origin {
  readonly layer: 'default' | 'file' | 'environment' | 'flag'
  readonly name: string
}

/** One thing that is wrong. The value itself is never said: it might be a secret in the wrong place. */
export interface ConfigFault {
  /** `links[0].baudRate`; empty: the configuration as a whole. */
  readonly path: string
  readonly origin: Origin
  /** Kind of the offending value, where there is one. */
  readonly kind: string | undefined
  readonly message: string
}

export const describeOrigin = (origin: Origin): string => {
  if (origin.layer === 'default') return 'default'
  return `${origin.layer === 'environment' ? 'variable' : origin.layer} ${origin.name}`
}

export function kindOfValue(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return { string: 'text', number: 'a number', boolean: 'a boolean' }[typeof value as string] ?? 'an object'
}

/** `links[0].baudRate` */
export const formatPath = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? String(part) : `${text}.${String(part)}`
  }, '')

const expected: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
}

/** Of a union that a key decides: links by kind and mode, GPIO lines by kind. */
function choices({
  discriminator,
  path,
}: {
  discriminator?: string | undefined
  path: readonly PropertyKey[]
}): string {
  if (discriminator === 'mode') return 'board or bridge'
  return path[0] === 'gpio' ? 'input or output' : 'serial or tcp'
}

/** As it stands in JSON where it could not be seen otherwise. */
const shown = (value: unknown): string =>
  typeof value === 'string' && /\p{Cc}/u.test(value) ? JSON.stringify(value) : String(value)

/** What the value must be, in words. */
export function wordsOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${expected[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `must be ${issue.values.map(shown).join(' or ')}`
    case 'too_small':
      return `must be at least ${issue.minimum}`
    case 'too_big':
      return `must be at most ${issue.maximum}`
    case 'invalid_union':
      return `must be ${choices(issue)}`
    default:
      return issue.message
  }
}

/** All faults in one error, a line each: `http.port: must be a number (text, from variable PIXELGATE_HTTP_PORT)`. */
export function configInvalid(faults: readonly ConfigFault[]): AppError {
  const lines = faults.map(({ path, origin, kind, message }) => {
    const given = kind === undefined ? '' : `${kind}, `
    return `  ${path === '' ? '' : `${path}: `}${message} (${given}from ${describeOrigin(origin)})`
  })
  const count = faults.length === 1 ? 'one fault' : `${faults.length} faults`
  return new AppError('config_invalid', `the configuration has ${count}:\n${lines.join('\n')}`, {
    detail: { faults },
  })
}
