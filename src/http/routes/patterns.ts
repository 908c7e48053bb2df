import { Router } from '@koa/router'
import type { Context } from 'koa'
import { z } from 'zod'
import { patternId } from '../../kernel/ids.ts'
import type { Previews } from '../../upload/previews.ts'
import { type CandidateView, type PatternView, previewQuery } from '../../wire/pattern.ts'
import type { ApiDeps } from '../api-deps.ts'
import type { Incoming } from '../incoming.ts'
import { page } from '../page.ts'
import { readQuery } from '../read-query.ts'

type Pattern = Awaited<ReturnType<ApiDeps['core']['uploads']['pattern']>>
type CandidateFacts = Awaited<ReturnType<Previews['candidates']>>[number]

const maxFileBytes = 64 * 1024 * 1024

const upload = z.strictObject({
  name: z.string().min(1).max(255),
  raw: z.enum(['true', 'false']).default('false'),
})
const candidatesQuery = previewQuery.omit({ candidate: true })

export interface PatternRouteDeps extends Pick<ApiDeps, 'core'> {
  readonly incoming: Incoming
  readonly previews: Previews
}

export function patternRoutes({ core, incoming, previews }: PatternRouteDeps): Router {
  const router = new Router()
  router.post('/patterns', async ctx => {
    const { name, raw } = readQuery(ctx, upload)
    const { pattern, candidates } = await incoming.take(ctx, maxFileBytes, bytes =>
      core.uploads.addFile(bytes, name, raw === 'true'),
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

  router.get('/patterns/:id/candidates', async ctx => {
    const hint = readQuery(ctx, candidatesQuery)
    const candidates = await previews.candidates(patternId(ctx.params['id'] ?? ''), hint)
    ctx.body = { candidates: candidates.map(candidateView) }
  })

  router.get('/patterns/:id/preview', async ctx => {
    const hint = readQuery(ctx, previewQuery)
    send(ctx, await previews.ofPattern(patternId(ctx.params['id'] ?? ''), hint))
  })

  router.get('/boards/:id/preview', async ctx => {
    send(ctx, await previews.ofBoard(ctx.params['id'] ?? ''))
  })
  return router
}

function send(ctx: Context, { json, gzip }: Awaited<ReturnType<Previews['ofBoard']>>): void {
  const packed = ctx.acceptsEncodings('gzip', 'identity') === 'gzip'
  ctx.vary('Accept-Encoding')
  if (packed) ctx.set('Content-Encoding', 'gzip')
  ctx.type = 'application/json'
  ctx.body = packed ? gzip : json
}

const patternView = ({ id, name, sourceSha, sizeBytes, format, createdMs }: Pattern): PatternView => ({
  id,
  name,
  sha256: sourceSha,
  sizeBytes,
  format,
  createdAt: new Date(createdMs).toISOString(),
})

function candidateView(candidate: CandidateFacts, index: number): CandidateView {
  const { format, width, height, leds, channels, frames, durationMs, confidence, reason } = candidate
  const picture = candidate.picture === true ? { picture: true as const } : {}
  return { index, format, width, height, leds, channels, frames, durationMs, confidence, reason, ...picture }
}
