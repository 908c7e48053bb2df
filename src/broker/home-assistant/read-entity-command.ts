import { AppError } from '../../kernel/errors.ts'
import { fail, ok, type Result } from '../../kernel/result.ts'
import { type LightCommand, lightCommand } from '../../wire/home-assistant.ts'
import { jsonOf } from './read-topics.ts'

const maxBytes = 4096
const usage = (words: string) => fail(new AppError('usage', words))

/** `ON`, `OFF` or JSON. */
export function readLightCommand(payload: Buffer): Result<LightCommand, AppError> {
  if (payload.length > maxBytes)
    return usage(`The payload has ${payload.length} bytes; a light takes ${maxBytes} at most.`)
  const plain = payload.toString()
  const json = plain === 'ON' || plain === 'OFF' ? { state: plain } : jsonOf(payload)
  if (json === undefined)
    return usage('The payload is neither ON, nor OFF, nor JSON. An example: {"state":"ON","brightness":40}')
  const read = lightCommand.safeParse(json)
  if (read.success) return ok(read.data)
  const faults = read.error.issues.map(({ path, message }) =>
    path.length > 0 ? `${path.join('.')}: ${message}` : message,
  )
  return usage(`The command does not fit: ${faults.join('; ')}`)
}

/** What Home Assistant sends for "Install". */
export const readUpdateCommand = (payload: Buffer): Result<'install', AppError> =>
  payload.toString() === 'install' ? ok('install') : usage('The payload is to be: install')

/** A later command of a light overrides an earlier one that still waits, field by field; OFF takes back all of it. */
export const merged = (before: LightCommand | undefined, after: LightCommand): LightCommand =>
  before === undefined || after.state === 'OFF' || before.state === 'OFF' ? after : { ...before, ...after }
