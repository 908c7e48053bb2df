/** One animation frame for all canvases of the page, and none while nobody looks. */
const listeners = new Set<(nowMs: number) => void>()
let request: number | undefined

function turn(nowMs: number): void {
  request = listeners.size > 0 ? requestAnimationFrame(turn) : undefined
  for (const listener of listeners) listener(nowMs)
}

/** Calls before each repaint until the returned function is called. */
export function onFrame(listener: (nowMs: number) => void): () => void {
  listeners.add(listener)
  request ??= requestAnimationFrame(turn)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0 || request === undefined) return
    cancelAnimationFrame(request)
    request = undefined
  }
}
