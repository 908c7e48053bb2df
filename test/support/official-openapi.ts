import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'

/** The schema of the OpenAPI Initiative for documents of version 3.1, where a package with it is installed. */
export async function officialSchema(): Promise<ValidateFunction | undefined> {
  const load = createRequire(import.meta.url)
  try {
    const file = load.resolve('@seriousme/openapi-schema-validator/schemas/v3.1/schema.json')
    return new Ajv2020({ strict: false, validateFormats: false }).compile(
      JSON.parse(await readFile(file, 'utf8')),
    )
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined
    throw thrown
  }
}
