import { overlaps } from '../topics/topic-filter.ts'

/** Topics that begin with the levels of `local` begin with those of `remote` above. */
export interface TopicPrefix {
  readonly local: string
  readonly remote: string
}

export interface TopicMapOptions {
  readonly prefixes: readonly TopicPrefix[]
  /** `.`, blanks and `%` go as `%2E`, `%20` and `%25`: for engines that make words of their own of them. */
  readonly escape: boolean
}

const escaped = /[.% ]/g
const unescaped = /%(2E|20|25)/gi

/** What a topic here is called at the broker above, and back. */
export class TopicMap {
  readonly #prefixes: readonly TopicPrefix[]
  readonly #escape: boolean

  constructor({ prefixes, escape: escapes }: TopicMapOptions) {
    this.#prefixes = prefixes
    this.#escape = escapes
  }

  /** Also of a filter whose first levels are those of a prefix. */
  toRemote(topic: string): string {
    const mapped = this.#swap(topic, 'local', 'remote')
    return this.#escape
      ? mapped.replace(escaped, each => `%${each.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
      : mapped
  }

  toLocal(topic: string): string {
    const plain = this.#escape
      ? topic.replace(unescaped, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
      : topic
    return this.#swap(plain, 'remote', 'local')
  }

  /** The longest prefix that fits. */
  #swap(topic: string, from: 'local' | 'remote', to: 'local' | 'remote'): string {
    let best: TopicPrefix | undefined
    for (const prefix of this.#prefixes)
      if (begins(topic, prefix[from]) && prefix[from].length > (best?.[from].length ?? -1)) best = prefix
    return best === undefined ? topic : best[to] + topic.slice(best[from].length)
  }
}

const begins = (topic: string, prefix: string): boolean => topic === prefix || topic.startsWith(`${prefix}/`)

/** Filters of both directions that have a topic in common: a message could go round between them. */
export const loops = (
  out: readonly string[],
  incoming: readonly string[],
): readonly (readonly [string, string])[] =>
  out.flatMap(one => incoming.flatMap(other => (overlaps(one, other) ? [[one, other] as const] : [])))
