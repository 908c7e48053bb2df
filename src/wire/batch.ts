import { z } from 'zod'

const maxRequests = 20

/** One request of a batch. */
const batchRequest = z.strictObject({
  id: z
    .union([z.string().min(1).max(64), z.int()])
    .optional()
    .describe('Comes back in the answer'),
  method: z
    .string()
    .transform(text => text.toUpperCase())
    .pipe(z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])),
  path: z
    .string()
    .min(1)
    .max(2000)
    // Without # and \, which are no part of a path [RFC 3986 §3.3].
    .regex(
      /^\/[\x21\x22\x24-\x5b\x5d-\x7e]*$/,
      'a path such as /boards?limit=5, with or without /api/v1 before it',
    ),
  body: z.unknown().optional().describe('JSON'),
  headers: z
    .record(z.string().max(64), z.string().max(1000))
    .refine(
      headers => Object.keys(headers).every(name => /^(if-none-match|if-match|idempotency-key)$/i.test(name)),
      'only if-none-match, if-match and idempotency-key',
    )
    .optional(),
})
export type BatchRequest = z.output<typeof batchRequest>

/** Body of POST /batch. */
export const batchBody = z.strictObject({ requests: z.array(batchRequest).min(1).max(maxRequests) })

/** Answer of POST /batch, in the order of the requests. */
export const batchView = z
  .object({
    responses: z
      .array(
        z
          .object({
            id: z.union([z.string(), z.int()]).describe('That of the request, or its place from 0'),
            status: z.int().min(100).max(599),
            headers: z.record(z.string(), z.string()),
            body: z.unknown().describe('JSON; null: none'),
          })
          .readonly(),
      )
      .readonly(),
  })
  .readonly()
export type BatchView = z.output<typeof batchView>
