/** Whether a topic fits a filter (MQTT 3.1.1 §4.7). Both are taken to be well formed. */
export function matches(filter: string, topic: string): boolean {
  // [MQTT-4.7.2-1]: topics of the server itself are not for a wildcard at the beginning.
  if (topic.startsWith('$') && !filter.startsWith('$')) return false
  const wanted = filter.split('/')
  const levels = topic.split('/')
  for (const [i, level] of wanted.entries()) {
    if (level === '#') return true
    if (i >= levels.length) return false
    if (level !== '+' && level !== levels[i]) return false
  }
  return wanted.length === levels.length
}

/** Whether some topic fits both filters. */
export function overlaps(a: string, b: string): boolean {
  if (a.startsWith('$') !== b.startsWith('$')) return false
  const one = a.split('/')
  const other = b.split('/')
  for (let i = 0; ; i++) {
    const [x, y] = [one[i], other[i]]
    if (x === '#' || y === '#') return true
    if (x === undefined || y === undefined) return x === y
    if (x !== y && x !== '+' && y !== '+') return false
  }
}
