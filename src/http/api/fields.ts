import { z } from 'zod'
import { AppError } from '../../kernel/errors.ts'

/** Query of every GET with a JSON answer: `fields=id,name,status.mode`. */
export const fieldsQuery = z
  .string()
  .max(1000)
  .regex(
    /^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*(,[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*)*$/,
    'names with commas between them, such as id,name',
  )

interface Choice {
  /** undefined: all that is there. */
  readonly below: Map<string, Choice> | undefined
}

/** What is asked for, as a tree; throws `invalid` where the text is no list of names. */
export function parseFields(text: string): Choice {
  const parsed = fieldsQuery.safeParse(text)
  if (!parsed.success) {
    const message = 'fields must be names with commas between them, such as fields=id,name'
    const errors = [{ path: 'fields', pointer: '/fields', message }]
    throw new AppError('invalid', message, { detail: { errors } })
  }
  const root = new Map<string, Choice>()
  for (const path of text.split(',')) {
    let level = root
    const names = path.split('.')
    for (const [at, name] of names.entries()) {
      const known = level.get(name)
      if (known !== undefined && known.below === undefined) break
      if (at === names.length - 1) {
        level.set(name, { below: undefined })
        break
      }
      const below: Map<string, Choice> = known?.below ?? new Map()
      level.set(name, { below })
      level = below
    }
  }
  return { below: root }
}

/**
 * The body with only these fields of what it is about: of each item of a list, or of the one object. What stands beside
 * them (`total`, `nextCursor`) stays. A name that nothing has is left out.
 */
export function chooseFields(body: unknown, fields: Choice): unknown {
  if (!isRecord(body)) return body
  const about = Object.entries(body).map(([key, value]) => {
    if (Array.isArray(value)) return [key, value.map(item => choose(item, fields))]
    return [key, isRecord(value) ? choose(value, fields) : value]
  })
  return Object.fromEntries(about)
}

function choose(value: unknown, { below }: Choice): unknown {
  if (below === undefined) return value
  if (Array.isArray(value)) return value.map(item => choose(item, { below }))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    [...below].flatMap(([name, choice]) =>
      Object.hasOwn(value, name) ? [[name, choose(value[name], choice)]] : [],
    ),
  )
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
