interface Node<T> {
  readonly children: Map<string, Node<T>>
  readonly values: Set<T>
}

const empty = <T>(): Node<T> => ({ children: new Map(), values: new Set() })

/** Values by topic filter, found by topic (MQTT 3.1.1 §4.7) in as many steps as the topic has levels. */
export class FilterTree<T> {
  readonly #root: Node<T> = empty()

  add(filter: string, value: T): void {
    let node = this.#root
    for (const level of filter.split('/')) {
      const child = node.children.get(level) ?? empty<T>()
      node.children.set(level, child)
      node = child
    }
    node.values.add(value)
  }

  remove(filter: string, value: T): void {
    remove(this.#root, filter.split('/'), 0, value)
  }

  /** Of all filters that fit, `$` topics among them: whether a wildcard may have those is not decided here. */
  match(topic: string): T[] {
    const found: T[] = []
    collect(this.#root, topic.split('/'), 0, found)
    return found
  }
}

function collect<T>(node: Node<T>, levels: readonly string[], at: number, found: T[]): void {
  const rest = node.children.get('#')
  if (rest !== undefined) found.push(...rest.values)
  const level = levels[at]
  if (level === undefined) {
    found.push(...node.values)
    return
  }
  const same = node.children.get(level)
  if (same !== undefined) collect(same, levels, at + 1, found)
  const any = node.children.get('+')
  if (any !== undefined) collect(any, levels, at + 1, found)
}

/** Leaves no empty branch behind. */
function remove<T>(node: Node<T>, levels: readonly string[], at: number, value: T): void {
  const level = levels[at]
  if (level === undefined) {
    node.values.delete(value)
    return
  }
  const child = node.children.get(level)
  if (child === undefined) return
  remove(child, levels, at + 1, value)
  if (child.values.size === 0 && child.children.size === 0) node.children.delete(level)
}
