import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Clock } from '../../kernel/clock.ts'
import { acceptsGzip } from './accepts-gzip.ts'
import { matchesNone, packedEtag } from './preconditions.ts'
import type { StoredAnswer } from './response-cache.ts'

/** One form of an answer, ready to be sent. */
interface Form {
  readonly etag: string
  /** With its status line, without what is new each time and without the empty line. */
  readonly head: string
  readonly unchanged: string
  /** ASCII goes out with its head in one write. */
  readonly body: string | Buffer
}

interface Forms {
  readonly common: readonly string[]
  readonly plain: Form
  readonly packed: Form | undefined
}

/** What node:http keeps of a head between `writeHead` and the first write. */
type WithHead = ServerResponse & { _header?: string | null; maxRequestsOnConnectionReached?: boolean }

const known = new WeakMap<StoredAnswer, Forms | null>()

/**
 * Writes an answer whose head was put together before, once for many requests: to check and join a dozen and a half headers anew
 * takes node:http as long as all the rest. The head is handed over as node:http itself keeps it (`_header`, as in Node 18 to 24);
 * what it would do otherwise by itself is asked for here: HTTP/1.1, a connection that stays, no trailers. The status that was
 * sent; undefined: it is not for this way, and nothing was sent. `common`: the same array for the same host.
 */
export function quickWrite(
  { headers }: IncomingMessage,
  response: WithHead,
  answer: StoredAnswer,
  { common, requestId, date }: { common: readonly string[]; requestId: string; date: string },
): number | undefined {
  const forms = formsOf(answer, common)
  if (forms === null) return undefined
  const packed = forms.packed !== undefined && acceptsGzip(headers['accept-encoding'])
  const { etag, head, unchanged, body } = packed ? (forms.packed ?? forms.plain) : forms.plain
  const isKnown = matchesNone(headers['if-none-match'], etag)
  const status = isKnown ? 304 : answer.status
  response.statusCode = status
  // Of who has it before us, such as Strict-Transport-Security.
  let set = ''
  for (const name of response.getHeaderNames()) set += `${name}: ${response.getHeader(name)}\r\n`
  response._header = `${isKnown ? unchanged : head}${set}X-Request-Id: ${requestId}\r\nDate: ${date}\r\n\r\n`
  if (isKnown) response.end()
  else if (typeof body === 'string') response.end(body, 'latin1')
  else response.end(body)
  return status
}

/** Whether this way is one for the request at all. */
export const isForQuickWrite = ({ httpVersion }: IncomingMessage, response: WithHead): boolean =>
  httpVersion === '1.1' &&
  response.shouldKeepAlive &&
  response.maxRequestsOnConnectionReached !== true &&
  !response.hasHeader('Connection') &&
  response._header === null

function formsOf(answer: StoredAnswer, common: readonly string[]): Forms | null {
  const remembered = known.get(answer)
  if (remembered === null || remembered?.common === common) return remembered
  const forms = makeForms(answer, common)
  known.set(answer, forms)
  return forms
}

function makeForms(answer: StoredAnswer, common: readonly string[]): Forms | null {
  const { body, gzip, etag } = answer
  const own = Object.entries(answer.headers).flatMap(([name, value]) => [name, String(value)])
  const vary = gzip === undefined ? [] : ['Vary', 'Accept-Encoding']
  const fixed = [...common, 'Cache-Control', 'private, no-cache', ...own, ...vary]
  // node:http refuses such a header; it is not checked on this way.
  if (fixed.some(text => /[^\t\x20-\x7e]/.test(text))) return null
  const form = (bytes: Buffer, validator: string, more: readonly string[]): Form => {
    const text = bytes.toString('latin1')
    return {
      etag: validator,
      head: headText(answer.status, [
        ...[...fixed, 'ETag', validator, ...more],
        ...['Content-Type', 'application/json; charset=utf-8', 'Content-Length', String(bytes.byteLength)],
      ]),
      unchanged: headText(304, [...fixed, 'ETag', validator]),
      // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what it asks for
      body: bytes.byteLength <= longestText && /^[\x00-\x7f]*$/.test(text) ? text : bytes,
    }
  }
  return {
    common,
    plain: form(body, etag, []),
    packed: gzip && form(gzip, packedEtag(etag), ['Content-Encoding', 'gzip']),
  }
}

const longestText = 16 * 1024

function headText(status: number, headers: readonly string[]): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`
  for (let at = 0; at < headers.length; at += 2) text += `${headers[at]}: ${headers[at + 1]}\r\n`
  // A text that was joined of many is made one, or each write would do so.
  return Buffer.from(text, 'latin1').toString('latin1')
}

/** Value of Date (RFC 9110 §6.6.1), made once a second. */
export class HttpDate {
  readonly #clock: Clock
  #second = Number.NaN
  #text = ''

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get text(): string {
    const nowMs = this.#clock.wallTime()
    const second = Math.floor(nowMs / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#text = new Date(nowMs).toUTCString()
    }
    return this.#text
  }
}
