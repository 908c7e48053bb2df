import { z } from 'zod'

const count = z.int().min(0)

const perClass = z
  .object({
    telemetry: count,
    state: count,
    message: count,
    result: count,
  })
  .readonly()
  .describe(
    'telemetry goes first when room is short, then state, then message; result, the end of an upload, never',
  )

export const upstreamView = z
  .object({
    name: z.string(),
    url: z.string().describe('As configured; there is no secret in it'),
    state: z
      .enum(['stopped', 'connecting', 'online', 'waiting'])
      .describe('waiting: the next attempt comes after retryAfterMs'),
    protocol: z.enum(['5', '3.1.1']).nullable().describe('Of MQTT; null while nothing is connected'),
    awayMs: z.number().min(0).nullable().describe('Since when there is no connection; null: there is one'),
    retryAfterMs: z.number().min(0).nullable(),
    fault: z.string().nullable().describe('What is wrong, and what to do'),
    connections: count.describe('That came about since the start'),
    outbox: z
      .object({
        rows: count.describe('Messages that have not arrived'),
        bytes: count,
        maxBytes: count,
        unwritten: count.describe('Messages that nobody was promised, not yet on the disk'),
        oldestMs: z.number().min(0).nullable().describe('Age of the oldest, while the gateway ran'),
        byClass: perClass,
      })
      .readonly(),
    underWay: count.describe('Messages that wait for their acknowledgement'),
    sent: count.describe('Since the start, repetitions too'),
    acknowledged: count,
    received: count,
    duplicates: count.describe('That came down again and did nothing'),
    refused: count.describe('That came down and had no right to'),
    dropped: z
      .object({
        ...perClass.unwrap().shape,
        space: count.describe('Because the outbox was full'),
        age: count.describe('Because they were too old'),
        damaged: count.describe('Because the disk gave back something else than was written'),
        tooLarge: count.describe('Because the broker above does not take messages of that size'),
        lastMs: z.number().min(0).nullable().describe('Since the last one; null: there was none'),
      })
      .readonly(),
    setAside: z
      .array(z.string())
      .readonly()
      .describe('Topics that the broker above does not take; what is for them waits until it is too old'),
  })
  .readonly()
  .meta({ id: 'Upstream', description: 'A broker to which the gateway dials out' })
export type UpstreamView = z.output<typeof upstreamView>

/** Answer of GET /upstream, by name. */
export const upstreamsView = z
  .object({
    upstreams: z.array(upstreamView).readonly(),
    total: count,
    nextCursor: z.string().nullable(),
  })
  .readonly()
export type UpstreamsView = z.output<typeof upstreamsView>
