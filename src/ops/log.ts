import { type DestinationStream, pino } from 'pino'
import type { Log } from '../kernel/log.ts'
import { redact, redactLine } from './redact.ts'

/** Names that pino writes itself; a field of the same name would be a second one in the line. */
const reserved = new Set(['level', 'time', 'msg'])

/**
 * JSON lines with ISO time on stderr (stdout is for the ready line), or to `destination`. No secret of the nine kinds of
 * redact-text.ts gets out, whether it stands under a name, in a text, in an error or in its cause.
 */
export function createLog(level: string, destination: DestinationStream = standardError()): Log {
  const lines = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: (clean: unknown) => clean },
    },
    destination,
  )
  const write =
    (name: 'debug' | 'info' | 'warn' | 'error') =>
    (fields: object, message: string): void => {
      if (!lines.isLevelEnabled(name)) return
      lines[name](fieldsOf(fields), redactLine(message))
    }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

function fieldsOf(fields: object): object {
  const clean = redact(fields)
  if (typeof clean !== 'object' || clean === null || Array.isArray(clean)) return { fields: clean }
  if (fields instanceof Error) return { err: clean }
  const entries = Object.entries(clean)
  if (!entries.some(([key]) => reserved.has(key))) return clean
  return Object.fromEntries(entries.map(([key, value]) => [reserved.has(key) ? `${key}_` : key, value]))
}

/** Written at once, so that the last words of a process that ends are not lost. */
function standardError(): DestinationStream {
  const stream = pino.destination({ dest: 2, sync: true })
  // Whoever read the log has gone: no reason for the gateway to go as well.
  stream.on('error', () => undefined)
  return stream
}
