/** What went wrong with a request, in words that may stand on the page. */
export class Trouble extends Error {
  /** 0: there was no answer. */
  readonly status: number
  /** As src/kernel/errors.ts names it; `unreachable` and `unreadable` are the panel's own. */
  readonly code: string
  /** Under it the gateway's log has the details. */
  readonly requestId: string | null
  readonly extensions: Readonly<Record<string, unknown>>

  /** How long to wait before another try; 0: the gateway does not say. */
  get retryAfterMs(): number {
    const { retryAfterMs } = this.extensions
    return typeof retryAfterMs === 'number' ? retryAfterMs : 0
  }

  constructor(
    status: number,
    code: string,
    message: string,
    requestId: string | null = null,
    extensions: Readonly<Record<string, unknown>> = {},
  ) {
    super(message)
    this.name = 'Trouble'
    this.status = status
    this.code = code
    this.requestId = requestId
    this.extensions = extensions
  }
}

/** Reads a problem (RFC 9457). Whatever stands between us and the gateway may answer something else. */
export function readProblem(status: number, text: string): Trouble {
  const body = parse(text)
  if (body === undefined) return new Trouble(status, 'unreadable', words(status))
  const { detail, title, code, requestId, type: _type, status: _status, ...extensions } = body
  return new Trouble(
    status,
    typeof code === 'string' ? code : 'unreadable',
    sentence(
      typeof detail === 'string' && detail !== ''
        ? detail
        : typeof title === 'string'
          ? title
          : words(status),
    ),
    typeof requestId === 'string' ? requestId : null,
    extensions,
  )
}

export const unreachable = (): Trouble =>
  new Trouble(0, 'unreachable', 'The gateway does not answer. Check that this device is in its network.')

/** Whatever was thrown, as words for the page. */
export function asTrouble(thrown: unknown): Trouble {
  if (thrown instanceof Trouble) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new Trouble(0, 'internal', `The panel has a fault of its own: ${message}`)
}

const parse = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

const words = (status: number): string =>
  status === 413
    ? 'This is more than the gateway takes at once.'
    : status === 429
      ? 'Too many requests. Wait a moment and try again.'
      : `The gateway answered with status ${status}. Try again; if it stays so, look into its log.`

/** Many messages begin in lower case, since the command line puts a prefix before them. */
const sentence = (text: string): string => {
  const first = text.slice(0, 1).toUpperCase() + text.slice(1)
  return /[.!?…)"']$/.test(first) ? first : `${first}.`
}
