import type { Components } from './components.ts'
import type { JsonSchema } from './json-schema.ts'

const id = '0198f1c2-7a10-7c3e-9b5d-2f6a4c8e1d07'
const sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'

const ofFormat: Readonly<Record<string, string>> = {
  'date-time': '2026-01-31T12:00:00.000Z',
  date: '2026-01-31',
  uuid: id,
  uri: 'https://lights.example/hook',
  email: 'ada@lights.example',
  ipv4: '192.168.1.20',
}

/** By the name of the property. */
const ofName: Readonly<Record<string, unknown>> = {
  id,
  name: 'hall',
  password: 'marble otter canyon',
  path: '/dev/ttyUSB0',
  address: '192.168.1.20',
  agent: 'curl/8.5.0',
  sha256,
  width: 16,
  height: 16,
  leds: 256,
  role: 'operator',
  version: '0.1.0',
  message: 'It works.',
  text: 'Good evening',
  summary: 'It works',
}

/** Tried in turn where a pattern is wanted. */
const tries = [
  'hall',
  id,
  sha256,
  'AbC',
  '123456',
  '12:30',
  'a:b',
  'boards:read',
  '192.168.1.20',
  '0',
  '/',
  '16x16',
  '0-2',
  'row-serpentine-tl',
  'A'.repeat(43),
]
const deepest = 8

/** A value that fits the schema: made of enums, formats and names, so that it is the same each time. */
export function exampleOf(schema: JsonSchema, components: Components, name = '', depth = 0): unknown {
  const { allOf, ...known } = components.resolve(schema)
  if (known.examples?.[0] !== undefined) return known.examples[0]
  if (known.const !== undefined) return known.const
  if (known.enum !== undefined) return known.enum.find(each => each === ofName[name]) ?? known.enum[0]
  const choice = (known.anyOf ?? known.oneOf)?.find(each => each.type !== 'null')
  if (choice !== undefined) return exampleOf(choice, components, name, depth)
  if (allOf !== undefined)
    return Object.assign({}, ...allOf.map(each => exampleOf(each, components, name, depth)))
  const type = Array.isArray(known.type) ? known.type[0] : known.type
  if (type === 'string') return text(known, name)
  if (type === 'integer' || type === 'number') return number(known, name)
  if (type === 'boolean') return known.default ?? false
  if (type === 'array') return array(known, components, name, depth)
  if (type === 'object') return object(known, components, depth)
  return known.default ?? null
}

function text(
  { format, pattern, minLength = 0, maxLength = Number.POSITIVE_INFINITY, ...rest }: JsonSchema,
  name: string,
) {
  const shape = pattern === undefined ? undefined : new RegExp(pattern, 'u')
  const fits = (value: unknown): value is string =>
    typeof value === 'string' &&
    value.length >= minLength &&
    value.length <= maxLength &&
    (shape === undefined || shape.test(value))
  const named = ofName[name] ?? (name.endsWith('Id') ? id : undefined)
  const candidates = [ofFormat[format ?? ''], rest.default, named, ...tries, 'x'.repeat(minLength)]
  return candidates.find(fits) ?? ''
}

function number(
  { minimum, exclusiveMinimum, maximum = Number.POSITIVE_INFINITY, ...rest }: JsonSchema,
  name: string,
) {
  const least = minimum ?? (exclusiveMinimum === undefined ? 0 : exclusiveMinimum + 1)
  const wanted = rest.default ?? ofName[name] ?? 1
  return Math.min(Math.max(typeof wanted === 'number' ? wanted : 1, least), maximum)
}

function array(
  { items, prefixItems, minItems = 1 }: JsonSchema,
  components: Components,
  name: string,
  depth: number,
) {
  if (prefixItems !== undefined) return prefixItems.map(each => exampleOf(each, components, name, depth + 1))
  if (items === undefined || depth > deepest) return []
  return Array.from({ length: Math.max(1, minItems) }, () =>
    exampleOf(items, components, name.replace(/s$/, ''), depth + 1),
  )
}

function object(
  { properties = {}, required = [], additionalProperties }: JsonSchema,
  components: Components,
  depth: number,
) {
  const entries = Object.entries(properties)
    .filter(([name]) => depth <= deepest || required.includes(name))
    .map(([name, each]) => [name, exampleOf(each, components, name, depth + 1)])
  if (entries.length > 0 || typeof additionalProperties !== 'object') return Object.fromEntries(entries)
  return { hall: exampleOf(additionalProperties, components, 'hall', depth + 1) }
}
