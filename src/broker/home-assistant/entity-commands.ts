import type { MqttPrincipal } from '../../account/mqtt-users.ts'
import { AppError, toError } from '../../kernel/errors.ts'
import { boardId, jobId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import type { BoardCommand } from '../../upload/board-control.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import type { EntityResultPayload, LightCommand } from '../../wire/home-assistant.ts'
import type { CommandResultView } from '../../wire/mqtt.ts'
import type { RefusedCommand } from '../broker-port.ts'
import type { Publisher } from '../publisher.ts'
import type { EntityTopic, GatewayTopics } from '../topics/topics.ts'
import type { ShownUpload } from './board-states.ts'
import { choose, type LitBoard, stepsOf } from './light-switch.ts'
import { merged, readLightCommand, readUpdateCommand } from './read-entity-command.ts'

export interface EntityBoard extends LitBoard {
  readonly upload: ShownUpload | undefined
}

export interface EntityCommandParts {
  readonly core: Pick<GatewayCore, 'control' | 'library' | 'states' | 'uploads'>
  readonly topics: GatewayTopics
  readonly publisher: Publisher
  readonly log: Log
  /** undefined: there is no such board. */
  readonly board: (id: string) => EntityBoard | undefined
  /** The board is not reached by the gateway and takes its commands from its own topics. */
  readonly answersItself: (id: string) => boolean
  readonly onCommand?: ((who: MqttPrincipal, topic: string, result: CommandResultView) => void) | undefined
  /** A command has been carried out, or has failed: what the entities show is to be said again. */
  readonly onDone: (id: string) => void
}

interface Waiting {
  readonly who: MqttPrincipal
  readonly command: LightCommand
}

/**
 * Commands of lights and updates. Of one board one command runs and one waits: what comes meanwhile, as from a slider, is merged
 * into the one that waits.
 */
export class EntityCommands {
  readonly #parts: EntityCommandParts
  readonly #running = new Set<string>()
  readonly #waiting = new Map<string, Waiting>()

  constructor(parts: EntityCommandParts) {
    this.#parts = parts
  }

  /** Never rejects. */
  async handle(who: MqttPrincipal, { boardId: id, entity }: EntityTopic, payload: Buffer): Promise<void> {
    if (this.#parts.board(id) === undefined) {
      const message = `No board has the id "${id}". The topic holds its UUID; see: pixelgate boards`
      return this.#answer(who, { boardId: id, entity }, new AppError('not_found', message))
    }
    if (entity === 'update') return this.#update(who, id, payload)
    const read = readLightCommand(payload)
    if (!read.ok) return this.#answer(who, { boardId: id, entity }, read.fault)
    this.#waiting.set(id, { who, command: merged(this.#waiting.get(id)?.command, read.value) })
    if (this.#running.has(id)) return
    this.#running.add(id)
    for (let next = this.#taken(id); next !== undefined; next = this.#taken(id)) {
      const { command } = next
      await this.#run(next.who, { boardId: id, entity }, () => this.#light(id, next.who, command))
    }
    this.#running.delete(id)
  }

  /** Tells the sender of a command that the policy has stopped. */
  async refuse({ boardId: id, entity }: EntityTopic, reason: RefusedCommand['reason']): Promise<void> {
    const { publisher, topics } = this.#parts
    const answer: EntityResultPayload =
      reason === 'command'
        ? { ok: false, code: 'forbidden', message: 'This MQTT user may only watch.' }
        : { ok: false, code: 'usage', message: 'A command must not be retained.' }
    await publisher.send(topics.board(id)[entity].result, answer)
  }

  #taken(id: string): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }

  async #light(id: string, who: MqttPrincipal, command: LightCommand): Promise<void> {
    const { core, board: boardOf, answersItself } = this.#parts
    const board = boardOf(id)
    if (board === undefined) return
    const itself = answersItself(id)
    for (const step of stepsOf(command, board))
      await (itself
        ? this.#tell(id, step)
        : core.control.act(boardId(id), step, { name: who.name, door: 'mqtt' }))
    const { effect } = command
    if (effect === undefined || command.state === 'OFF') return
    if (itself)
      throw new AppError(
        'usage',
        'The gateway does not know the patterns of this board. Use its own commands.',
      )
    const outcome = await choose(core, board, { effect, who: who.name })
    if (core.states.get(boardId(id))?.mode !== 'stopped') return
    const playing = core.control.act(boardId(id), { type: 'PLAY' }, { name: who.name, door: 'mqtt' })
    // A board that is away or empty plays what is sent to it when it has it.
    await (outcome === 'sent' ? playing.catch(() => undefined) : playing)
  }

  /** What it answers is its own affair. */
  #tell(id: string, step: BoardCommand): Promise<void> {
    const { publisher, topics } = this.#parts
    const body = 'level' in step ? { level: step.level } : 'ms' in step ? { ms: step.ms } : {}
    return publisher.send(topics.command(id, step.type.toLowerCase()), body)
  }

  /** "Install" sends an upload again that has failed. */
  #update(who: MqttPrincipal, id: string, payload: Buffer): Promise<void> {
    return this.#run(who, { boardId: id, entity: 'update' }, async () => {
      const read = readUpdateCommand(payload)
      if (!read.ok) throw read.fault
      const upload = this.#parts.board(id)?.upload
      if (upload?.state !== 'failed')
        throw new AppError(
          'conflict',
          'No upload to this board has failed, so there is nothing to send again.',
        )
      await this.#parts.core.uploads.retry(jobId(upload.jobId), who.name)
    })
  }

  async #run(who: MqttPrincipal, topic: EntityTopic, work: () => Promise<void>): Promise<void> {
    try {
      await work()
      await this.#answer(who, topic)
    } catch (thrown) {
      if (!(thrown instanceof AppError))
        this.#parts.log.error({ err: toError(thrown) }, 'an MQTT command met a fault of the program')
      const message = 'The gateway has a fault of its own. Its log has the details.'
      const fault = thrown instanceof AppError ? thrown : { code: 'internal', message }
      await this.#answer(who, topic, fault)
    }
  }

  async #answer(
    who: MqttPrincipal,
    { boardId: id, entity }: EntityTopic,
    fault?: Pick<EntityResultPayload, 'code' | 'message'>,
  ): Promise<void> {
    const { publisher, topics, log, onCommand, onDone } = this.#parts
    const { set, result } = topics.board(id)[entity]
    const answer: EntityResultPayload =
      fault === undefined ? { ok: true } : { ok: false, code: fault.code ?? '', message: fault.message ?? '' }
    log.info({ user: who.name, topic: set, ok: answer.ok, code: answer.code ?? null }, 'MQTT command')
    onCommand?.(who, set, { correlationId: null, command: entity, ...answer })
    onDone(id)
    await publisher.send(result, answer)
  }
}
