import { z } from 'zod'

const ms = z.number().min(0)

const profiledOperation = z
  .object({
    kind: z
      .enum(['http', 'storage', 'statement', 'upload'])
      .describe(
        'http: an operation of this API; storage: a call to the database; statement: the SQL of such calls; upload: a phase of a job',
      ),
    name: z.string().describe('`listBoards`, `jobs.list`, `transferring`'),
    count: z.int().min(1),
    errors: z.int().min(0).describe('How many of them met a fault of the gateway'),
    avgMs: ms,
    minMs: ms,
    maxMs: ms,
    p50Ms: ms.describe('Percentiles are off by 3 % at most'),
    p95Ms: ms,
    p99Ms: ms,
  })
  .readonly()
  .meta({ id: 'ProfiledOperation' })

const slowStatement = z
  .object({
    operation: z.string(),
    at: z.iso.datetime(),
    ms,
    sql: z.string().describe('Without the values that were bound'),
    plan: z.array(z.string()).readonly().describe("SQLite's plan, line by line"),
    hint: z.string().nullable().describe('What would help; null: the plan is as it should be'),
  })
  .readonly()
  .meta({ id: 'SlowStatement' })

/** Answer of GET /performance. */
export const performanceView = z
  .object({
    running: z.boolean(),
    since: z.iso.datetime().describe('Of the start or the last reset'),
    seconds: z.number().min(0).describe('How long it was running in all'),
    cpu: z
      .object({
        userSeconds: z.number().min(0),
        systemSeconds: z.number().min(0),
        cores: z.number().min(0).describe('Share of one core, 0 to 1 and above'),
      })
      .readonly(),
    memory: z
      .object({
        rssBytes: z.int().min(0),
        heapUsedBytes: z.int().min(0),
        heapTotalBytes: z.int().min(0),
        externalBytes: z.int().min(0),
      })
      .readonly(),
    eventLoop: z
      .object({ p50Ms: ms, p99Ms: ms, maxMs: ms })
      .readonly()
      .nullable()
      .describe('How late the event loop was; null: nothing was seen'),
    operations: z
      .array(profiledOperation)
      .readonly()
      .describe('Those that ran, by kind, the one that took most time in all first'),
    slowStatements: z.array(slowStatement).readonly().describe('The last fifty above 100 ms, newest first'),
  })
  .readonly()
  .meta({ id: 'Performance' })
export type PerformanceView = z.output<typeof performanceView>
