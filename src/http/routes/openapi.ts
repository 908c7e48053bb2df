import { z } from 'zod'
import { json, type Operation, operation } from '../api/operation.ts'
import { openApiDocument } from '../openapi/openapi-document.ts'

/** The document of all operations, itself among them. It tells what the program can do, nothing of this gateway. */
export function documentOperations(all: () => readonly Operation[]): readonly Operation[] {
  let made: ReturnType<typeof openApiDocument> | undefined
  return [
    operation({
      id: 'getOpenApi',
      method: 'get',
      path: '/openapi.json',
      tag: 'api',
      summary: 'This API as OpenAPI 3.1',
      description: 'For generators of clients. A page to read and try it is at /docs.',
      access: 'open',
      answers: {
        200: json(
          z.looseObject({ openapi: z.literal('3.1.0') }),
          'OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0)',
        ),
      },
      cache: { tags: [], per: 'anyone' },
      example: { answer: { openapi: '3.1.0', info: { title: 'pixelgate', version: '1' }, paths: {} } },
      run: () => (made ??= openApiDocument(all())),
    }),
  ]
}
