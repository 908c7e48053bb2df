import { z } from 'zod'

const topic = z
  .string()
  .max(128)
  .regex(
    /^(?!pixelgate(\/|$))[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/,
    'must be a topic of letters, digits, _ and -, such as homeassistant, and not below pixelgate',
  )

/** What Home Assistant finds by itself on the broker (docs/home-assistant.md). */
export const homeAssistantSchema = z.strictObject({
  /** false: what it has found is taken away again. */
  enabled: z.boolean().default(true),
  /** The discovery prefix that is set in Home Assistant. */
  prefix: topic.default('homeassistant'),
  /** Where Home Assistant says that it is there; null: PREFIX/status. */
  birthTopic: topic.nullable().default(null),
})
