import { freshTokens, renewTokens, tokensOf } from './renewal.ts'

const base = '/api/v1'
/** A line over which nothing goes for so long is cut, whether the browser has noticed it or not. */
const quietMs = 30_000
/** A large file is read before the answer to its last byte. */
const answerWithinMs = 120_000

export interface SentRequest {
  readonly method: 'HEAD' | 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Blob | ArrayBuffer
  readonly signal: AbortSignal
  /** Bytes of the body that have gone. */
  onProgress?(sentBytes: number): void
}

export interface Said {
  /** 0: there was no answer. */
  readonly status: number
  readonly text: string
  /** null: there is none. */
  header(name: string): string | null
}

const nothing: Said = { status: 0, text: '', header: () => null }

/**
 * A request that says how much of its body has gone, which `fetch` does not. Where the access token has run out, new tokens are asked
 * for and the request is repeated, once. Never rejects.
 */
export async function sendRequest(request: SentRequest): Promise<Said> {
  // A large body that is refused has gone over the line in vain.
  await freshTokens()
  const seen = tokensOf()
  const said = await exchange(request)
  return said.status === 401 && (await renewTokens(seen)) ? exchange(request) : said
}

function exchange({ method, path, headers = {}, body, signal, onProgress }: SentRequest): Promise<Said> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve(nothing)
    const request = new XMLHttpRequest()
    const abort = () => request.abort()
    let late = setTimeout(abort, quietMs)
    const within = (ms: number) => {
      clearTimeout(late)
      late = setTimeout(abort, ms)
    }
    const end = (said: Said) => {
      clearTimeout(late)
      signal.removeEventListener('abort', abort)
      resolve(said)
    }
    signal.addEventListener('abort', abort)
    request.upload.onprogress = ({ loaded }) => {
      within(quietMs)
      onProgress?.(loaded)
    }
    request.upload.onload = () => within(answerWithinMs)
    request.onload = () =>
      end({
        status: request.status,
        text: request.responseText,
        header: name => request.getResponseHeader(name),
      })
    request.onerror = () => end(nothing)
    request.onabort = () => end(nothing)
    request.open(method, `${base}${path}`)
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
    request.send(body ?? null)
  })
}
