import { AppError } from '../../kernel/errors.ts'
import { fail, ok, type Result } from '../../kernel/result.ts'
import { boardCommands, type MqttCommandName, targetBoards } from '../../wire/mqtt.ts'

export const maxCommandBytes = 16 * 1024

type CorrelationId = string | number | null

/** A command as its schema gives it out. */
export type ParsedCommand = {
  [Name in MqttCommandName]: {
    readonly name: Name
    readonly body: ReturnType<(typeof boardCommands)[Name]['parse']>
  }
}[MqttCommandName] & { readonly boards: readonly string[] | 'all' | undefined }

export interface ReadCommand {
  /** Also of a command that is wrong, where it can be made out: its sender waits for an answer. */
  readonly correlationId: CorrelationId
  readonly command: Result<ParsedCommand, AppError>
}

const isName = (name: string): name is MqttCommandName => Object.hasOwn(boardCommands, name)

/** Reads the payload of `…/cmd/NAME`; `forMany`: it names its boards itself. */
export function readCommand(name: string, payload: Buffer, forMany: boolean): ReadCommand {
  const refused = (message: string, correlationId: CorrelationId = null): ReadCommand => ({
    correlationId,
    command: fail(new AppError('usage', message)),
  })
  if (payload.length > maxCommandBytes)
    return refused(`The payload has ${payload.length} bytes; a command has at most ${maxCommandBytes}.`)
  const json = jsonOf(payload)
  if (json === undefined) return refused('The payload is no JSON. An example: {"correlationId":"1"}')
  const correlationId = correlationIdOf(json)
  if (!isName(name))
    return refused(
      `There is no command "${name}". There are: ${Object.keys(boardCommands).join(', ')}.`,
      correlationId,
    )
  const whole = name === 'brightness' && typeof json === 'number' ? { level: json } : json
  const { boards: wanted, ...own } =
    isRecord(whole) && forMany ? whole : { boards: undefined, ...asRecord(whole) }
  const boards = forMany ? targetBoards.safeParse(wanted) : undefined
  const body = boardCommands[name].safeParse(isRecord(whole) ? own : whole)
  if (!body.success || boards?.success === false) {
    const faults = [
      ...(boards?.error?.issues ?? []).map(issue => ({ ...issue, path: ['boards', ...issue.path] })),
      ...(body.error?.issues ?? []),
    ]
    const words = faults.map(({ path, message }) =>
      path.length > 0 ? `${path.join('.')}: ${message}` : message,
    )
    return refused(`The command does not fit: ${words.join('; ')}`, correlationId)
  }
  const command = { name, body: body.data, boards: boards?.data } as ParsedCommand
  return { correlationId, command: ok(command) }
}

/** An empty payload stands for `{}`; undefined: no JSON. */
function jsonOf(payload: Buffer): unknown {
  if (payload.length === 0) return {}
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) as unknown
  } catch {
    return undefined
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const asRecord = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {})

function correlationIdOf(json: unknown): CorrelationId {
  const id = asRecord(json)['correlationId']
  if (typeof id === 'number') return id
  return typeof id === 'string' && id.length <= 128 ? id : null
}
