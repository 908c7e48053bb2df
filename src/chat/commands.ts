import type { Principal } from '../account/principal.ts'
import { withDeadline } from '../kernel/deadline.ts'
import { AppError, toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { type ToolContext, useTool } from '../tools/tool.ts'
import { tools } from '../tools/tools.ts'
import { readUpload, UsageFault } from './upload-command.ts'

const timeoutMs = 30_000
/** Commands that run at once, of one person and of all. */
const maxOfOne = 4
const maxOfAll = 32

interface Command {
  readonly usage: string
  readonly tool: (typeof tools)[keyof typeof tools]
  /** The input of the tool from what follows the name; throws UsageFault. */
  readonly read: (rest: string) => unknown
}

const nothing = (rest: string): unknown => {
  if (rest !== '') throw new UsageFault('It takes nothing after its name.')
  return {}
}

const commands: Readonly<Record<string, Command>> = {
  boards: { usage: '/boards', tool: tools.boards, read: nothing },
  jobs: { usage: '/jobs', tool: tools.jobs, read: nothing },
  upload: { usage: '/upload PATTERN BOARD[,BOARD]', tool: tools.upload, read: readUpload },
  status: { usage: '/status', tool: tools.status, read: nothing },
}

const help = [
  ...Object.values(commands).map(({ usage, tool }) => `${usage} – ${tool.summary}`),
  '/help – this list',
].join('\n')

/** Whether a message is meant for the gateway. `//` at its start is for people who want to write a slash. */
export const isCommand = (text: string): boolean => /^\s*\/[^\s/]/.test(text)

/** Carries out what people write to the gateway; each answer is text for the room. */
export class Commands {
  readonly #context: ToolContext
  readonly #log: Log
  readonly #running = new Map<string, number>()

  constructor(context: ToolContext, log: Log) {
    this.#context = context
    this.#log = log
  }

  /** Never rejects: whatever goes wrong is an answer too. */
  async answer(principal: Principal, text: string): Promise<string> {
    const [, name = '', rest = ''] = /^\s*\/(\S+)\s*([\s\S]*)$/.exec(text) ?? []
    const key = name.toLowerCase()
    if (key === 'help') return help
    const command = Object.hasOwn(commands, key) ? commands[key] : undefined
    if (command === undefined) return `There is no command /${name.slice(0, 32)}. These are:\n${help}`
    const own = this.#running.get(principal.id) ?? 0
    const all = [...this.#running.values()].reduce((sum, each) => sum + each, 0)
    if (own >= maxOfOne || all >= maxOfAll)
      return 'Earlier commands are not done yet. Wait for their answers, then try again.'
    this.#running.set(principal.id, own + 1)
    try {
      return await this.#run(principal, command, rest.trim())
    } finally {
      const left = (this.#running.get(principal.id) ?? 1) - 1
      if (left > 0) this.#running.set(principal.id, left)
      else this.#running.delete(principal.id)
    }
  }

  async #run(principal: Principal, { tool, usage, read }: Command, rest: string): Promise<string> {
    const { clock } = this.#context
    const began = clock.now()
    try {
      const work = useTool(tool, this.#context, principal, read(rest))
      const late = 'This takes longer than 30 seconds. It may still come to its end; /jobs and /status tell.'
      return await withDeadline(clock, timeoutMs, work, 'overloaded', late)
    } catch (thrown) {
      if (thrown instanceof UsageFault) return `${thrown.message} Use: ${usage}`
      if (thrown instanceof AppError) return thrown.message
      this.#log.error({ tool: tool.name, err: toError(thrown) }, 'a command met a fault of the program')
      return 'The gateway has a fault of its own. Its log has the details.'
    } finally {
      const durationMs = Math.round(clock.now() - began)
      this.#log.debug({ tool: tool.name, user: principal.name, durationMs }, 'a command from the chat')
    }
  }
}
