import { readProblem, unreachable } from '../model/problem.ts'
import type { TusAnswer } from '../model/resumable.ts'
import { type Said, type SentRequest, sendRequest } from '../send-request.ts'
import { checkSession, me } from './session.ts'

/** The requests of tus 1.0.0 that the panel makes. They never reject; status 0 is no answer. */

const version = { 'tus-resumable': '1.0.0' }

/** Nothing ends it early: whoever stops the upload needs its id to remove it. */
export function createFile({ name, size }: File, raw: boolean): Promise<TusAnswer> {
  const metadata = [['filename', name], ...(raw ? [['raw', 'true']] : [])]
    .map(([key, value = '']) => `${key} ${base64(new TextEncoder().encode(value))}`)
    .join(',')
  const headers = { 'upload-length': String(size), 'upload-metadata': metadata }
  return ask({ method: 'POST', path: '/files', headers, signal: never() })
}

export const askOffset = (fileId: string, signal: AbortSignal): Promise<TusAnswer> =>
  ask({ method: 'HEAD', path: `/files/${fileId}`, signal })

export async function sendPiece(
  fileId: string,
  offset: number,
  body: ArrayBuffer,
  { signal, onProgress }: Required<Pick<SentRequest, 'signal' | 'onProgress'>>,
): Promise<TusAnswer> {
  const headers = {
    'content-type': 'application/offset+octet-stream',
    'upload-offset': String(offset),
    ...(await checksumOf(body)),
  }
  return ask({ method: 'PATCH', path: `/files/${fileId}`, headers, body, signal, onProgress })
}

export const removeFile = (fileId: string): Promise<TusAnswer> =>
  ask({ method: 'DELETE', path: `/files/${fileId}`, signal: never() })

async function ask(request: SentRequest): Promise<TusAnswer> {
  const said = await sendRequest({ ...request, headers: { ...version, ...request.headers } })
  if (said.status === 401) {
    await checkSession()
    // The session is alive, or nobody could be asked: it was a moment between two tokens.
    if (me.peek() !== null) return answerOf({ ...said, status: 0 })
  }
  return answerOf(said)
}

function answerOf({ status, text, header }: Said): TusAnswer {
  const number = (name: string) => {
    const value = header(name)
    return value !== null && /^\d{1,15}$/.test(value) ? Number(value) : null
  }
  return {
    status,
    fileId: /\/files\/([\w-]{1,64})$/.exec(header('location') ?? '')?.[1] ?? null,
    offset: number('upload-offset'),
    sizeBytes: number('upload-length'),
    fileState: header('x-file-state'),
    patternId: header('x-pattern-id'),
    retryAfterMs: (number('retry-after') ?? 0) * 1000,
    trouble: status === 0 ? unreachable() : status < 400 ? null : readProblem(status, text),
  }
}

/** `crypto.subtle` is missing where the page came over plain HTTP. */
async function checksumOf(bytes: ArrayBuffer): Promise<Readonly<Record<string, string>>> {
  const subtle: SubtleCrypto | undefined = crypto.subtle
  if (subtle === undefined || bytes.byteLength === 0) return {}
  return { 'upload-checksum': `sha256 ${base64(new Uint8Array(await subtle.digest('SHA-256', bytes)))}` }
}

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))

const never = (): AbortSignal => new AbortController().signal
