import type { z } from 'zod'
import { type ConfigFault, formatPath, kindOfValue, type Origin, wordsOf } from './fault.ts'
import { type Leaf, leaves, parseText } from './leaf.ts'
import { parsePlainJson } from './plain-json.ts'

export interface ConfigFile {
  readonly path: string
  readonly text: string
}

interface Tree {
  [key: string]: unknown
  stateDir?: unknown
  controlSocket?: unknown
}

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const byDefault: Origin = { layer: 'default', name: '' }

/** The layers, laid over each other, before the schema looks at them. */
export class Layers {
  readonly tree: Tree
  readonly faults: ConfigFault[] = []
  readonly origin = new Map<string, Origin>()
  /** Of what no variable and no flag has set. */
  readonly #base: Origin

  constructor(file: ConfigFile | undefined) {
    this.#base = file ? { layer: 'file', name: file.path } : byDefault
    this.tree = file ? this.#read(file) : {}
    for (const { path } of leaves) {
      this.origin.set(path, at(this.tree, path.split('.')) === undefined ? byDefault : this.#base)
    }
  }

  #read(file: ConfigFile): Tree {
    try {
      const { value, refused } = parsePlainJson(file.text)
      this.#refuse(refused, this.#base)
      if (isTree(value)) return value
      this.#fault('', this.#base, 'must be an object', value)
    } catch (error) {
      this.faults.push({
        path: '',
        origin: this.#base,
        kind: undefined,
        message: `must be JSON${line(file, error)}`,
      })
    }
    return {}
  }

  set(leaf: Leaf | undefined, text: string | undefined, origin: Origin): void {
    if (text === undefined) return
    if (leaf === undefined) {
      const message = `there is no such ${origin.layer === 'flag' ? 'flag' : 'variable'}`
      this.faults.push({ path: '', origin, kind: undefined, message })
      return
    }
    this.origin.set(leaf.path, origin)
    const value = this.#parse(leaf, text, origin)
    const keys = leaf.path.split('.')
    const last = keys.pop() ?? ''
    let node: unknown = this.tree
    for (const key of keys) {
      if (!isTree(node)) break
      if (node[key] === undefined) node[key] = {}
      node = node[key]
    }
    // Where the file has something else than an object, the schema says so.
    if (isTree(node)) node[last] = value
  }

  #parse(leaf: Leaf, text: string, origin: Origin): unknown {
    if (leaf.kind !== 'json' || text === '') return parseText(leaf, text)
    try {
      const { value, refused } = parsePlainJson(text)
      this.#refuse(refused, origin, leaf.path)
      return value
    } catch {
      return text
    }
  }

  #refuse(paths: readonly (readonly PropertyKey[])[], origin: Origin, leaf = ''): void {
    for (const path of paths) {
      const message = 'there is no such key'
      this.faults.push({
        path: formatPath(leaf === '' ? path : [leaf, ...path]),
        origin,
        kind: undefined,
        message,
      })
    }
  }

  #fault(path: string, origin: Origin, message: string, value: unknown): void {
    this.faults.push({ path, origin, kind: kindOfValue(value), message })
  }

  faultsOf(issue: z.core.$ZodIssue): ConfigFault[] {
    const origin = this.#originOf(issue.path)
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map(key => {
        const path = formatPath([...issue.path, key])
        return { path, origin, kind: undefined, message: 'there is no such key' }
      })
    }
    const kind = kindOfValue(at(this.tree, issue.path))
    return [{ path: formatPath(issue.path), origin, kind, message: wordsOf(issue) }]
  }

  #originOf(path: readonly PropertyKey[]): Origin {
    const text = formatPath(path)
    const leaf = leaves.find(
      each => text === each.path || text.startsWith(`${each.path}[`) || text.startsWith(`${each.path}.`),
    )
    return (leaf && this.origin.get(leaf.path)) ?? this.#base
  }
}

/** Where the JSON breaks off. V8's own words quote the file, which must not reach a log. */
function line(file: ConfigFile, error: unknown): string {
  const position = /at position (\d+)/.exec(String(error))?.[1]
  return position === undefined
    ? ''
    : `: look at line ${file.text.slice(0, Number(position)).split('\n').length}`
}

function at(tree: unknown, path: readonly PropertyKey[]): unknown {
  let node = tree
  for (const key of path) {
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, key)) return undefined
    node = (node as Record<PropertyKey, unknown>)[key]
  }
  return node
}
