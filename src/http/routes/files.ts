import type { Context } from 'koa'
import type { Principal } from '../../account/principal.ts'
import { mayAct } from '../../account/principal.ts'
import { AppError } from '../../kernel/errors.ts'
import { fileView } from '../../upload/resumable/file-view.ts'
import type { ResumableFiles, Sender } from '../../upload/resumable/resumable-files.ts'
import { fileAnswer, filesView } from '../../wire/file.ts'
import { type Change, empty, json, type Operation, operation } from '../api/operation.ts'
import { cursorOf, paging } from '../api/paging.ts'
import { apiPrefix } from '../api/route-table.ts'
import { hexDigest } from '../content-digest.ts'
import { HttpFault } from '../problem.ts'
import { readOn, refuseEncoded } from '../read-body.ts'
import {
  agreeOnVersion,
  checksumHeader,
  describeTus,
  offsetStream,
  sizeHeader,
  wantOffsetStream,
} from '../tus/tus-headers.ts'
import { doorOf, nameOf } from './pattern-door.ts'

type FileRecord = Awaited<ReturnType<ResumableFiles['find']>>

const offsetHeaders = {
  'Tus-Resumable': '1.0.0',
  'Upload-Offset': 'Bytes that are here and survive a power cut',
  'Upload-Expires': 'When the file is forgotten, a day after its last byte',
}
const wholeHeaders = {
  ...offsetHeaders,
  'X-Pattern-Id': 'Of the pattern that the file has become; with the last byte',
  'Repr-Digest': 'SHA-256 of the whole (RFC 9530); with the last byte',
}
const pieceErrors = [
  ...([
    'usage',
    'invalid',
    'conflict',
    'locked',
    'checksum_mismatch',
    'cancelled',
    'file_too_large',
  ] as const),
  ...(['file_invalid', 'file_ambiguous', 'overloaded', 'storage_failed'] as const),
] as const

interface Call {
  readonly params: { readonly id: string }
  readonly principal: Principal
  changed(change: Change): void
}

/** Resumable uploads by tus 1.0.0. Each person sees their own files, an admin sees all; of others nobody learns that they exist. */
export function fileOperations({ files }: { readonly files: ResumableFiles }): readonly Operation[] {
  async function head(ctx: Context, { params, principal }: Call): Promise<void> {
    agreeOnVersion(ctx)
    const file = await files.find(params.id, senderOf(principal))
    tellOffset(ctx, file)
    ctx.set({
      'Upload-Length': String(file.sizeBytes),
      'X-File-State': file.state,
      'Cache-Control': 'no-store',
    })
    if (file.metadata !== '') ctx.set('Upload-Metadata', file.metadata)
    ctx.body = null
    ctx.status = 200
  }

  async function append(
    ctx: Context,
    id: string,
    offset: number,
    { principal, changed }: Omit<Call, 'params'>,
  ): Promise<FileRecord> {
    const checksum = checksumHeader(ctx)
    refuseEncoded(ctx)
    readOn(ctx)
    const piece = { offset, checksum, body: ctx.req, lengthBytes: ctx.request.length }
    const file = await files.append(id, piece, senderOf(principal))
    if (file.patternId !== null && ctx.request.length !== 0)
      changed({ resource: `patterns/${file.patternId}`, after: { fileName: file.name, sha256: file.sha256 } })
    return file
  }

  async function patch(ctx: Context, call: Call): Promise<void> {
    agreeOnVersion(ctx)
    wantOffsetStream(ctx)
    const offset = sizeHeader(ctx, 'upload-offset')
    if (offset === undefined) throw new AppError('usage', 'Say with Upload-Offset where the bytes belong.')
    tellOffset(ctx, await append(ctx, call.params.id, offset, call))
    ctx.status = 204
  }

  async function remove(ctx: Context, { params, principal, changed }: Call): Promise<void> {
    agreeOnVersion(ctx)
    const file = await files.remove(params.id, senderOf(principal))
    changed({ resource: `files/${file.id}`, before: auditOf(file) })
    ctx.status = 204
  }

  return [
    operation({
      id: 'describeUploads',
      method: 'options',
      path: '/files',
      tag: 'files',
      summary: 'What of tus is spoken here',
      access: 'open',
      answers: {
        204: {
          ...empty('The headers say it'),
          headers: {
            'Tus-Version': '1.0.0',
            'Tus-Extension': '',
            'Tus-Max-Size': '',
            'Tus-Checksum-Algorithm': '',
          },
        },
      },
      stream(ctx) {
        describeTus(ctx, files.maxBytes)
        ctx.status = 204
      },
    }),

    operation({
      id: 'createFile',
      method: 'post',
      path: '/files',
      tag: 'files',
      summary: 'Begin a resumable upload',
      description:
        'tus 1.0.0: Upload-Length, and Upload-Metadata with `filename` and whatever the query of POST /patterns takes. The first bytes may come as the body.',
      access: 'operator',
      refusals: [412],
      repeatable: false,
      bodyType: offsetStream,
      answers: {
        201: {
          ...empty('Location names the upload'),
          headers: { Location: 'Path of the upload', ...wholeHeaders },
        },
      },
      errors: pieceErrors,
      async stream(ctx, call) {
        agreeOnVersion(ctx)
        const sizeBytes = sizeHeader(ctx, 'upload-length')
        if (sizeBytes === undefined)
          throw new AppError(
            'usage',
            'Say with Upload-Length how many bytes the file has; it cannot be told later.',
          )
        const withBody =
          ctx.request.length === undefined ? ctx.get('transfer-encoding') !== '' : ctx.request.length > 0
        if (withBody) wantOffsetStream(ctx)
        const sender = senderOf(call.principal)
        const file = await files.create(
          {
            sizeBytes,
            metadata: ctx.get('upload-metadata'),
            door: isImport => doorOf(ctx, call.principal, isImport).door,
          },
          sender,
        )
        ctx.set('Location', `${apiPrefix}/files/${file.id}`)
        call.changed({ resource: `files/${file.id}`, after: auditOf(file) })
        tellOffset(ctx, withBody ? await append(ctx, file.id, 0, call) : file)
        ctx.status = 201
      },
    }),

    operation({
      id: 'listFiles',
      method: 'get',
      path: '/files',
      tag: 'files',
      summary: 'Files that come in piece by piece, newest first',
      description: 'Their own; of everybody for admins.',
      access: 'viewer',
      query: paging,
      answers: { 200: json(filesView, 'A page of the files') },
      async run({ principal, query: { limit, cursor, before, skip } }) {
        const page = await files.list({ limit, skip, before: cursor ?? before }, senderOf(principal))
        return {
          files: page.files.map(fileView),
          total: page.total,
          nextCursor: cursorOf(page.files, limit, ({ id }) => id),
        }
      },
    }),

    operation({
      id: 'getFile',
      method: 'get',
      path: '/files/:id',
      tag: 'files',
      summary: 'How far a file is, and what became of it',
      access: 'viewer',
      answers: { 200: json(fileAnswer, 'The file') },
      errors: ['not_found'],
      run: async ({ params, principal }) => ({
        file: fileView(await files.find(params.id, senderOf(principal))),
      }),
    }),

    operation({
      id: 'headFile',
      method: 'head',
      path: '/files/:id',
      tag: 'files',
      summary: 'At which offset a resumable upload goes on',
      access: 'viewer',
      refusals: [412],
      answers: {
        200: {
          ...empty('The headers say it'),
          headers: {
            ...wholeHeaders,
            'Upload-Length': 'Of the whole',
            'X-File-State': 'receiving, complete or refused',
          },
        },
      },
      errors: ['not_found'],
      stream: head,
    }),

    operation({
      id: 'appendToFile',
      method: 'patch',
      path: '/files/:id',
      tag: 'files',
      summary: 'Send the next bytes of a file',
      description:
        'Upload-Offset says where they belong. With Upload-Checksum (sha256 or sha1) the piece is kept as a whole or not at all. The last byte makes the file a pattern, or is answered with what is wrong with it.',
      access: 'operator',
      refusals: [412],
      audited: 'changes',
      bodyType: offsetStream,
      answers: { 204: { ...empty('They are on the disk'), headers: wholeHeaders } },
      errors: ['not_found', ...pieceErrors],
      stream: patch,
    }),

    operation({
      id: 'removeFile',
      method: 'delete',
      path: '/files/:id',
      tag: 'files',
      summary: 'Give a resumable upload up',
      description: 'A pattern that the file has become stays.',
      access: 'operator',
      refusals: [412],
      answers: { 204: empty('It is forgotten') },
      errors: ['not_found', 'locked'],
      stream: remove,
    }),

    operation({
      id: 'overrideFile',
      method: 'post',
      path: '/files/:id',
      tag: 'files',
      summary: 'PATCH, HEAD or DELETE for networks that let only POST through',
      description: 'X-HTTP-Method-Override names the method that is meant.',
      access: 'operator',
      refusals: [405, 412],
      audited: 'changes',
      repeatable: false,
      bodyType: offsetStream,
      answers: {
        204: { ...empty('As with the method that is meant'), headers: wholeHeaders },
        200: empty('The headers say where the upload goes on'),
      },
      errors: ['not_found', ...pieceErrors],
      async stream(ctx, call) {
        const meant = ctx.get('x-http-method-override').toUpperCase()
        if (meant === 'PATCH') return patch(ctx, call)
        if (meant === 'HEAD') return head(ctx, call)
        if (meant === 'DELETE') return remove(ctx, call)
        ctx.set('Allow', 'GET, HEAD, PATCH, DELETE')
        throw new HttpFault(
          405,
          'Say with X-HTTP-Method-Override which method is meant: PATCH, HEAD or DELETE.',
        )
      },
    }),
  ]
}

function tellOffset(ctx: Context, { offset, expiresMs, patternId, sha256 }: FileRecord): void {
  ctx.set({ 'Upload-Offset': String(offset), 'Upload-Expires': new Date(expiresMs).toUTCString() })
  if (patternId !== null) ctx.set('X-Pattern-Id', patternId)
  if (sha256 !== null) ctx.set('Repr-Digest', hexDigest(sha256))
}

const senderOf = (principal: Principal): Sender => ({
  id: principal.id,
  name: nameOf(principal),
  isAdmin: mayAct(principal, 'admin'),
})

const auditOf = ({ name, sizeBytes, offset, state }: FileRecord) => ({ name, sizeBytes, offset, state })
