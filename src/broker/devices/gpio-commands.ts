import { createHash } from 'node:crypto'
import type { MqttPrincipal } from '../../account/mqtt-users.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import type { GpioView } from '../../wire/gpio.ts'
import type { LineResultView } from '../../wire/mqtt.ts'
import type { BrokerMessage, BrokerPart, BrokerPort, RefusedCommand } from '../broker-port.ts'
import type { Publisher } from '../publisher.ts'
import { gpioCommandTopic } from '../topics/topics.ts'
import { type LineCommand, readLineCommand } from './parse-line-command.ts'
import { RecentCommands } from './recent-commands.ts'

/** Commands under way: a pulse takes as long as it lasts. */
const mostRunning = 32

/** The lines that may be switched. */
export interface GpioOutputs {
  view(): GpioView
  /** Rejects with an AppError for what is no output. */
  set(name: string, active: boolean): Promise<void>
  /** Resolves at the end of the pulse. */
  pulse(name: string, ms: number): Promise<void>
}

export interface GpioCommandsOptions {
  readonly gpio: GpioOutputs
  readonly clock: Clock
  readonly log: Log
  /** Hears of every command that was carried out. */
  readonly onCommand?: ((who: MqttPrincipal, topic: string, result: LineResultView) => void) | undefined
}

/** Outputs on topics: `set` and `pulse` of each are answered once at `…/cmd/NAME/result`. */
export class GpioCommands implements BrokerPart {
  readonly #options: GpioCommandsOptions
  readonly #recent: RecentCommands
  #publisher: Publisher | undefined
  #levelOf: (name: string) => string = name => name
  #running = 0
  #ends: readonly (() => void)[] = []

  constructor(options: GpioCommandsOptions) {
    this.#options = options
    this.#recent = new RecentCommands(options.clock)
  }

  async start({ topics, publisher, onMessage, onRefused }: BrokerPort): Promise<void> {
    this.#publisher = publisher
    this.#levelOf = name => gpioCommandTopic(topics.gpio(name).state).line
    this.#ends = [
      onMessage(topics.gpioCommands, message => void this.#handle(message)),
      onRefused(topics.gpioCommands, command => this.#refused(command)),
    ]
  }

  async stop(): Promise<void> {
    for (const end of this.#ends) end()
    this.#ends = []
  }

  async #handle({ who, topic, payload }: BrokerMessage): Promise<void> {
    if (who === undefined) return
    const { line, command: name } = gpioCommandTopic(topic)
    const { correlationId, command } = readLineCommand(name, payload)
    const answer = (outcome: Pick<LineResultView, 'ok' | 'code' | 'message' | 'active'>): LineResultView => ({
      correlationId,
      command: name,
      ...outcome,
    })
    const failed = ({ code, message }: AppError) => answer({ ok: false, code, message })
    if (!command.ok) return this.#say(topic, failed(command.fault))
    if (this.#running >= mostRunning)
      return this.#say(topic, failed(new AppError('overloaded', 'Too many commands are under way.')))
    const key = correlationId === null ? undefined : keyOf(who, topic, payload)
    const known = key === undefined ? 'new' : this.#recent.begin(key)
    if (known === 'running') return
    if (known !== 'new') return this.#say(topic, known)
    this.#running += 1
    const result = await this.#run(line, command.value).then(
      active => answer({ ok: true, active }),
      (thrown: unknown) => {
        if (thrown instanceof AppError) return failed(thrown)
        this.#options.log.error({ err: thrown }, 'a command to a line met a fault of the program')
        return failed(new AppError('gpio_failed', 'The gateway has met a fault of its own. See its log.'))
      },
    )
    this.#running -= 1
    if (key !== undefined) this.#recent.end(key, result)
    this.#options.log.info(
      { user: who.name, topic, ok: result.ok, code: result.code ?? null },
      'MQTT command',
    )
    this.#options.onCommand?.(who, topic, result)
    this.#say(topic, result)
  }

  /** The level afterwards. */
  async #run(level: string, command: LineCommand): Promise<boolean> {
    const { gpio } = this.#options
    const name = gpio.view().lines.find(line => this.#levelOf(line.name) === level)?.name ?? level
    if (command.name === 'set') await gpio.set(name, command.active)
    else await gpio.pulse(name, command.ms)
    return gpio.view().lines.find(line => line.name === name)?.active ?? false
  }

  #refused({ topic, payload, reason }: RefusedCommand): void {
    const { command } = gpioCommandTopic(topic)
    const { correlationId } = readLineCommand(command, payload)
    const fault =
      reason === 'command'
        ? { code: 'forbidden', message: 'This MQTT user may only watch. Commands need the access "control".' }
        : {
            code: 'usage',
            message: 'A command must not be retained: it would run again at each subscription.',
          }
    this.#say(topic, { correlationId, command, ok: false, ...fault })
  }

  #say(topic: string, result: LineResultView): void {
    void this.#publisher?.send(`${topic}/result`, result)
  }
}

const keyOf = ({ name }: MqttPrincipal, topic: string, payload: Buffer): string =>
  createHash('sha256').update(`${name}\n${topic}\n`).update(payload).digest('base64')
