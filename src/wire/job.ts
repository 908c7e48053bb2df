import { z } from 'zod'
import { colorOrder } from './board.ts'
import { part, sprite } from './part.ts'

const wiring = z
  .string()
  .regex(/^(row|column)-(straight|serpentine)-(tl|tr|bl|br)$/, 'a wiring such as row-serpentine-tl')
const side = z.int().min(1).max(65_535)

/** Body of POST /jobs: one stored pattern to one or many boards. */
export const newJobs = z.strictObject({
  /** Id, name or the start of an id. */
  patternId: z.string().min(1).max(255),
  /** Ids or names; `"all"`: every board the gateway knows. */
  boards: z.union([z.literal('all'), z.array(z.string().min(1).max(64)).min(1).max(256)]),
  /** As the file came in, when absent. */
  raw: z.boolean().optional(),
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

/** A job as the API shows it. */
export interface JobView {
  readonly id: string
  readonly batchId: string
  readonly boardId: string
  readonly patternId: string | null
  readonly name: string
  readonly state: z.infer<typeof jobState>
  readonly raw: boolean
  readonly blocks: number
  readonly durableBlocks: number
  readonly imageBytes: number
  readonly payloadBytes: number
  readonly attempts: number
  readonly errorCode: string | null
  readonly errorMessage: string | null
  /** RFC 3339. */
  readonly createdAt: string
  readonly updatedAt: string
  readonly finishedAt: string | null
}

/** Lines of GET /events. */
export type EventLine =
  | { readonly event: 'state'; readonly job: JobView }
  | {
      readonly event: 'progress'
      readonly jobId: string
      readonly boardId: string
      readonly phase: string
      readonly doneBytes: number
      readonly totalBytes: number
      readonly durableBlocks: number
      readonly blocks: number
      readonly lineShare: number | null
    }
  | {
      /** Before the first byte is sent. */
      readonly event: 'power'
      readonly jobId: string
      readonly boardId: string
      readonly peakMa: number
      /** null: the board has no cap. */
      readonly capMa: number | null
    }
  | {
      readonly event: 'board'
      readonly boardId: string
      readonly state: 'up' | 'down' | 'quarantined' | 'refused'
      readonly message: string | null
    }
