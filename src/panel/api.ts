import { asTrouble, readProblem, unreachable } from './model/problem.ts'
import { renewTokens, tokensOf } from './renewal.ts'
import { type SentRequest, sendRequest } from './send-request.ts'

const base = '/api/v1'
const answerWithinMs = 20_000

let onSignedOut: () => void = () => {}

/** What to do when the gateway no longer knows who we are. */
export function whenSignedOut(act: () => void): void {
  onSignedOut = act
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

/** Refused there, nobody is helped by new tokens: these are how one gets them. */
const beforeSession = ['/setup', '/auth/sign-in', '/invites/look', '/invites/accept']

/**
 * One request of the API. Where the access token has run out, new tokens are asked for and the request is repeated, once.
 * Rejects with a Trouble, whose message may stand on the page.
 */
export async function call<T>(method: Method, path: string, body?: unknown): Promise<T> {
  const seen = tokensOf()
  let said = await ask(method, path, body)
  if (said.status === 401 && !beforeSession.includes(path) && (await renewTokens(seen)))
    said = await ask(method, path, body)
  return answer<T>(said.status, said.text, path)
}

async function ask(
  method: Method,
  path: string,
  body: unknown,
): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const response = await fetch(`${base}${path}`, {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.timeout(answerWithinMs),
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    })
    return { status: response.status, text: await response.text() }
  } catch {
    throw unreachable()
  }
}

export const get = <T>(path: string): Promise<T> => call<T>('GET', path)
export const post = <T = void>(path: string, body?: unknown): Promise<T> => call<T>('POST', path, body)

/** Every item of a list that comes in pages, as the answer has it under `key`. */
export async function getAll<T>(path: string, key: string): Promise<readonly T[]> {
  const items: T[] = []
  let cursor: string | null = null
  do {
    const page: Readonly<Record<string, unknown>> = await get(withQuery(path, { limit: 100, cursor }))
    items.push(...((page[key] ?? []) as readonly T[]))
    cursor = typeof page['nextCursor'] === 'string' ? page['nextCursor'] : null
  } while (cursor !== null)
  return items
}

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

/** Path and query, joined to one that the path may have; what is undefined is left out. */
export function withQuery(
  path: string,
  query: Readonly<Record<string, string | number | null | undefined>>,
): string {
  const given = Object.entries(query).flatMap(([key, value]) =>
    value === undefined || value === null || value === '' ? [] : [[key, String(value)]],
  )
  return given.length === 0 ? path : `${path}${path.includes('?') ? '&' : '?'}${new URLSearchParams(given)}`
}

/** Sends a file as it is, in one piece. Rejects with a Trouble; with that of no answer after `signal`. */
export async function sendFile<T>(
  path: string,
  file: Blob,
  { signal, onProgress }: Pick<SentRequest, 'signal' | 'onProgress'>,
): Promise<T> {
  const headers = { 'content-type': 'application/octet-stream' }
  const said = await sendRequest({
    method: 'POST',
    path,
    headers,
    body: file,
    signal,
    ...(onProgress && { onProgress }),
  })
  if (said.status === 0) throw unreachable()
  return answer<T>(said.status, said.text, path)
}
