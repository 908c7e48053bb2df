import type { PreviewView } from '../../wire/pattern.ts'
import { get, withQuery } from '../api.ts'
import { Trouble } from '../model/problem.ts'
import { decodePreview, type Preview } from '../preview/decode.ts'

/** Pictures kept, the latest used last; one of a large board takes some hundred kilobytes. */
const mostPreviews = 32
/** The gateway draws one after the other; a wall of boards asks in turn. */
const mostAtOnce = 4
const kept = new Map<string, Promise<Preview>>()
const queue: (() => void)[] = []
let running = 0

export interface Reading {
  readonly candidate?: number | undefined
  readonly leds?: number | null | undefined
  readonly width?: number | null | undefined
  readonly height?: number | null | undefined
}

export const patternPreview = (patternId: string, { candidate, leds, width, height }: Reading) =>
  load(withQuery(`/patterns/${patternId}/preview`, { candidate, leds, width, height }))

/** What the board plays; `key` changes with its image and its shape. */
export const boardPreview = (boardId: string, key: string) => load(`/boards/${boardId}/preview`, key)

function load(path: string, key = path): Promise<Preview> {
  const known = kept.get(key)
  if (known !== undefined) {
    kept.delete(key)
    kept.set(key, known)
    return known
  }
  const loading = inTurn(() => fetchPreview(path))
  kept.set(key, loading)
  // A failure is not kept, so that the next look asks again.
  loading.catch(() => kept.delete(key))
  if (kept.size > mostPreviews) kept.delete(kept.keys().next().value ?? '')
  return loading
}

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= mostAtOnce) await new Promise<void>(resolve => queue.push(resolve))
  running++
  try {
    return await work()
  } finally {
    running--
    queue.shift()?.()
  }
}

async function fetchPreview(path: string): Promise<Preview> {
  const preview = decodePreview(await get<PreviewView>(path))
  if (preview === undefined) throw new Trouble(0, 'internal', 'The preview of the gateway cannot be read.')
  return preview
}
