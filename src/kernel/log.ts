/** What modules may say to the operator. `fields` come first, as in pino; secrets never go in. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

const quiet = () => undefined

/** A log that keeps nothing: the default of libraries and tests. */
export const silentLog: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
