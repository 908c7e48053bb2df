import type { Context } from 'koa'
import { AppError } from '../../kernel/errors.ts'
import { HttpFault } from '../problem.ts'

/** tus 1.0.0, https://tus.io/protocols/resumable-upload: what this server takes of it. */
export const tusVersion = '1.0.0'
const extensions = 'creation,creation-with-upload,checksum,expiration,termination'
const algorithms = ['sha256', 'sha1'] as const
export const offsetStream = 'application/offset+octet-stream'

export interface Checksum {
  readonly algorithm: (typeof algorithms)[number]
  readonly digest: Uint8Array
}

/** What OPTIONS tells. */
export function describeTus(ctx: Context, maxBytes: number): void {
  ctx.set({
    'Tus-Resumable': tusVersion,
    'Tus-Version': tusVersion,
    'Tus-Extension': extensions,
    'Tus-Max-Size': String(maxBytes),
    'Tus-Checksum-Algorithm': algorithms.join(','),
  })
}

/** Says which version answers, also where the answer is a problem; 412 for a request of another version or none. */
export function agreeOnVersion(ctx: Context): void {
  ctx.set('Tus-Resumable', tusVersion)
  if (ctx.get('tus-resumable') === tusVersion) return
  ctx.set('Tus-Version', tusVersion)
  throw new HttpFault(
    412,
    `Send the header Tus-Resumable: ${tusVersion}; this server knows no other version.`,
  )
}

/** A number of bytes; undefined where there is no such header. Throws 400. */
export function sizeHeader(ctx: Context, name: string): number | undefined {
  const text = ctx.get(name)
  if (text === '') return undefined
  const size = Number(text)
  if (/^\d{1,15}$/.test(text) && Number.isSafeInteger(size)) return size
  throw new AppError('usage', `The header ${name} must be a number of bytes.`)
}

/** 415 for a body that is not the protocol's. */
export function wantOffsetStream(ctx: Context): void {
  const type = ctx.get('content-type').split(';', 1)[0]?.trim().toLowerCase()
  if (type !== offsetStream) throw new HttpFault(415, `Send the bytes with content-type ${offsetStream}.`)
}

/** What Upload-Checksum promises; undefined where there is none. Throws 400 for another algorithm or no digest of it. */
export function checksumHeader(ctx: Context): Checksum | undefined {
  const text = ctx.get('upload-checksum')
  if (text === '') return undefined
  const [, name = '', base64 = ''] = /^([a-z0-9-]+) ([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? []
  const algorithm = algorithms.find(each => each === name)
  const digest = Buffer.from(base64, 'base64')
  if (algorithm !== undefined && digest.byteLength === (algorithm === 'sha1' ? 20 : 32))
    return { algorithm, digest }
  throw new AppError(
    'usage',
    `Upload-Checksum must be one of ${algorithms.join(', ')}, a space and the digest in base64.`,
  )
}
