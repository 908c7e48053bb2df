/**
 * Every operational error by its code: exit status of the CLI and status of an HTTP problem.
 * One table, so that a fault has one name on the terminal, in JSON and over HTTP.
 */
const table = {
  usage: { exit: 2, http: 400 },
  /** Well formed, but not what is taken here; `errors` of the detail names each fault. */
  invalid: { exit: 2, http: 422 },
  /** If-Match names another state of the thing than it has now. */
  precondition_failed: { exit: 2, http: 412 },
  config_invalid: { exit: 2, http: 500 },
  not_found: { exit: 2, http: 404 },
  conflict: { exit: 2, http: 409 },
  file_ambiguous: { exit: 3, http: 422 },
  file_missing: { exit: 4, http: 404 },
  file_invalid: { exit: 4, http: 422 },
  file_too_large: { exit: 4, http: 413 },
  does_not_fit: { exit: 5, http: 422 },
  power_exceeded: { exit: 5, http: 422 },
  port_missing: { exit: 6, http: 503 },
  port_busy: { exit: 6, http: 503 },
  port_denied: { exit: 6, http: 503 },
  link_failed: { exit: 6, http: 503 },
  link_lost: { exit: 6, http: 503 },
  board_mute: { exit: 7, http: 504 },
  board_garbage: { exit: 7, http: 502 },
  board_version: { exit: 7, http: 502 },
  board_refused: { exit: 7, http: 502 },
  board_reset: { exit: 7, http: 502 },
  board_quarantined: { exit: 7, http: 409 },
  daemon_unreachable: { exit: 8, http: 503 },
  daemon_failed: { exit: 8, http: 500 },
  storage_failed: { exit: 8, http: 503 },
  overloaded: { exit: 8, http: 503 },
  /** Something that the gateway calls has failed so often that it is left alone for a while. */
  dependency_unavailable: { exit: 8, http: 503 },
  cancelled: { exit: 8, http: 409 },
  /** Of one piece of a file (tus 1.0.0, checksum). */
  checksum_mismatch: { exit: 9, http: 460 },
  /** Somebody else is at it at this moment. */
  locked: { exit: 8, http: 423 },
  verification_failed: { exit: 9, http: 502 },
  some_boards_failed: { exit: 10, http: 207 },
  unauthenticated: { exit: 8, http: 401 },
  /** The password was right; `code` of an app or of the list of backup codes is needed too. */
  second_factor_required: { exit: 8, http: 401 },
  forbidden: { exit: 8, http: 403 },
  rate_limited: { exit: 8, http: 429 },
  wrong_host: { exit: 8, http: 421 },
  gpio_failed: { exit: 6, http: 503 },
  tool_missing: { exit: 2, http: 503 },
  address_in_use: { exit: 8, http: 503 },
} as const

export type ErrorCode = keyof typeof table

/** An operational error: something outside the program went wrong and a person can act on it. `message` says what to do. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly detail: Readonly<Record<string, unknown>> | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options?: { cause?: unknown; detail?: Record<string, unknown> },
  ) {
    super(message, options && 'cause' in options ? { cause: options.cause } : undefined)
    this.name = 'AppError'
    this.code = code
    this.detail = options?.detail
  }
}

/** Exit status of the CLI for a code: 2 usage, 3 ambiguous file … 10 some boards failed. */
export const exitStatus = (code: ErrorCode): number => table[code].exit

/** HTTP status for a code (RFC 9110). */
export const httpStatus = (code: ErrorCode): number => table[code].http

export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(table, text)

/** What was thrown, as an Error. */
export const toError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(String(thrown))
