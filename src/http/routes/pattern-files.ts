import { readFile } from 'node:fs/promises'
import type { Context } from 'koa'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import type { ExportedPattern } from '../../upload/library/pattern-library.ts'
import type { Previews } from '../../upload/previews.ts'
import { candidatesView, conversionView, previewView } from '../../wire/pattern.ts'
import { candidatesQuery, convertQuery, exportQuery, previewQuery } from '../../wire/pattern-query.ts'
import { bytes, json, type Operation, operation } from '../api/operation.ts'
import { hexDigest } from '../content-digest.ts'
import { attachment } from '../file-name.ts'
import { type Incoming, largestFileBytes } from '../incoming.ts'
import { candidateView } from './candidate-view.ts'

export interface PatternFileDeps {
  readonly core: Pick<GatewayCore, 'library'>
  readonly previews: Previews
  readonly incoming: Incoming
}

const binary = 'application/octet-stream'
const noteHeader = {
  'X-Pixelgate-Note': 'What the format cannot keep, a sentence each; what is not ASCII is percent-encoded',
}
const reading = ['not_found', 'conflict', 'file_ambiguous', 'file_invalid', 'overloaded'] as const

/** The bytes of patterns: as they came in, as pictures, and in other formats. */
export const patternFileOperations = ({
  core: { library },
  previews,
  incoming,
}: PatternFileDeps): readonly Operation[] => [
  operation({
    id: 'listCandidates',
    method: 'get',
    path: '/patterns/:id/candidates',
    tag: 'patterns',
    summary: 'Every way to read a stored file, best first',
    access: 'viewer',
    query: candidatesQuery,
    answers: { 200: json(candidatesView, 'The readings') },
    errors: reading,
    async run({ params, query }) {
      const candidates = await previews.candidates((await library.find(params.id)).id, query)
      return { candidates: candidates.map(candidateView) }
    },
  }),

  operation({
    id: 'previewPattern',
    method: 'get',
    path: '/patterns/:id/preview',
    tag: 'patterns',
    summary: 'Frames of a pattern for a canvas',
    description: 'Without a query as it was said when the file came in.',
    access: 'viewer',
    guest: true,
    query: previewQuery,
    answers: { 200: json(previewView, 'At most 1 MiB of pixels') },
    errors: reading,
    async stream(ctx, { params, query }) {
      sendPreview(ctx, await previews.ofPattern((await library.find(params.id)).id, query))
    },
  }),

  operation({
    id: 'previewBoard',
    method: 'get',
    path: '/boards/:id/preview',
    tag: 'boards',
    summary: 'What a board plays, as its canvas',
    access: 'viewer',
    guest: true,
    answers: { 200: json(previewView, 'At most 1 MiB of pixels') },
    errors: reading,
    async stream(ctx, { params }) {
      sendPreview(ctx, await previews.ofBoard(params.id))
    },
  }),

  operation({
    id: 'getThumbnail',
    method: 'get',
    path: '/patterns/:id/thumbnail',
    tag: 'patterns',
    summary: 'A small picture of a pattern',
    access: 'viewer',
    guest: true,
    answers: { 200: bytes('image/png', 'Its hash is the ETag') },
    errors: reading,
    async stream(ctx, { params }) {
      const pattern = await library.find(params.id)
      if (pattern.thumbnailSha !== null && isKnown(ctx, pattern, pattern.thumbnailSha)) return
      const drawn = await library.thumbnail(pattern)
      if (isKnown(ctx, pattern, drawn.sha256)) return
      ctx.type = 'image/png'
      ctx.body = Buffer.from(drawn.bytes)
    },
  }),

  operation({
    id: 'getPatternFile',
    method: 'get',
    path: '/patterns/:id/file',
    tag: 'patterns',
    summary: 'The bytes as they came in',
    access: 'viewer',
    answers: {
      200: {
        ...bytes(binary, 'The file; its hash is the ETag'),
        headers: { 'Content-Digest': 'SHA-256 of the body (RFC 9530)' },
      },
    },
    errors: ['not_found', 'conflict', 'storage_failed'],
    async stream(ctx, { params }) {
      const pattern = await library.find(params.id)
      ctx.set('Content-Disposition', attachment(pattern.fileName))
      if (isKnown(ctx, pattern, pattern.sourceSha)) return
      const file = await library.file(pattern)
      ctx.set('Content-Digest', hexDigest(pattern.sourceSha))
      ctx.type = binary
      ctx.body = Buffer.from(file)
    },
  }),

  operation({
    id: 'exportPattern',
    method: 'get',
    path: '/patterns/:id/export',
    tag: 'patterns',
    summary: 'A pattern in another format',
    access: 'viewer',
    query: exportQuery,
    answers: { 200: { ...bytes(binary, 'The file in that format'), headers: noteHeader } },
    errors: [...reading, 'does_not_fit'],
    async stream(ctx, { params, query: { format, ...how } }) {
      sendExported(ctx, await library.export(await library.find(params.id), format, how))
    },
  }),

  operation({
    id: 'convertPattern',
    method: 'post',
    path: '/patterns/convert',
    tag: 'patterns',
    summary: 'A file in another format; nothing is stored',
    description:
      'The file is the body. `notes=true` answers with what the format cannot keep instead of the file.',
    access: 'operator',
    audited: false,
    query: convertQuery,
    bodyType: binary,
    maxBodyBytes: largestFileBytes,
    answers: {
      200: {
        ...bytes(binary, 'The file in that format; JSON with `notes=true`'),
        schema: conversionView,
        headers: noteHeader,
      },
    },
    errors: ['file_ambiguous', 'file_invalid', 'file_too_large', 'does_not_fit', 'overloaded', 'cancelled'],
    async stream(ctx, { query: { to, name, notes, ...how } }) {
      const made = await incoming.take(ctx, largestFileBytes, async ({ path }) =>
        library.convert(await readFile(path), to, { ...how, fileName: name }),
      )
      if (!notes) return sendExported(ctx, made)
      const { fileName, sha256, notes: sentences } = made
      ctx.body = { format: to, fileName, sizeBytes: made.bytes.byteLength, sha256, notes: sentences }
    },
  }),
]

/** A header has ASCII only, and a sentence may have names in it. */
const asHeader = (sentence: string): string =>
  sentence.replace(/\p{Cs}/gu, '?').replace(/[^\x20-\x7e]|%/gu, encodeURIComponent)

/** Names what is sent by its hash, which never changes; true: the caller has it and gets 304. */
function isKnown(ctx: Context, { id }: { readonly id: string }, sha256: string): boolean {
  ctx.status = 200
  ctx.set('ETag', `"${sha256}"`)
  // A name means the newest version, which is another one tomorrow.
  const isId = ctx.path.split('/').includes(id)
  ctx.set('Cache-Control', isId ? 'private, max-age=31536000, immutable' : 'private, no-cache')
  if (!ctx.fresh) return false
  ctx.status = 304
  return true
}

function sendPreview(ctx: Context, { json: text, gzip }: Awaited<ReturnType<Previews['ofBoard']>>): void {
  const packed = ctx.acceptsEncodings('gzip', 'identity') === 'gzip'
  ctx.vary('Accept-Encoding')
  if (packed) ctx.set('Content-Encoding', 'gzip')
  ctx.type = 'application/json'
  ctx.body = packed ? gzip : text
}

function sendExported(ctx: Context, { bytes: file, fileName, notes, sha256 }: ExportedPattern): void {
  ctx.set('Content-Disposition', attachment(fileName))
  ctx.set('Content-Digest', hexDigest(sha256))
  if (notes.length > 0) ctx.set('X-Pixelgate-Note', notes.map(asHeader))
  ctx.type = binary
  ctx.body = Buffer.from(file)
}
