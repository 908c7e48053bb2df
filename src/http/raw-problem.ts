import { STATUS_CODES } from 'node:http'
import { AppError } from '../kernel/errors.ts'
import { fixedHeaders } from './middleware/headers.ts'
import { type Problem, problemHeaders, toProblem } from './problem.ts'

/**
 * A whole answer of HTTP/1.1 with the problem, for sockets that no response object stands for: a refused upgrade, or bytes
 * that are no request. The connection ends with it.
 */
export function rawProblem(problem: Problem): string {
  const body = JSON.stringify(problem)
  const headers = {
    ...fixedHeaders,
    ...problemHeaders(problem),
    'Content-Type': 'application/problem+json',
    'Content-Length': String(Buffer.byteLength(body)),
    'X-Request-Id': problem.requestId,
    Connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Error'}\r\n${lines.join('')}\r\n${body}`
}

/** What the parser of node:http found, by the code of its error; everything else is a 400. */
const parserFaults: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The header is too large: at most 16 KiB are taken.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'The extensions of a chunk are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not come in time. Send it again.'],
}

/** Bytes that are no request, as a problem. */
export function parserProblem(code: string | undefined, requestId: string): Problem {
  const [status, detail] = parserFaults[code ?? ''] ?? [400, 'This is no request of HTTP/1.1.']
  const problem = toProblem(new AppError('usage', detail), requestId)
  return { ...problem, status, title: STATUS_CODES[status] ?? 'Error' }
}
