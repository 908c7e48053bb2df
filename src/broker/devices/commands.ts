import { createHash } from 'node:crypto'
import type { MqttPrincipal } from '../../account/mqtt-users.ts'
import type { AppError } from '../../kernel/errors.ts'
import type { CommandResultView } from '../../wire/mqtt.ts'
import type { Publisher } from '../publisher.ts'
import { commandTopic } from '../topics/topics.ts'
import { readCommand } from './parse-command.ts'
import { RecentCommands } from './recent-commands.ts'
import { type CommandRunner, runCommand } from './run-command.ts'

/** Commands under way, and how many of them may be one user's. */
const maxRunning = 64
const maxRunningPerUser = 16

export interface CommandParts extends CommandRunner {
  readonly gatewayId: string
  readonly publisher: Publisher
  /** A board that the gateway does not reach itself, but that has a credential: it answers for itself. */
  readonly answersItself: (boardId: string) => boolean
  /** Hears of every command that was carried out. */
  readonly onCommand?: ((who: MqttPrincipal, topic: string, result: CommandResultView) => void) | undefined
}

/** Commands on topics: each is answered once at `…/cmd/NAME/result`, whatever becomes of it. */
export class Commands {
  readonly #parts: CommandParts
  readonly #recent: RecentCommands
  readonly #running = new Map<string, number>()

  constructor(parts: CommandParts) {
    this.#parts = parts
    this.#recent = new RecentCommands(parts.clock)
  }

  get running(): number {
    return [...this.#running.values()].reduce((sum, count) => sum + count, 0)
  }

  /** A message that the policy has let through; those that are no commands are none of its business. */
  async handle(who: MqttPrincipal, topic: string, payload: Buffer): Promise<void> {
    const place = commandTopic(this.#parts.gatewayId, topic)
    if (place === undefined) return
    if (place.boardId !== undefined && this.#parts.answersItself(place.boardId)) return
    const { correlationId, command } = readCommand(place.name, payload, place.boardId === undefined)
    const answer = (outcome: Omit<CommandResultView, 'correlationId' | 'command'>): CommandResultView => ({
      correlationId,
      command: place.name,
      ...outcome,
    })
    const refuse = ({ code, message }: Pick<AppError, 'code' | 'message'>) =>
      this.#say(topic, answer({ ok: false, code, message }))
    if (!command.ok) return refuse(command.fault)
    const ofUser = this.#running.get(who.name) ?? 0
    if (this.running >= maxRunning || ofUser >= maxRunningPerUser) {
      const message = 'Too many commands are under way. Send it again when some of them have been answered.'
      return refuse({ code: 'overloaded', message })
    }
    const key = correlationId === null ? undefined : keyOf(who, topic, payload)
    const known = key === undefined ? 'new' : this.#recent.begin(key)
    if (known === 'running') return
    if (known !== 'new') return this.#say(topic, known)
    this.#running.set(who.name, ofUser + 1)
    const result = answer(await runCommand(this.#parts, command.value, { on: place.boardId, who: who.name }))
    this.#finished(who.name)
    if (key !== undefined) this.#recent.end(key, result)
    this.#parts.log.info({ user: who.name, topic, ok: result.ok, code: result.code ?? null }, 'MQTT command')
    this.#parts.onCommand?.(who, topic, result)
    return this.#say(topic, result)
  }

  /** Tells the sender of a command that the policy has stopped. */
  async refuse(topic: string, payload: Buffer, reason: 'retained_command' | 'command'): Promise<void> {
    const place = commandTopic(this.#parts.gatewayId, topic)
    if (place === undefined) return
    const { correlationId } = readCommand(place.name, payload, place.boardId === undefined)
    const fault =
      reason === 'command'
        ? { code: 'forbidden', message: 'This MQTT user may only watch. Commands need the access "control".' }
        : {
            code: 'usage',
            message: 'A command must not be retained: it would run again at each subscription.',
          }
    return this.#say(topic, { correlationId, command: place.name, ok: false, ...fault })
  }

  #say(topic: string, result: CommandResultView): Promise<void> {
    return this.#parts.publisher.send(`${topic}/result`, result)
  }

  #finished(name: string): void {
    const left = (this.#running.get(name) ?? 1) - 1
    if (left > 0) this.#running.set(name, left)
    else this.#running.delete(name)
  }
}

/** The same words to the same topic from the same user; a number that is used for another command is another command. */
const keyOf = (who: MqttPrincipal, topic: string, payload: Buffer): string =>
  createHash('sha256').update(`${who.name}\n${topic}\n`).update(payload).digest('base64')
