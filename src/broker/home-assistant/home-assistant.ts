import type { BrokerPart } from '../broker-port.ts'
import { BirthReplay } from './birth-replay.ts'
import { configTopic, deviceId } from './discovery-payload.ts'
import { Presence, type PresenceParts } from './presence.ts'

export interface HomeAssistantSettings {
  readonly enabled: boolean
  readonly prefix: string
  /** null: PREFIX/status. */
  readonly birthTopic: string | null
}

export type HomeAssistantParts = Omit<PresenceParts, 'prefix' | 'birthTopic'>

/** Lets Home Assistant find the gateway and its boards; when it is off, it takes back what was there to be found. */
export function homeAssistant(
  { enabled, ...settings }: HomeAssistantSettings,
  parts: HomeAssistantParts,
): BrokerPart {
  const { prefix, birthTopic = null } = settings
  const places = { prefix, birthTopic: birthTopic ?? `${prefix}/status` }
  return enabled ? present(parts, places) : absent(parts, places)
}

type Places = Pick<PresenceParts, 'prefix' | 'birthTopic'>

function present(parts: HomeAssistantParts, places: Places): BrokerPart {
  let presence: Presence | undefined
  return {
    async start(port) {
      presence = new Presence({ ...parts, ...places }, port)
      await presence.start()
    },
    stop: async () => presence?.stop(),
  }
}

/** Home Assistant forgets a device when its topic is cleared while it listens, so it is told again whenever it comes. */
function absent(parts: HomeAssistantParts, { prefix, birthTopic }: Places): BrokerPart {
  const { core, gatewayId, clock, random } = parts
  let stop = () => {}
  return {
    async start({ topics, publisher, onMessage, retained }) {
      const clear = async () => {
        const known = (await core.book.list()).map(({ id }): string => id)
        // Those that speak for themselves are in no book.
        const speaking = [...retained([`${topics.own}/+/info`])].map(({ topic }) => topic.split('/')[2])
        for (const id of [...new Set([...known, ...speaking]), undefined])
          await publisher.clear(configTopic(prefix, deviceId(gatewayId, id)))
      }
      // What the database cannot tell now is cleared at the next birth.
      const replay = new BirthReplay(clock, random, () => void clear().catch(() => undefined))
      const end = onMessage(birthTopic, ({ payload }) => replay.hear(payload))
      stop = () => {
        end()
        replay.stop()
      }
      await clear()
    },
    stop: async () => stop(),
  }
}
