import { PassThrough } from 'node:stream'
import { Router } from '@koa/router'
import { z } from 'zod'
import { jobView } from '../../upload/job-view.ts'
import type { EventLine, JobView } from '../../wire/job.ts'
import type { ApiDeps } from '../api-deps.ts'
import { readQuery } from '../read-query.ts'

/** A reader that stops reading is dropped at this much; progress is left out long before. */
const maxBufferedBytes = 256 * 1024
const progressUpToBytes = 16 * 1024
const progressEveryMs = 100
const largestBatch = 256

const final = ['done', 'failed', 'cancelled']

/** GET /events: JSON lines of what happens, of all jobs or of one batch; a batch's stream ends with its last job. */
export function eventRoutes({ core }: ApiDeps): Router {
  const router = new Router()
  router.get('/events', async ctx => {
    const { batch } = readQuery(ctx, z.strictObject({ batch: z.string().min(1).max(64).optional() }))
    const stream = new PassThrough()
    const open = new Set<string>()
    const toldAtMs = new Map<string, number>()
    let snapshotTaken = false

    const write = (line: EventLine) => {
      if (stream.writableLength > maxBufferedBytes) stream.destroy()
      else if (!stream.writableEnded && !stream.destroyed) stream.write(`${JSON.stringify(line)}\n`)
    }
    const tell = (job: JobView) => {
      write({ event: 'state', job })
      if (batch === undefined) return
      if (final.includes(job.state)) open.delete(job.id)
      if (snapshotTaken && open.size === 0) stream.end()
    }
    const subscriptions = [
      core.bus.on('job.changed', job => {
        if (batch === undefined || job.batchId === batch) tell(jobView(job))
      }),
      core.bus.on('job.progress', ({ bodyBytes: _bodyBytes, ...progress }) => {
        if (batch !== undefined && !open.has(progress.jobId)) return
        const now = Date.now()
        if (
          stream.writableLength > progressUpToBytes ||
          now - (toldAtMs.get(progress.jobId) ?? 0) < progressEveryMs
        )
          return
        toldAtMs.set(progress.jobId, now)
        write({ event: 'progress', ...progress })
      }),
      core.bus.on('job.power', power => {
        if (batch === undefined || open.has(power.jobId)) write({ event: 'power', ...power })
      }),
    ]
    if (batch === undefined) {
      subscriptions.push(
        core.bus.on('board.up', ({ boardId }) =>
          write({ event: 'board', boardId, state: 'up', message: null }),
        ),
        core.bus.on('board.down', ({ boardId, error }) =>
          write({ event: 'board', boardId, state: 'down', message: error?.message ?? null }),
        ),
        core.bus.on('board.refused', ({ boardId, message }) =>
          write({ event: 'board', boardId, state: 'refused', message }),
        ),
        core.bus.on('board.quarantined', ({ boardId, addresses }) =>
          write({
            event: 'board',
            boardId,
            state: 'quarantined',
            message: `Two boards have this UUID: ${addresses.join(', ')}`,
          }),
        ),
      )
    }
    stream.once('close', () => {
      for (const unsubscribe of subscriptions) unsubscribe()
    })
    ctx.type = 'application/x-ndjson'
    ctx.body = stream
    if (batch === undefined) {
      // While nothing happens the reader still learns that it is heard.
      ctx.flushHeaders()
      return
    }
    // What happened before the subscription comes first, so a quick job is not missed.
    const { jobs } = await core.uploads.jobs({ batchId: batch, limit: largestBatch })
    for (const job of jobs) if (!final.includes(job.state)) open.add(job.id)
    for (const job of jobs) write({ event: 'state', job: jobView(job) })
    snapshotTaken = true
    if (open.size === 0) stream.end()
  })
  return router
}
