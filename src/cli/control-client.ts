import { request as httpRequest, type IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import { AppError, isErrorCode, toError } from '../kernel/errors.ts'
import { unreachable } from './unreachable.ts'

/** Connecting to a socket on the same machine is a matter of milliseconds; answering may wait for the database. */
const answerTimeoutMs = 30_000
/** The most that a page of the API has. */
const pageSize = 100

/** Talks to the daemon on its control socket; every route lives under /api/v1. */
export class ControlClient {
  readonly #socketPath: string

  constructor(socketPath: string) {
    this.#socketPath = socketPath
  }

  get<T>(path: string): Promise<T> {
    return this.#json('GET', path)
  }

  /** Every item of a list that comes in pages, as the answer has it under `key`. */
  async list<T>(path: string, key: string): Promise<readonly T[]> {
    const items: T[] = []
    let cursor: string | null = null
    do {
      const next: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const page: Record<string, unknown> = await this.get(`${path}?limit=${pageSize}${next}`)
      items.push(...((page[key] ?? []) as readonly T[]))
      cursor = typeof page['nextCursor'] === 'string' ? page['nextCursor'] : null
    } while (cursor !== null)
    return items
  }

  post<T>(path: string, body: unknown = {}, timeoutMs = answerTimeoutMs): Promise<T> {
    const headers = { 'content-type': 'application/json' }
    return this.#json('POST', path, headers, JSON.stringify(body), timeoutMs)
  }

  patch<T>(path: string, body: unknown): Promise<T> {
    return this.#json('PATCH', path, { 'content-type': 'application/json' }, JSON.stringify(body))
  }

  delete<T = unknown>(path: string): Promise<T> {
    return this.#json('DELETE', path)
  }

  postBytes<T>(path: string, bytes: Uint8Array): Promise<T> {
    return this.#json('POST', path, { 'content-type': 'application/octet-stream' }, bytes)
  }

  /** Sends a file; the status says whether it was new (201) or there already (200). */
  async putFile<T>(path: string, bytes: Uint8Array): Promise<{ readonly value: T; readonly status: number }> {
    const headers = { 'content-type': 'application/octet-stream' }
    const response = await this.#send('POST', path, headers, bytes)
    if ((response.statusCode ?? 500) >= 400) throw await problemOf(response)
    return { value: JSON.parse(await textOf(response)) as T, status: response.statusCode ?? 500 }
  }

  /** The body of an answer that is no JSON. */
  async getBytes(path: string): Promise<Uint8Array> {
    const response = await this.#send('GET', path, {})
    if ((response.statusCode ?? 500) >= 400) throw await problemOf(response)
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks)
  }

  /** Yields the JSON lines of a stream until it ends or the signal is aborted; with a body it is asked for by POST. */
  async *lines(path: string, signal: AbortSignal, body?: object): AsyncGenerator<unknown, void> {
    const response = await (body === undefined
      ? this.#send('GET', path, {}, undefined, signal)
      : this.#send('POST', path, { 'content-type': 'application/json' }, JSON.stringify(body), signal))
    if (response.statusCode !== 200) throw await problemOf(response)
    const reader = createInterface({ input: response })
    // Whoever iterates hears of a break; one that comes when nobody does any more must not end the process.
    reader.on('error', () => undefined)
    try {
      for await (const line of reader) if (line !== '') yield JSON.parse(line)
    } catch (thrown) {
      throw unreachable(this.#socketPath, toError(thrown))
    } finally {
      reader.close()
      response.destroy()
    }
    if (!response.complete && !signal.aborted)
      throw unreachable(this.#socketPath, new Error('The daemon broke off in the middle.'))
  }

  async #json<T>(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string | Uint8Array,
    timeoutMs?: number,
  ): Promise<T> {
    const response = await this.#send(method, path, headers, body, undefined, timeoutMs)
    if ((response.statusCode ?? 500) >= 400) throw await problemOf(response)
    const text = await textOf(response)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  #send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string | Uint8Array,
    signal?: AbortSignal,
    timeoutMs = answerTimeoutMs,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
      const options = {
        socketPath: this.#socketPath,
        method,
        path: `/api/v1${path}`,
        headers: { ...headers, ...length },
        ...(signal && { signal }),
      }
      const request = httpRequest(options, response => {
        request.setTimeout(0)
        resolve(response)
      })
      request.setTimeout(timeoutMs, () =>
        request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)),
      )
      request.on('error', error => reject(unreachable(this.#socketPath, error)))
      request.end(body)
    })
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** An RFC 9457 problem as the error that it stands for. */
async function problemOf(response: IncomingMessage): Promise<AppError> {
  const text = await textOf(response)
  try {
    const problem = JSON.parse(text) as {
      code?: string
      detail?: string
      title?: string
      candidates?: unknown
    }
    const code = problem.code !== undefined && isErrorCode(problem.code) ? problem.code : 'daemon_failed'
    const extra = problem.candidates === undefined ? {} : { detail: { candidates: problem.candidates } }
    return new AppError(
      code,
      problem.detail ?? problem.title ?? `The daemon answered ${response.statusCode}.`,
      extra,
    )
  } catch (thrown) {
    return new AppError('daemon_failed', `The daemon answered ${response.statusCode} and no JSON.`, {
      cause: toError(thrown),
    })
  }
}
