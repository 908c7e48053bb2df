/** When each frame of a loop begins. */
export interface Timeline {
  readonly startsMs: readonly number[]
  readonly lengthMs: number
}

export function timelineOf(delaysMs: readonly number[]): Timeline {
  let at = 0
  const startsMs = delaysMs.map(delay => {
    const start = at
    at += delay
    return start
  })
  return { startsMs, lengthMs: at }
}

/** Frame to show after `elapsedMs` of endless looping. */
export function frameAt({ startsMs, lengthMs }: Timeline, elapsedMs: number): number {
  if (lengthMs <= 0 || startsMs.length < 2) return 0
  const into = ((elapsedMs % lengthMs) + lengthMs) % lengthMs
  let low = 0
  let high = startsMs.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((startsMs[middle] ?? 0) <= into) low = middle
    else high = middle - 1
  }
  return low
}
