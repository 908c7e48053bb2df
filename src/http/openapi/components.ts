import { z } from 'zod'
import type { JsonSchema } from './json-schema.ts'

/** `output`: what is sent; `input`: what is taken. */
type Io = 'input' | 'output'

const prefix = '#/components/schemas/'

/** Schemas that have a name (`.meta({ id })`), each once; the others stand where they are used. */
export class Components {
  readonly schemas: Record<string, JsonSchema> = {}

  /** The JSON Schema of it, with references to the named ones. Throws where two that differ have one name. */
  of(schema: z.ZodType, io: Io): JsonSchema {
    const whole = z.toJSONSchema(schema, {
      io,
      unrepresentable: 'any',
      override: ({ jsonSchema }) => tidy(jsonSchema as JsonSchema, io),
    }) as JsonSchema & { $schema?: string }
    const { $schema: _dialect, $defs = {}, ...root } = whole
    const names = new Map(Object.keys($defs).map(name => [name, name]))
    // What is taken may leave out what has a default, so the same type can have two forms.
    for (const [name, definition] of Object.entries($defs)) {
      const known = this.schemas[name]
      if (known !== undefined && io === 'input' && !same(known, withNames(definition, names)))
        names.set(name, `${name}Input`)
    }
    for (const [name, definition] of Object.entries($defs))
      this.#add(names.get(name) ?? name, withNames(definition, names))
    return withNames(root, names)
  }

  resolve(schema: JsonSchema): JsonSchema {
    const name = schema.$ref?.slice(prefix.length)
    return name === undefined ? schema : (this.schemas[name] ?? {})
  }

  #add(name: string, definition: JsonSchema): void {
    const known = this.schemas[name]
    if (known !== undefined && !same(known, definition)) throw new TypeError(`two schemas are called ${name}`)
    this.schemas[name] = definition
  }
}

const same = (one: JsonSchema, other: JsonSchema): boolean => JSON.stringify(one) === JSON.stringify(other)

/** Leaves out what says nothing to a reader. */
function tidy(schema: JsonSchema, io: Io): void {
  delete schema.readOnly
  delete schema.id
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum
  // The formats say it in a word.
  if (schema.format !== undefined) delete schema.pattern
  if (schema.propertyNames !== undefined && same(schema.propertyNames, { type: 'string' }))
    delete schema.propertyNames
  // Answers may grow.
  if (io === 'output' && schema.additionalProperties === false) delete schema.additionalProperties
}

function withNames(schema: JsonSchema, names: ReadonlyMap<string, string>): JsonSchema {
  const text = JSON.stringify(schema, (key, value: unknown) => {
    if (key !== '$ref' || typeof value !== 'string') return value
    const name = value.replace(/^#\/\$defs\//, '')
    return name === value ? value : `${prefix}${names.get(name) ?? name}`
  })
  return JSON.parse(text)
}
