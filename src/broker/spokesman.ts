import type { PublishPacket } from 'aedes'
import type { MqttPrincipal } from '../account/mqtt-users.ts'
import type { BrokerMessage } from './broker-port.ts'
import type { MqttAct, Verdict } from './policy.ts'

interface SpokesmanParts {
  readonly publish: (packet: PublishPacket, done: (error?: Error) => void) => void
  readonly decide: (who: MqttPrincipal, act: MqttAct) => Verdict
  /** Tells the sender of a command that it is refused. */
  readonly refuse: (topic: string, payload: Buffer, reason: 'retained_command' | 'command') => void
}

/** For what the configuration lets in without a name: whatever can be asked for must not be retained, whoever asks. */
const nameless: MqttPrincipal = { name: '', access: 'control', boardId: null }

/** Publishes for those who are no clients, in their name and with their rights. */
export class Spokesman {
  readonly #parts: SpokesmanParts
  /** aedes hands on the payload as the object that it is. */
  readonly #speakers = new WeakMap<Buffer, MqttPrincipal>()

  constructor(parts: SpokesmanParts) {
    this.#parts = parts
  }

  async publish(
    who: MqttPrincipal | undefined,
    { topic, payload, retain }: Pick<BrokerMessage, 'topic' | 'payload' | 'retain'>,
  ): Promise<Verdict> {
    const verdict = this.#parts.decide(who ?? nameless, { type: 'publish', topic, retain })
    if (!verdict.allowed && (who !== undefined || verdict.reason === 'retained_command')) {
      if (verdict.reason === 'retained_command' || verdict.reason === 'command')
        this.#parts.refuse(topic, payload, verdict.reason)
      return verdict
    }
    if (who !== undefined) this.#speakers.set(payload, who)
    await new Promise<void>((resolve, reject) =>
      this.#parts.publish({ cmd: 'publish', topic, payload, qos: 1, retain, dup: false }, error =>
        error ? reject(error) : resolve(),
      ),
    )
    return { allowed: true }
  }

  /** The message with its speaker, where it has one. */
  named(message: BrokerMessage): BrokerMessage {
    const who = message.who === undefined ? this.#speakers.get(message.payload) : undefined
    return who === undefined ? message : { ...message, who }
  }
}
