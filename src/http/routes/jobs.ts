import { Router } from '@koa/router'
import { jobId } from '../../kernel/ids.ts'
import { jobView } from '../../upload/job-view.ts'
import { newJobs } from '../../wire/job.ts'
import type { ApiDeps } from '../api-deps.ts'
import { page } from '../page.ts'
import { readJson } from '../read-body.ts'
import { readQuery } from '../read-query.ts'

export function jobRoutes({ core }: ApiDeps): Router {
  const router = new Router()
  const { uploads, library, queue, book } = core

  router.post('/jobs', async ctx => {
    const { patternId: id, boards, ...options } = await readJson(ctx, newJobs)
    const pattern = await library.find(id)
    const found =
      boards === 'all' ? await book.list() : await Promise.all(boards.map(board => book.find(board)))
    const ids = [...new Set(found.map(board => board.id))]
    const { batchId, jobs } = await uploads.submit(pattern, ids, {
      ...options,
      raw: options.raw ?? pattern.raw,
      fileName: pattern.fileName,
    })
    ctx.status = 201
    ctx.body = { batchId, jobs: jobs.map(jobView) }
  })

  router.get('/jobs', async ctx => {
    const { limit, before } = readQuery(ctx, page)
    const { jobs, total } = await uploads.jobs({
      limit,
      ...(before !== undefined && { before: jobId(before) }),
    })
    ctx.body = { jobs: jobs.map(jobView), total }
  })

  router.get('/jobs/:id', async ctx => {
    ctx.body = { job: jobView(await uploads.job(jobId(ctx.params['id'] ?? ''))) }
  })

  router.get('/jobs/:id/report', async ctx => {
    ctx.body = await uploads.report(jobId(ctx.params['id'] ?? ''))
  })

  for (const verb of ['pause', 'resume', 'cancel'] as const) {
    router.post(`/jobs/:id/${verb}`, async ctx => {
      ctx.body = { job: jobView(await queue.command(jobId(ctx.params['id'] ?? ''), verb)) }
    })
  }
  return router
}
