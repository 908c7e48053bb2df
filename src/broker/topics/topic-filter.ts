const [slash, plus, hash, dollar] = [47, 43, 35, 36]

/** Whether a topic fits a filter (MQTT 3.1.1 §4.7). Both are taken to be well formed. */
export function matches(filter: string, topic: string): boolean {
  // [MQTT-4.7.2-1]: topics of the server itself are not for a wildcard at the beginning.
  if (topic.charCodeAt(0) === dollar && filter.charCodeAt(0) !== dollar) return false
  let at = 0
  for (let i = 0; i < filter.length; i++) {
    const code = filter.charCodeAt(i)
    if (code === hash) return true
    if (code === plus) {
      while (at < topic.length && topic.charCodeAt(at) !== slash) at++
    } else if (at < topic.length && topic.charCodeAt(at) === code) at++
    // "a/#" fits "a" as well.
    else return at === topic.length && i === filter.length - 2 && code === slash && filter.endsWith('#')
  }
  return at === topic.length
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
