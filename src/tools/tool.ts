import type { z } from 'zod'
import { mayAct, type Principal } from '../account/principal.ts'
import { allows } from '../account/scopes.ts'
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
  /** Hears of every use of a tool that changes something; `outcome`: `ok`, or the code of the error. */
  readonly onUsed?: (use: ToolUse) => void
}

export interface ToolUse {
  readonly tool: string
  readonly principal: Principal
  readonly input: unknown
  readonly outcome: string
}

/** Something that a person or a program may ask the gateway for; the answer is text for people. */
export interface Tool {
  readonly name: string
  readonly summary: string
  /** The least that one must be to use it. */
  readonly role: Role
  /** What an API token has to allow for it, as for the same over the API. */
  readonly scope: `${string}:${'read' | 'write'}`
  readonly input: z.ZodType
  readonly run: (context: ToolContext, input: unknown, principal: Principal) => Promise<string>
}

interface Definition<Input extends z.ZodType> extends Omit<Tool, 'input' | 'run'> {
  readonly input: Input
  readonly run: (context: ToolContext, input: z.output<Input>, principal: Principal) => Promise<string>
}

export function defineTool<Input extends z.ZodType>({ run, ...tool }: Definition<Input>): Tool {
  return { ...tool, run: async (context, input, principal) => run(context, parse(tool, input), principal) }
}

/** Rejects with `forbidden`, with `usage` where the input does not fit, and with what the tool meets. */
export async function useTool(
  tool: Tool,
  context: ToolContext,
  principal: Principal,
  input: unknown,
): Promise<string> {
  const used = (outcome: string) =>
    tool.role === 'viewer' ? undefined : context.onUsed?.({ tool: tool.name, principal, input, outcome })
  try {
    if (!mayAct(principal, tool.role)) {
      const message = `${tool.name} needs the role ${tool.role}; ${principal.name} is ${principal.role}.`
      throw new AppError('forbidden', message)
    }
    if (principal.kind === 'token' && !allows(principal.scopes ?? [], tool.scope))
      throw new AppError('forbidden', `${tool.name} needs the scope ${tool.scope}, which this token has not.`)
    const answer = await tool.run(context, input, principal)
    used('ok')
    return answer
  } catch (thrown) {
    used(thrown instanceof AppError ? thrown.code : 'internal')
    throw thrown
  }
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
