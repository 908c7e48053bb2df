import type { BrokerMessage, BrokerPort } from '../broker-port.ts'
import { matches } from '../topics/topic-filter.ts'
import { commandFilters, rootTopic } from '../topics/topics.ts'

/** Commands of every kind: they come down and never go up. */
export const downward = (gatewayId: string): readonly string[] => {
  const own = `${rootTopic}/${gatewayId}`
  return [
    ...commandFilters(gatewayId),
    `${own}/+/light/set`,
    `${own}/+/update/set`,
    `${own}/gpio/+/cmd/+`,
    `${own}/serial/+/tx`,
  ]
}

/** What a board and its gateway have to say to each other alone. */
const inner = (gatewayId: string): readonly string[] => {
  const own = `${rootTopic}/${gatewayId}`
  const blocks = ['offer', 'get', 'data', 'abort'].map(kind => `${own}/+/upload/+/${kind}`)
  return [...blocks, `${own}/+/frames/#`]
}

/** Which messages go up: those that fit `out`, without commands, and without what has come down. */
export class OutFilters {
  readonly filters: readonly string[]
  readonly #never: readonly string[]
  readonly #status: string

  constructor(
    gatewayId: string,
    out: readonly string[] | null,
    topics: BrokerPort['topics'],
    commands: boolean,
  ) {
    const own = `${rootTopic}/${gatewayId}`
    const results = commands
      ? [`${own}/cmd/+/result`, `${own}/+/cmd/+/result`, `${own}/gpio/+/cmd/+/result`]
      : []
    this.filters = withoutCovered([...(out ?? [`${own}/#`]), ...results])
    this.#never = [...downward(gatewayId), ...inner(gatewayId)]
    // The connection itself says it, as its will does.
    this.#status = topics.status
  }

  /** Whether a topic goes up; `by`: the filter that heard of it, so that one of several filters counts. */
  goesUp(topic: string, by: string): boolean {
    return this.filters.find(filter => matches(filter, topic)) === by && this.admits(topic)
  }

  admits(topic: string): boolean {
    return topic !== this.#status && !this.#never.some(filter => matches(filter, topic))
  }
}

/** Without those that another one contains, as far as `#` shows it. */
const withoutCovered = (filters: readonly string[]): readonly string[] =>
  [...new Set(filters)].filter(
    filter => !filters.some(other => other !== filter && other.endsWith('#') && matches(other, filter)),
  )

/** QoS 1 and 2 of clients are promised before they are acknowledged, so they are not heard of again. */
export const isPromised = ({ who, qos }: BrokerMessage): boolean => who !== undefined && qos > 0
