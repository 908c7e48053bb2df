import { AppError } from '../../kernel/errors.ts'
import { fail, ok, type Result } from '../../kernel/result.ts'
import { lineCommands } from '../../wire/mqtt.ts'

/** `on`, `{"active":true,"correlationId":"…"}` and the like: none needs more. */
const maxPayloadBytes = 1024

export type LineCommand =
  | { readonly name: 'set'; readonly active: boolean }
  | { readonly name: 'pulse'; readonly ms: number }

export interface ReadLineCommand {
  /** Also of a command that is wrong, where it can be made out. */
  readonly correlationId: string | number | null
  readonly command: Result<LineCommand, AppError>
}

const levels: Readonly<Record<string, boolean>> = {
  '1': true,
  '0': false,
  on: true,
  off: false,
  true: true,
  false: false,
}

/** Reads the payload of `…/gpio/LINE/cmd/NAME`: JSON, or in short a level or a number of milliseconds. */
export function readLineCommand(name: string, payload: Buffer): ReadLineCommand {
  const refused = (message: string, correlationId: string | number | null = null): ReadLineCommand => ({
    correlationId,
    command: fail(new AppError('usage', message)),
  })
  if (name !== 'set' && name !== 'pulse')
    return refused(`There is no command "${name}" for a line. There are: set, pulse.`)
  if (payload.length > maxPayloadBytes)
    return refused(`The payload has ${payload.length} bytes; this command has at most ${maxPayloadBytes}.`)
  const words = payload.toString('utf8').trim()
  const body = shortForm(name, words) ?? jsonOf(words)
  const id = body?.['correlationId']
  const correlationId = typeof id === 'number' || (typeof id === 'string' && id.length <= 128) ? id : null
  const example = name === 'set' ? '{"active":true}, or on, off, 1, 0' : '{"ms":200}, or 200'
  const read = lineCommands[name].safeParse(body)
  if (!read.success) return refused(`The payload does not fit. An example: ${example}`, correlationId)
  const command: LineCommand =
    'active' in read.data ? { name: 'set', active: read.data.active } : { name: 'pulse', ms: read.data.ms }
  return { correlationId, command: ok(command) }
}

function shortForm(name: 'set' | 'pulse', words: string): Record<string, unknown> | undefined {
  if (name === 'pulse') return /^\d{1,6}$/.test(words) ? { ms: Number(words) } : undefined
  const active = levels[words.toLowerCase()]
  return active === undefined ? undefined : { active }
}

function jsonOf(words: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(words)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
