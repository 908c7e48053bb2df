/** A filter of one session, as its client asked for it. */
export interface LastingSubscription {
  readonly clientId: string
  readonly topic: string
  readonly qos: 0 | 1 | 2
}

interface Branch {
  readonly below: Map<string, Branch>
  /** By client id. */
  readonly here: Map<string, LastingSubscription>
}

const newBranch = (): Branch => ({ below: new Map(), here: new Map() })
const nobody: LastingSubscription[] = []

/** Filters by their levels, so that a message costs as much as its topic is deep and not as there are filters. */
export class SubscriptionTree {
  readonly #root = newBranch()
  size = 0

  add(subscription: LastingSubscription): void {
    let branch = this.#root
    for (const level of subscription.topic.split('/')) {
      let next = branch.below.get(level)
      if (next === undefined) {
        next = newBranch()
        branch.below.set(level, next)
      }
      branch = next
    }
    if (!branch.here.has(subscription.clientId)) this.size++
    branch.here.set(subscription.clientId, subscription)
  }

  remove(filter: string, clientId: string): void {
    const path: [Branch, string][] = []
    let branch = this.#root
    for (const level of filter.split('/')) {
      const next = branch.below.get(level)
      if (next === undefined) return
      path.push([branch, level])
      branch = next
    }
    if (branch.here.delete(clientId)) this.size--
    for (const [parent, level] of path.reverse()) {
      if (branch.here.size > 0 || branch.below.size > 0) return
      parent.below.delete(level)
      branch = parent
    }
  }

  /** All whose filter fits (MQTT 3.1.1 §4.7), wider filters first. Must not be changed. */
  match(topic: string): readonly LastingSubscription[] {
    if (this.size === 0) return nobody
    const found: LastingSubscription[] = []
    collect(this.#root, topic.split('/'), 0, found)
    return found
  }
}

function collect(
  { below, here }: Branch,
  levels: readonly string[],
  at: number,
  found: LastingSubscription[],
): void {
  const level = levels[at]
  // [MQTT-4.7.2-1]: topics of the server itself are not for a wildcard at the beginning.
  const wild = at > 0 || level?.startsWith('$') !== true
  if (wild) for (const each of below.get('#')?.here.values() ?? []) found.push(each)
  if (level === undefined) {
    for (const each of here.values()) found.push(each)
    return
  }
  const any = wild ? below.get('+') : undefined
  if (any !== undefined) collect(any, levels, at + 1, found)
  const same = below.get(level)
  if (same !== undefined) collect(same, levels, at + 1, found)
}
