import { Router } from '@koa/router'
import { patternId } from '../../kernel/ids.ts'
import { arrivalView, patternView } from '../../upload/library/pattern-view.ts'
import type { Previews } from '../../upload/previews.ts'
import {
  type CandidateView,
  fitQuery,
  newPattern,
  patternChange,
  patternQuery,
  patternRemoval,
} from '../../wire/pattern.ts'
import type { ApiDeps } from '../api-deps.ts'
import type { Incoming } from '../incoming.ts'
import { page } from '../page.ts'
import { readJson } from '../read-body.ts'
import { readQuery } from '../read-query.ts'
import { doorOf } from './pattern-door.ts'

type CandidateFacts = Awaited<ReturnType<Previews['candidates']>>[number]

const maxFileBytes = 64 * 1024 * 1024

export interface PatternRouteDeps extends Pick<ApiDeps, 'core'> {
  readonly incoming: Incoming
}

/** What the gateway keeps: every pattern is named by its id, its name or the start of its id. */
export function patternRoutes({ core: { uploads, library, fits }, incoming }: PatternRouteDeps): Router {
  const router = new Router()
  router.post('/patterns', async ctx => {
    const { name, as, raw, tag, import: isImport, ...reading } = readQuery(ctx, newPattern)
    const arrival = { ...doorOf(ctx, isImport), name: as, tags: tag, reading }
    const { pattern, created, candidates } = await incoming.take(ctx, maxFileBytes, bytes =>
      uploads.addFile(bytes, name, raw, arrival),
    )
    ctx.status = created ? 201 : 200
    ctx.body = { pattern: patternView(pattern), candidates: candidates.map(candidateView) }
  })

  router.get('/patterns', async ctx => {
    const { q, before, ...filter } = readQuery(ctx, patternQuery)
    const { patterns, total } = await library.list({
      ...filter,
      text: q,
      before: before === undefined ? undefined : patternId(before),
    })
    ctx.body = { patterns: patterns.map(patternView), total }
  })

  router.get('/patterns/:id', async ctx => {
    const pattern = await library.find(ctx.params['id'] ?? '')
    const provenance = (await library.arrivals(pattern)).map(arrivalView)
    ctx.body = { pattern: patternView(pattern), provenance }
  })

  router.patch('/patterns/:id', async ctx => {
    const change = await readJson(ctx, patternChange)
    ctx.body = { pattern: patternView(await library.change(ctx.params['id'] ?? '', change)) }
  })

  router.delete('/patterns/:id', async ctx => {
    const { versions } = readQuery(ctx, patternRemoval)
    const { removed, shown } = await library.remove(ctx.params['id'] ?? '', versions)
    ctx.body = { removed, shown: shown && patternView(shown) }
  })

  router.get('/patterns/:id/versions', async ctx => {
    const { limit, before } = readQuery(ctx, page)
    const { id } = await library.find(ctx.params['id'] ?? '')
    const { patterns, total } = await library.list({
      versionsOf: id,
      limit,
      before: before === undefined ? undefined : patternId(before),
    })
    ctx.body = { patterns: patterns.map(patternView), total }
  })

  router.get('/patterns/:id/fit', async ctx => {
    const { board, ...question } = readQuery(ctx, fitQuery)
    const pattern = await library.find(ctx.params['id'] ?? '')
    ctx.body = { boards: await fits.of(pattern, question, board) }
  })
  return router
}

export function candidateView(candidate: CandidateFacts, index: number): CandidateView {
  const { format, width, height, leds, channels, frames, durationMs, confidence, reason } = candidate
  return { index, format, width, height, leds, channels, frames, durationMs, confidence, reason }
}
