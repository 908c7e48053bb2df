import { asTrouble, readProblem, type Trouble, unreachable } from './model/problem.ts'

const base = '/api/v1'
const answerWithinMs = 20_000

let onSignedOut: () => void = () => {}

/** What to do when the gateway no longer knows who we are. */
export function whenSignedOut(act: () => void): void {
  onSignedOut = act
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

/** One request of the API. Rejects with a Trouble, whose message may stand on the page. */
export async function call<T>(method: Method, path: string, body?: unknown): Promise<T> {
  let response: Response
  let text: string
  try {
    response = await fetch(`${base}${path}`, {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.timeout(answerWithinMs),
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    })
    text = await response.text()
  } catch {
    throw unreachable()
  }
  return answer<T>(response.status, text, path)
}

export const get = <T>(path: string): Promise<T> => call<T>('GET', path)
export const post = <T = void>(path: string, body?: unknown): Promise<T> => call<T>('POST', path, body)

function answer<T>(status: number, text: string, path: string): T {
  // 503 of /health is an answer: it says what has failed.
  if (status >= 400 && !(status === 503 && path === '/health')) {
    if (status === 401 && !path.startsWith('/auth/')) onSignedOut()
    throw readProblem(status, text)
  }
  if (text === '') return undefined as T
  try {
    return JSON.parse(text) as T
  } catch (thrown) {
    throw asTrouble(thrown)
  }
}

/** Path and query; what is undefined is left out. */
export function withQuery(
  path: string,
  query: Readonly<Record<string, string | number | null | undefined>>,
): string {
  const given = Object.entries(query).flatMap(([key, value]) =>
    value === undefined || value === null || value === '' ? [] : [[key, String(value)]],
  )
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`
}

export interface FileUpload<T> {
  readonly answer: Promise<T>
  abort(): void
}

/** Sends a file as it is; `fetch` does not say how much of a body has gone. Rejects with a Trouble; `aborted` after abort(). */
export function sendFile<T>(
  path: string,
  file: Blob,
  onProgress: (sentBytes: number) => void,
): FileUpload<T> {
  const request = new XMLHttpRequest()
  const answered = new Promise<T>((resolve, reject) => {
    const refuse = (trouble: Trouble) => reject(trouble)
    request.upload.onprogress = event => onProgress(event.loaded)
    request.onload = () => {
      try {
        resolve(answer<T>(request.status, request.responseText, path))
      } catch (thrown) {
        refuse(asTrouble(thrown))
      }
    }
    request.onerror = () => refuse(unreachable())
    request.onabort = () => refuse(unreachable())
  })
  request.open('POST', `${base}${path}`)
  request.setRequestHeader('content-type', 'application/octet-stream')
  request.send(file)
  return { answer: answered, abort: () => request.abort() }
}
