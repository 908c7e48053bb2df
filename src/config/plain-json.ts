/** JSON whose objects are safe to merge: `__proto__` keys are taken out. `refused` holds their paths. */
export interface PlainJson {
  readonly value: unknown
  readonly refused: readonly (readonly PropertyKey[])[]
}

interface Node {
  readonly value: unknown
  readonly key: PropertyKey
  readonly parent: Node | undefined
}

/** Throws SyntaxError. A byte order mark, which some editors write, is no fault. */
export function parsePlainJson(text: string): PlainJson {
  const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''))
  const refused: PropertyKey[][] = []
  // A list of its own instead of recursion: the text may nest deeper than the stack.
  const rest: Node[] = [{ value, key: '', parent: undefined }]
  for (let node = rest.pop(); node !== undefined; node = rest.pop()) {
    const object = node.value
    if (typeof object !== 'object' || object === null) continue
    if (Object.hasOwn(object, '__proto__')) {
      refused.push([...pathOf(node), '__proto__'])
      Reflect.deleteProperty(object, '__proto__')
    }
    for (const [key, part] of Object.entries(object)) {
      rest.push({ value: part, key: Array.isArray(object) ? Number(key) : key, parent: node })
    }
  }
  return { value, refused }
}

function pathOf(node: Node): PropertyKey[] {
  const path: PropertyKey[] = []
  for (let each = node; each.parent !== undefined; each = each.parent) path.unshift(each.key)
  return path
}
