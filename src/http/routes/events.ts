import { z } from 'zod'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import { jobView } from '../../upload/job-view.ts'
import type { EventLine, JobView } from '../../wire/job.ts'
import { bytes, type Operation, operation } from '../api/operation.ts'
import { LineStream } from '../line-stream.ts'

/** Progress is left out long before a slow reader is dropped. */
const progressUpToBytes = 16 * 1024
const progressEveryMs = 100
const largestBatch = 256

const final = ['done', 'failed', 'cancelled']

type EventCore = Pick<GatewayCore, 'bus' | 'uploads'>

/** GET /events: what happens, of all jobs or of one batch; a batch's stream ends with its last job. */
export const eventOperations = ({ core }: { readonly core: EventCore }): readonly Operation[] => [
  operation({
    id: 'watchEvents',
    method: 'get',
    path: '/events',
    tag: 'events',
    summary: 'What happens to jobs and boards, line by line as it happens',
    description:
      'JSON lines of the kinds `state`, `power`, `progress` and `board`; with `Accept: text/event-stream` as events for an EventSource. With `batch` the jobs of one upload alone, and the stream ends with the last of them.',
    access: 'viewer',
    lasting: true,
    query: z.strictObject({ batch: z.string().min(1).max(64).optional() }),
    answers: { 200: bytes('application/x-ndjson', 'One EventLine a line') },
    async stream(ctx, { query: { batch } }) {
      const lines = new LineStream(ctx)
      if (batch !== undefined) return watchBatch(core, lines, batch)
      watchAll(core, lines)
      // While nothing happens the reader still learns that it is heard.
      ctx.flushHeaders()
    },
  }),
]

/** At most ten a second for each job. */
function progressTo(lines: LineStream): (line: Extract<EventLine, { event: 'progress' }>) => void {
  const toldAtMs = new Map<string, number>()
  return line => {
    const now = Date.now()
    if (lines.bufferedBytes > progressUpToBytes || now - (toldAtMs.get(line.jobId) ?? 0) < progressEveryMs)
      return
    toldAtMs.set(line.jobId, now)
    lines.write(line)
  }
}

function watchAll({ bus }: EventCore, lines: LineStream): void {
  const write = (line: EventLine) => lines.write(line)
  const tellProgress = progressTo(lines)
  const tellBoard = (
    boardId: string,
    state: 'up' | 'down' | 'refused' | 'quarantined',
    message: string | null,
  ) => write({ event: 'board', boardId, state, message })
  closing(lines, [
    bus.on('job.changed', job => write({ event: 'state', job: jobView(job) })),
    bus.on('job.progress', ({ bodyBytes: _bodyBytes, ...progress }) =>
      tellProgress({ event: 'progress', ...progress }),
    ),
    bus.on('job.power', power => write({ event: 'power', ...power })),
    bus.on('board.up', ({ boardId }) => tellBoard(boardId, 'up', null)),
    bus.on('board.down', ({ boardId, error }) => tellBoard(boardId, 'down', error?.message ?? null)),
    bus.on('board.refused', ({ boardId, message }) => tellBoard(boardId, 'refused', message)),
    bus.on('board.quarantined', ({ boardId, addresses }) =>
      tellBoard(boardId, 'quarantined', `Two boards have this UUID: ${addresses.join(', ')}`),
    ),
  ])
}

async function watchBatch({ bus, uploads }: EventCore, lines: LineStream, batch: string): Promise<void> {
  const open = new Set<string>()
  const tellProgress = progressTo(lines)
  let snapshotTaken = false
  const tell = (job: JobView) => {
    lines.write({ event: 'state', job } satisfies EventLine)
    if (final.includes(job.state)) open.delete(job.id)
    if (snapshotTaken && open.size === 0) lines.end()
  }
  closing(lines, [
    bus.on('job.changed', job => {
      if (job.batchId === batch) tell(jobView(job))
    }),
    bus.on('job.progress', ({ bodyBytes: _bodyBytes, ...progress }) => {
      if (open.has(progress.jobId)) tellProgress({ event: 'progress', ...progress })
    }),
    bus.on('job.power', power => {
      if (open.has(power.jobId)) lines.write({ event: 'power', ...power } satisfies EventLine)
    }),
  ])
  // What happened before the subscription comes first, so a quick job is not missed.
  const { jobs } = await uploads.jobs({ batchId: batch, limit: largestBatch })
  for (const job of jobs) if (!final.includes(job.state)) open.add(job.id)
  for (const job of jobs) lines.write({ event: 'state', job: jobView(job) } satisfies EventLine)
  snapshotTaken = true
  if (open.size === 0) lines.end()
}

function closing(lines: LineStream, subscriptions: readonly (() => void)[]): void {
  lines.onClose(() => {
    for (const unsubscribe of subscriptions) unsubscribe()
  })
}
