import { z } from 'zod'

/** First levels that no list of a user reaches, whatever its wildcards: their topics have rules of their own. */
const closedLevels: readonly string[] = ['pixelgate', 'homeassistant']
const maxFilterLength = 256
const maxFilterLevels = 16
const maxFilters = 32

/** What no topic may have: control characters, and halves of characters (MQTT 3.1.1 §1.5.3). */
const badCharacters = /[\p{Cc}\p{Cs}]/u

/** Whether it is a filter (MQTT 3.1.1 §4.7) whose first level names neither a topic of the gateway nor of the server itself. */
function isRoomFilter(filter: string): boolean {
  const levels = filter.split('/')
  const [first = ''] = levels
  return (
    filter !== '' &&
    filter.length <= maxFilterLength &&
    levels.length <= maxFilterLevels &&
    !first.startsWith('$') &&
    !closedLevels.includes(first) &&
    !badCharacters.test(filter) &&
    levels.every((level, at) =>
      level === '#' ? at === levels.length - 1 : level === '+' || !/[+#]/.test(level),
    )
  )
}

/** Filters for the topics of the room: what others than boards and the gateway speak about. */
export const roomFilters = z
  .array(
    z
      .string()
      .refine(
        isRoomFilter,
        'must be a topic filter outside of pixelgate/, homeassistant/ and $, such as tele/plug/#',
      ),
  )
  .max(maxFilters)
