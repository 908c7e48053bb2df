/** `TAG:read`, `TAG:write`, `TAG:*`, `*:read` or `*`. */
const shape = /^(\*|\*:read|[a-z][a-z0-9-]{0,31}:(read|write|\*))$/

/** What is wrong with a scope, in words; undefined: nothing. `tags`: those that there are. */
export function scopeFault(scope: string, tags: ReadonlySet<string>): string | undefined {
  if (!shape.test(scope))
    return `"${scope}" is no scope: such as boards:read, jobs:write, rooms:*, *:read or *`
  const [tag = ''] = scope.split(':')
  if (tag === '*' || tags.has(tag)) return undefined
  return `"${tag}" is nothing that the API has; it has ${[...tags].sort().join(', ')}`
}

/** Whether one of the scopes allows what is asked (`TAG:read` or `TAG:write`). Writing includes reading. */
export function allows(scopes: readonly string[], asked: string): boolean {
  const [tag = '', how = ''] = asked.split(':')
  return scopes.some(scope => {
    if (scope === '*') return true
    const [ofTag, right] = scope.split(':')
    if (ofTag === '*') return right === 'read' && how === 'read'
    return ofTag === tag && (right === '*' || right === 'write' || right === how)
  })
}
