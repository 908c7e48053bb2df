import type { TopicMap } from './topic-map.ts'

/** Home Assistant's discovery with whatever prefix: PREFIX/COMPONENT/OBJECT/config, and sometimes a level before OBJECT. */
const discovery = /^(?!pixelgate\/)[^/]+(?:\/[^/]+){2,}\/config$/
/** Keys of its messages that hold a topic: `state_topic` or `stat_t`, `topic` or `t`, and the base `~`. */
const topicKey = /^(~|t|topic|.+_topic|.+_t)$/
/** Discovery messages are a few levels deep. What goes further is none, and would be a stack of its sender's choice. */
const maxDepth = 32

export const isDiscovery = (topic: string): boolean => discovery.test(topic)

/**
 * A discovery message whose topics are those of the broker above. Byte for byte as it was where none of them is another one there, or
 * where it is no discovery message after all: others may have their own meaning of `config`.
 */
export function discoveryForAbove(payload: Uint8Array, map: TopicMap): Uint8Array {
  try {
    const json: unknown = JSON.parse(Buffer.from(payload).toString('utf8'))
    const above = mapped(json, map, 0)
    return above === json ? payload : Buffer.from(JSON.stringify(above))
  } catch {
    return payload
  }
}

/** The same object where nothing in it is another one above. */
function mapped(value: unknown, map: TopicMap, depth: number): unknown {
  if (depth > maxDepth) throw new RangeError('no discovery message')
  if (typeof value !== 'object' || value === null) return value
  const before = Object.entries(value)
  const after = before.map(([key, each]) => [
    key,
    typeof each === 'string' && topicKey.test(key) ? topicOf(each, map) : mapped(each, map, depth + 1),
  ])
  if (after.every(([, each], at) => each === before[at]?.[1])) return value
  return Array.isArray(value) ? after.map(([, each]) => each) : Object.fromEntries(after)
}

/** `~` before or behind stands for the base, which is mapped where it is. */
const topicOf = (text: string, map: TopicMap): string =>
  text.startsWith('~') || text.endsWith('~') ? text : map.toRemote(text)
