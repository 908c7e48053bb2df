import type { Operation } from '../api/operation.ts'
import { apiPrefix } from '../api/route-table.ts'
import { Components } from './components.ts'
import { problemSchema } from './error-answers.ts'
import { operationObject, sharedHeaders } from './operation-object.ts'
import { sharedParameters } from './parameters.ts'
import { tagDescriptions } from './tags.ts'

const description = `The one API of the gateway: the panel, the command line and scripts use it.

* **Signing in**: \`POST /auth/sign-in\` gives a token for \`Authorization: Bearer TOKEN\`; browsers keep it as a cookie. Scripts have API tokens of their own.
* **Roles**: a viewer reads, an operator also acts, an admin also manages people and the machine.
* **Lists** come in pages: \`limit\`, then \`cursor\` with the \`nextCursor\` of the page before. \`fields\` leaves out what you do not need.
* **ETags**: send \`If-None-Match\` and you hear 304 when nothing has changed.
* **Faults** are problems of RFC 9457 with a \`code\`.
* What happens is told over WebSockets at \`/ws\`, which OpenAPI cannot describe.`

/** The OpenAPI 3.1 document of these operations, as plain JSON data. */
export function openApiDocument(operations: readonly Operation[]): Readonly<Record<string, unknown>> {
  const components = new Components()
  components.of(problemSchema, 'output')
  const responses: Record<string, unknown> = {}
  const paths: Record<string, Record<string, unknown>> = {}
  for (const operation of operations) {
    const path = operation.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [operation.method]: operationObject(operation, components, responses) }
  }
  const tags = [...new Set(operations.map(({ tag }) => tag))]
  return {
    openapi: '3.1.0',
    info: {
      title: 'pixelgate',
      version: '1',
      summary: 'A gateway for rooms full of LED boards',
      description,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: apiPrefix }],
    tags: tags.map(name => ({ name, description: tagDescriptions[name] ?? name })),
    security: [{ bearer: [] }, { cookie: [] }],
    paths,
    components: {
      schemas: components.schemas,
      responses,
      parameters: sharedParameters,
      headers: sharedHeaders,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token of a sign-in, or an API token' },
        cookie: {
          type: 'apiKey',
          in: 'cookie',
          name: 'pixelgate_session',
          description: 'Set by signing in; other sites cannot make a browser send it',
        },
      },
    },
  }
}
