import type { BrokerPart, BrokerPort } from '../broker/broker-port.ts'
import type { Clock } from '../kernel/clock.ts'
import type { AppError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Link } from '../link/link.ts'
import type { SerialBridgeView } from '../wire/serial-bridge.ts'
import type { BridgeSettings } from './bridge-settings.ts'
import { bridgeTopics } from './bridge-topics.ts'
import { SerialBridge } from './serial-bridge.ts'

export interface BridgedLine {
  readonly settings: BridgeSettings
  /** One try to open the line; rejects with an AppError. */
  readonly open: () => Promise<Link>
}

export interface SerialBridgesOptions {
  readonly lines: readonly BridgedLine[]
  readonly clock: Clock
  readonly log: Log
  readonly random?: () => number
}

/** Every bridged line of the configuration. */
export class SerialBridges implements BrokerPart {
  readonly #options: SerialBridgesOptions
  #bridges: readonly SerialBridge[] = []
  #ends: readonly (() => void)[] = []

  constructor(options: SerialBridgesOptions) {
    this.#options = options
  }

  async start(port: BrokerPort): Promise<void> {
    const { lines, clock, log, random = Math.random } = this.#options
    const { publisher } = port
    this.#bridges = lines.map(({ settings, open }) => {
      return new SerialBridge({ settings, open, publisher, clock, log, random })
    })
    this.#ends = this.#bridges.flatMap(bridge => {
      const { tx } = bridgeTopics(bridge.settings.topic)
      return [
        port.beforeAcknowledged(tx, async ({ payload }) => bridge.accepting(payload)),
        // Of QoS 2 it comes once, however often the client has had to repeat it. Who is no client was not asked for.
        port.onMessage(tx, ({ payload, qos, clientId }) =>
          bridge.send(payload, qos > 0 && clientId !== undefined),
        ),
      ]
    })
    for (const bridge of this.#bridges) bridge.start()
  }

  async stop(): Promise<void> {
    for (const end of this.#ends) end()
    this.#ends = []
    await Promise.all(this.#bridges.map(bridge => bridge.stop()))
  }

  view(): readonly SerialBridgeView[] {
    return this.#bridges.map(bridge => bridge.view())
  }

  /** Why the line of this address is not open; undefined: it is, or there is none. */
  trouble(address: string): AppError | undefined {
    return this.#bridges.find(({ settings }) => settings.address === address)?.trouble
  }
}
