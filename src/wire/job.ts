import { z } from 'zod'
import { colorOrder } from './board.ts'
import { part, sprite } from './part.ts'

const wiring = z
  .string()
  .regex(/^(row|column)-(straight|serpentine)-(tl|tr|bl|br)$/, 'a wiring such as row-serpentine-tl')
const side = z.int().min(1).max(65_535)

/** Body of POST /jobs: one stored pattern to one or many boards. */
export const newJobs = z.strictObject({
  patternId: z.string().min(1).max(255).describe('Id, name or the start of an id'),
  boards: z
    .union([z.literal('all'), z.array(z.string().min(1).max(64)).min(1).max(256)])
    .describe('Ids or names; `all`: every board the gateway knows'),
  raw: z.boolean().optional().describe('As the file came in, when absent'),
  candidate: z.int().min(0).max(1000).optional(),
  leds: side.optional(),
  width: side.optional(),
  height: side.optional(),
  sprite: sprite.optional(),
  channels: part.optional(),
  frames: part.optional(),
  sourceWiring: wiring.optional(),
  wiring: wiring.optional(),
  colorOrder: colorOrder.optional(),
  brightness: z.int().min(0).max(255).optional(),
  scalePower: z.boolean().optional(),
})

export const jobState = z.enum([
  'queued',
  'waiting',
  'transferring',
  'verifying',
  'trial',
  'done',
  'paused',
  'failed',
  'cancelled',
])

const count = z.int().min(0)
const when = z.iso.datetime()

/** A job as the API shows it. */
export const jobView = z
  .object({
    id: z.string(),
    batchId: z.string().describe('The same for the jobs of one upload to many boards'),
    boardId: z.string(),
    patternId: z.string().nullable().describe('null: the pattern was removed since'),
    name: z.string(),
    state: jobState,
    raw: z.boolean(),
    blocks: count,
    durableBlocks: count,
    imageBytes: count,
    payloadBytes: count.describe('What had to be sent of the image'),
    attempts: count,
    errorCode: z.string().nullable(),
    errorMessage: z.string().nullable(),
    createdBy: z.string().nullable().describe('Who asked for it; null: not known, as on the control socket'),
    retryOf: z.string().nullable().describe('The failed or cancelled job that this one repeats'),
    createdAt: when,
    updatedAt: when,
    finishedAt: when.nullable(),
  })
  .readonly()
  .meta({ id: 'Job', description: 'One pattern on its way to one board' })
export type JobView = z.output<typeof jobView>

export const jobAnswer = z.object({ job: jobView }).readonly()

/** Answer of GET /jobs, newest first. */
export const jobsView = z
  .object({
    jobs: z.array(jobView).readonly(),
    total: count.describe('How many there are in all'),
    nextCursor: z.string().nullable().describe('For the query `cursor` of the next page; null: the last one'),
  })
  .readonly()

/** Answer of POST /jobs. */
export const newJobsView = z.object({ batchId: z.string(), jobs: z.array(jobView).readonly() }).readonly()

/** Answer of GET /jobs/:id/report. */
export const jobReport = z
  .object({
    event: z.literal('done'),
    sha256: z.string().describe('Of the stored image; of the file itself when it was sent raw'),
    digest: z.object({ alg: z.string(), value: z.string() }).readonly().describe('As the board returned it'),
    imageBytes: count.describe('Decoded'),
    payloadBytes: count.describe('After codec and COPY'),
    wireBytesOut: count,
    wireBytesIn: count,
    durationMs: z.number().describe('First DATA of the image to last ACK'),
    lineShare: z
      .number()
      .nullable()
      .describe('payload · 10 / (baud · seconds); null where no baud rate paces the bytes'),
    retransmittedBytes: count.describe('Went again because they were lost on the line or with it'),
    resentBlocks: count,
    resumed: z.boolean(),
    job: z.string(),
    board: z.string(),
  })
  .readonly()
  .meta({ id: 'JobReport', description: 'What a finished job has cost and proven' })

/** Answer of GET /jobs/:id/checkpoint. */
export const jobCheckpoint = z
  .object({
    jobId: z.string(),
    boardId: z.string(),
    state: jobState,
    transferId: z.string().nullable().describe('Of the image (SPEC §4.1); null: it is not compiled yet'),
    blocks: count,
    durableBlocks: count,
    imageBytes: count,
    durableBytes: count.describe('Of the image, by its share of durable blocks'),
    percent: z.number().min(0).max(100),
    authority: z
      .literal('board')
      .describe('These are notes: what counts is what the board says it has when the transfer goes on'),
    updatedAt: when,
  })
  .readonly()
  .meta({ id: 'JobCheckpoint', description: 'What of a job is durable on its board, as far as is known' })
export type JobCheckpoint = z.output<typeof jobCheckpoint>

/** One change of a job's state. */
export const jobEvent = z
  .object({
    seq: count.describe('Rises from event to event'),
    jobId: z.string(),
    state: jobState,
    at: when,
    errorCode: z.string().nullable().describe('Why, where there is a reason'),
    errorMessage: z.string().nullable(),
  })
  .readonly()
  .meta({ id: 'JobEvent', description: 'One change of the state of a job' })
export type JobEvent = z.output<typeof jobEvent>

/** Answer of GET /jobs/:id/events, oldest first. */
export const jobEventsView = z.object({ events: z.array(jobEvent).readonly(), total: count }).readonly()

const stateLine = z.object({ event: z.literal('state'), job: jobView }).readonly()
const progressLine = z
  .object({
    event: z.literal('progress'),
    jobId: z.string(),
    boardId: z.string(),
    phase: z.string(),
    doneBytes: count,
    totalBytes: count,
    durableBlocks: count,
    blocks: count,
    lineShare: z.number().nullable(),
  })
  .readonly()
const powerLine = z
  .object({
    event: z.literal('power').describe('Before the first byte is sent'),
    jobId: z.string(),
    boardId: z.string(),
    peakMa: z.number(),
    capMa: z.number().nullable().describe('null: the board has no cap'),
  })
  .readonly()
const boardLine = z
  .object({
    event: z.literal('board'),
    boardId: z.string(),
    state: z.enum(['up', 'down', 'quarantined', 'refused']),
    message: z.string().nullable(),
  })
  .readonly()

/** Lines of GET /events. */
export const eventLine = z
  .discriminatedUnion('event', [stateLine, progressLine, powerLine, boardLine])
  .meta({ id: 'EventLine', description: 'One line of the stream of events' })
export type EventLine = z.output<typeof eventLine>
