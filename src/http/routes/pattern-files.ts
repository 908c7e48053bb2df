import { Router } from '@koa/router'
import type { Context } from 'koa'
import type { Previews } from '../../upload/previews.ts'
import { exportQuery, previewQuery } from '../../wire/pattern.ts'
import type { ApiDeps } from '../api-deps.ts'
import { attachment } from '../file-name.ts'
import { readQuery } from '../read-query.ts'
import { candidateView } from './patterns.ts'

const candidatesQuery = previewQuery.omit({ candidate: true })

export interface PatternFileDeps extends Pick<ApiDeps, 'core'> {
  readonly previews: Previews
}

/** The bytes of patterns: as they came in, as pictures, and in other formats. */
export function patternFileRoutes({ core: { library }, previews }: PatternFileDeps): Router {
  const router = new Router()
  const find = (ctx: Context) => library.find(ctx['params']['id'] ?? '')

  router.get('/patterns/:id/candidates', async ctx => {
    const hint = readQuery(ctx, candidatesQuery)
    const candidates = await previews.candidates((await find(ctx)).id, hint)
    ctx.body = { candidates: candidates.map(candidateView) }
  })

  router.get('/patterns/:id/preview', async ctx => {
    const hint = readQuery(ctx, previewQuery)
    send(ctx, await previews.ofPattern((await find(ctx)).id, hint))
  })

  router.get('/boards/:id/preview', async ctx => {
    send(ctx, await previews.ofBoard(ctx.params['id'] ?? ''))
  })

  router.get('/patterns/:id/thumbnail', async ctx => {
    const pattern = await find(ctx)
    if (pattern.thumbnailSha !== null && isKnown(ctx, pattern.thumbnailSha)) return
    const { bytes, sha256 } = await library.thumbnail(pattern)
    if (isKnown(ctx, sha256)) return
    ctx.type = 'image/png'
    ctx.body = Buffer.from(bytes)
  })

  router.get('/patterns/:id/file', async ctx => {
    const pattern = await find(ctx)
    ctx.set('Content-Disposition', attachment(pattern.fileName))
    if (isKnown(ctx, pattern.sourceSha)) return
    const bytes = await library.file(pattern)
    ctx.set('Content-Digest', `sha-256=:${Buffer.from(pattern.sourceSha, 'hex').toString('base64')}:`)
    ctx.type = 'application/octet-stream'
    ctx.body = Buffer.from(bytes)
  })

  router.get('/patterns/:id/export', async ctx => {
    const { format, ...how } = readQuery(ctx, exportQuery)
    const { bytes, fileName } = await library.export(await find(ctx), format, how)
    ctx.set('Content-Disposition', attachment(fileName))
    ctx.type = 'application/octet-stream'
    ctx.body = Buffer.from(bytes)
  })
  return router
}

/** Names what is sent by its hash, which never changes; true: the caller has it and gets 304. */
function isKnown(ctx: Context, sha256: string): boolean {
  ctx.status = 200
  ctx.set('ETag', `"${sha256}"`)
  ctx.set('Cache-Control', 'private, max-age=31536000, immutable')
  if (!ctx.fresh) return false
  ctx.status = 304
  return true
}

function send(ctx: Context, { json, gzip }: Awaited<ReturnType<Previews['ofBoard']>>): void {
  const packed = ctx.acceptsEncodings('gzip', 'identity') === 'gzip'
  ctx.vary('Accept-Encoding')
  if (packed) ctx.set('Content-Encoding', 'gzip')
  ctx.type = 'application/json'
  ctx.body = packed ? gzip : json
}
