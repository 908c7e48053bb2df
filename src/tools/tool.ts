import type { z } from 'zod'
import { mayAct, type Principal } from '../account/principal.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Role } from '../kernel/role.ts'
import type { GatewayCore } from '../upload/gateway-core.ts'

/** What tools act on. */
export interface ToolContext {
  readonly core: GatewayCore
  readonly clock: Clock
  readonly version: string
  /** Monotonic time of the start. */
  readonly startedMs: number
  /** Where the gateway measures its health. */
  readonly health?: () => Promise<{ readonly status: string; readonly score: number }>
}

/** Something that a person or a program may ask the gateway for; the answer is text for people. */
export interface Tool {
  readonly name: string
  readonly summary: string
  /** The least that one must be to use it. */
  readonly role: Role
  readonly input: z.ZodType
  readonly run: (context: ToolContext, input: unknown) => Promise<string>
}

interface Definition<Input extends z.ZodType> extends Omit<Tool, 'input' | 'run'> {
  readonly input: Input
  readonly run: (context: ToolContext, input: z.output<Input>) => Promise<string>
}

export function defineTool<Input extends z.ZodType>({ run, ...tool }: Definition<Input>): Tool {
  return { ...tool, run: async (context, input) => run(context, parse(tool, input)) }
}

/** Rejects with `forbidden`, with `usage` where the input does not fit, and with what the tool meets. */
export async function useTool(
  tool: Tool,
  context: ToolContext,
  principal: Principal,
  input: unknown,
): Promise<string> {
  if (!mayAct(principal, tool.role)) {
    const message = `${tool.name} needs the role ${tool.role}; ${principal.name} is ${principal.role}.`
    throw new AppError('forbidden', message)
  }
  return tool.run(context, input)
}

function parse<Input extends z.ZodType>(
  { name, input: schema }: { readonly name: string; readonly input: Input },
  input: unknown,
): z.output<Input> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ path, message }) => [...path, message].join(': '))
  throw new AppError('usage', `${name} cannot be used like this: ${faults.join('; ')}`)
}
