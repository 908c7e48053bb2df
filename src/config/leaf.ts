import { z } from 'zod'
import { configSchema } from './schema.ts'

/** A value of the configuration that a variable or a flag can set; lists and objects that may be null are set whole. */
export interface Leaf {
  /** `http.certFile` */
  readonly path: string
  /** `PIXELGATE_HTTP_CERT_FILE` */
  readonly variable: string
  /** `http-cert-file`, for util.parseArgs */
  readonly flag: string
  readonly kind: 'text' | 'number' | 'boolean' | 'json'
  readonly nullable: boolean
}

/** Every variable of ours begins with it; one that names no leaf is a fault. */
export const variablePrefix = 'PIXELGATE_'

const isWrapper = (schema: z.ZodType): schema is z.ZodDefault | z.ZodPrefault | z.ZodNullable =>
  schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodNullable

function leavesOf(schema: z.ZodType, path: readonly string[], nullable: boolean): Leaf[] {
  if (isWrapper(schema)) {
    return leavesOf(schema.unwrap() as z.ZodType, path, nullable || schema instanceof z.ZodNullable)
  }
  // An object that may be null is set whole, as JSON.
  if (schema instanceof z.ZodObject && !nullable) {
    return Object.entries(schema.shape).flatMap(([key, part]) =>
      leavesOf(part as z.ZodType, [...path, key], false),
    )
  }
  const words = path.map(segment => segment.replaceAll(/[A-Z]/g, letter => `_${letter}`).toUpperCase())
  return [
    {
      path: path.join('.'),
      variable: variablePrefix + words.join('_'),
      flag: words.join('-').replaceAll('_', '-').toLowerCase(),
      kind: kindOf(schema),
      nullable,
    },
  ]
}

function kindOf(schema: z.ZodType): Leaf['kind'] {
  if (schema instanceof z.ZodNumber) return 'number'
  if (schema instanceof z.ZodBoolean) return 'boolean'
  return schema instanceof z.ZodArray || schema instanceof z.ZodObject ? 'json' : 'text'
}

/** All leaves in the order of the schema; the names follow from it, so a new key has its variable and its flag. */
export const leaves: readonly Leaf[] = leavesOf(configSchema, [], false)

/** The value of a variable or flag. What does not fit the kind stays text, for the schema to refuse. */
export function parseText(leaf: Leaf, text: string): unknown {
  if (leaf.nullable && text === '') return null
  if (leaf.kind === 'number') return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
  if (leaf.kind === 'boolean') return text === 'true' || (text === 'false' ? false : text)
  return text
}
