import { Router } from '@koa/router'
import { z } from 'zod'
import { patternId } from '../../kernel/ids.ts'
import type { CandidateView, PatternView } from '../../wire/pattern.ts'
import type { ApiDeps } from '../api-deps.ts'
import { page } from '../page.ts'
import { readBody } from '../read-body.ts'
import { readQuery } from '../read-query.ts'

type Pattern = Awaited<ReturnType<ApiDeps['core']['uploads']['pattern']>>
type Candidate = Awaited<ReturnType<ApiDeps['core']['uploads']['addFile']>>['candidates'][number]

/** Files come whole for now; a larger one is refused before it is read. */
const maxFileBytes = 64 * 1024 * 1024

const upload = z.strictObject({
  name: z.string().min(1).max(255),
  raw: z.enum(['true', 'false']).default('false'),
})

export function patternRoutes({ core }: ApiDeps): Router {
  const router = new Router()
  router.post('/patterns', async ctx => {
    const { name, raw } = readQuery(ctx, upload)
    const { pattern, candidates } = await core.uploads.addFile(
      (await readBody(ctx, maxFileBytes)).bytes,
      name,
      raw === 'true',
    )
    ctx.status = 201
    ctx.body = { pattern: patternView(pattern), candidates: candidates.map(candidateView) }
  })

  router.get('/patterns', async ctx => {
    const { limit, before } = readQuery(ctx, page)
    const { patterns, total } = await core.uploads.patterns({
      limit,
      ...(before !== undefined && { before: patternId(before) }),
    })
    ctx.body = { patterns: patterns.map(patternView), total }
  })

  router.get('/patterns/:id', async ctx => {
    ctx.body = { pattern: patternView(await core.uploads.pattern(patternId(ctx.params['id'] ?? ''))) }
  })
  return router
}

const patternView = ({ id, name, sourceSha, sizeBytes, format, createdMs }: Pattern): PatternView => ({
  id,
  name,
  sha256: sourceSha,
  sizeBytes,
  format,
  createdAt: new Date(createdMs).toISOString(),
})

function candidateView(candidate: Candidate, index: number): CandidateView {
  const { format, width, height, leds, channels, frames, durationMs, confidence, reason } = candidate
  return { index, format, width, height, leds, channels, frames, durationMs, confidence, reason }
}
