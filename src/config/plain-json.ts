/** JSON whose objects are safe to merge: `__proto__` keys are taken out. `refused` holds their paths. */
export interface PlainJson {
  readonly value: unknown
  readonly refused: readonly (readonly PropertyKey[])[]
}

/** Throws SyntaxError. A byte order mark, which some editors write, is no fault. */
export function parsePlainJson(text: string): PlainJson {
  const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''))
  const refused: PropertyKey[][] = []
  const rest: { node: unknown; path: PropertyKey[] }[] = [{ node: value, path: [] }]
  // A list of its own instead of recursion: a file may nest deeper than the stack.
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const { node, path } = next
    if (typeof node !== 'object' || node === null) continue
    if (Object.hasOwn(node, '__proto__')) {
      refused.push([...path, '__proto__'])
      Reflect.deleteProperty(node, '__proto__')
    }
    for (const [key, part] of Object.entries(node)) {
      rest.push({ node: part, path: [...path, Array.isArray(node) ? Number(key) : key] })
    }
  }
  return { value, refused }
}
