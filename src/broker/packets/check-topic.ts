import { badText, type Violation } from './violation.ts'

/** Ours have six at most. */
const maxTopicLevels = 16
const maxTopicBytes = 512

/** The name of a topic to publish to, also of a will; undefined: it was no text. */
export function checkTopic(topic: string | undefined): Violation | undefined {
  if (topic === undefined) return badText
  if (/[+#]/.test(topic)) return { clause: 'MQTT-3.3.2-2', reason: 'a wildcard in the topic of a message' }
  return checkExtent(topic)
}

/** A filter of SUBSCRIBE or UNSUBSCRIBE (§4.7.1). */
export function checkFilter(filter: string | undefined): Violation | undefined {
  if (filter === undefined) return badText
  const levels = filter.split('/')
  for (const [i, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || i < levels.length - 1))
      return { clause: 'MQTT-4.7.1-2', reason: '# is not the whole last level' }
    if (level.includes('+') && level !== '+')
      return { clause: 'MQTT-4.7.1-3', reason: '+ is not a whole level' }
  }
  return checkExtent(filter)
}

function checkExtent(topic: string): Violation | undefined {
  if (topic === '') return { clause: 'MQTT-4.7.3-1', reason: 'an empty topic' }
  if (Buffer.byteLength(topic) > maxTopicBytes)
    return { clause: 'limit', reason: `a topic of more than ${maxTopicBytes} bytes` }
  if (topic.split('/').length > maxTopicLevels)
    return { clause: 'limit', reason: `a topic of more than ${maxTopicLevels} levels` }
  return undefined
}
