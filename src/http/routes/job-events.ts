import { z } from 'zod'
import { type JobId, jobId } from '../../kernel/ids.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import { jobEventView } from '../../upload/job-view.ts'
import { jobEventsView } from '../../wire/job.ts'
import { json, type Operation, operation } from '../api/operation.ts'
import { LineStream } from '../line-stream.ts'

const query = z.strictObject({
  follow: z
    .enum(['true', 'false'])
    .transform(value => value === 'true')
    .default(false)
    .describe('The answer goes on with what happens, as JSON lines, until the job has ended'),
})

type JobEventCore = Pick<GatewayCore, 'bus' | 'uploads'>

/** GET /jobs/:id/events: what happened to a job, with times and reasons. */
export const jobEventOperations = ({ core }: { readonly core: JobEventCore }): readonly Operation[] => [
  operation({
    id: 'listJobEvents',
    method: 'get',
    path: '/jobs/:id/events',
    tag: 'jobs',
    summary: 'What happened to a job, oldest first',
    description:
      'The first and the 199 latest changes of its state. With `follow=true` each is a line of JSON (or an event, with `Accept: text/event-stream`), later ones follow as they happen, and the answer ends with the job.',
    access: 'viewer',
    lasting: true,
    query,
    answers: {
      200: {
        ...json(jobEventsView, 'The events; lines of JobEvent with `follow=true`'),
        type: 'application/x-ndjson',
      },
    },
    errors: ['not_found'],
    async stream(ctx, { params, query: { follow } }) {
      const id = jobId(params.id)
      const job = await core.uploads.job(id)
      if (follow) return followJob(core, new LineStream(ctx), job.id)
      const events = (await core.uploads.jobEvents(id)).map(jobEventView)
      ctx.body = { events, total: events.length }
    },
  }),
]

/** What is written is told: each look asks for what came after the last one told, so nothing is missed or told twice. */
async function followJob({ bus, uploads }: JobEventCore, lines: LineStream, id: JobId): Promise<void> {
  let toldSeq = 0
  let looking: Promise<void> = Promise.resolve()
  const look = async () => {
    for (const event of (await uploads.jobEvents(id, toldSeq)).map(jobEventView)) {
      toldSeq = event.seq
      lines.write(event)
      if (['done', 'failed', 'cancelled'].includes(event.state)) lines.end()
    }
  }
  const unsubscribe = bus.on('job.changed', job => {
    if (job.id !== id || lines.ended) return
    looking = looking.then(look).catch(() => lines.destroy())
  })
  lines.onClose(unsubscribe)
  looking = look()
  await looking
}
