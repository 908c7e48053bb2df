import { signal } from '@preact/signals'
import type { JobView } from '../../wire/job.ts'
import type { CandidateView, PatternView, StoredPatternView } from '../../wire/pattern.ts'
import type { BoardFit, PatternFitView } from '../../wire/pattern-fit.ts'
import { get, post, sendFile, withQuery } from '../api.ts'
import { formatBytes } from '../model/format.ts'
import { asTrouble, Trouble } from '../model/problem.ts'
import { take } from './jobs.ts'
import type { Reading } from './previews.ts'
import { go } from './router.ts'

/** The largest file that the gateway takes, so that nobody waits for a refusal. */
export const maxFileBytes = 64 * 1024 * 1024

export type FileState =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'sending'
      readonly name: string
      readonly sizeBytes: number
      readonly sentBytes: number
      readonly abort: () => void
    }
  | { readonly kind: 'failed'; readonly file: File; readonly trouble: Trouble }

/** The file on its way from this device to the gateway. */
export const sending = signal<FileState>({ kind: 'none' })
/** The last file that arrived, so that its page need not ask for what is known. */
export const arrived = signal<StoredPatternView | null>(null)

/** Sends a file and goes to the page where its reading is chosen. */
export async function uploadFile(file: File, raw = false): Promise<void> {
  go({ page: 'upload', patternId: null })
  if (file.size > maxFileBytes) {
    const most = formatBytes(maxFileBytes)
    const message = `It has ${formatBytes(file.size)}; the gateway takes files up to ${most}.`
    sending.value = { kind: 'failed', file, trouble: new Trouble(413, 'file_too_large', message) }
    return
  }
  const path = withQuery('/patterns', { name: file.name, raw: raw ? 'true' : undefined })
  const { answer, abort } = sendFile<StoredPatternView>(path, file, sentBytes => {
    if (sending.peek().kind === 'sending') sending.value = { ...state, sentBytes }
  })
  let stopped = false
  const stop = () => {
    stopped = true
    abort()
  }
  const state = { kind: 'sending', name: file.name, sizeBytes: file.size, sentBytes: 0, abort: stop } as const
  sending.value = state
  try {
    const stored = await answer
    arrived.value = stored
    sending.value = { kind: 'none' }
    go({ page: 'upload', patternId: stored.pattern.id })
  } catch (thrown) {
    sending.value = stopped ? { kind: 'none' } : { kind: 'failed', file, trouble: asTrouble(thrown) }
  }
}

/** A stored pattern with the ways to read it. */
export async function loadPattern(id: string): Promise<StoredPatternView> {
  const known = arrived.peek()
  if (known?.pattern.id === id) return known
  const { pattern } = await get<{ pattern: PatternView }>(`/patterns/${id}`)
  return { pattern, candidates: pattern.raw ? [] : await loadCandidates(id, pattern.reading) }
}

export async function loadCandidates(
  id: string,
  { leds, width, height }: Omit<Reading, 'candidate'>,
): Promise<readonly CandidateView[]> {
  const path = withQuery(`/patterns/${id}/candidates`, { leds, width, height })
  return (await get<{ candidates: readonly CandidateView[] }>(path)).candidates
}

/** For each known board whether the pattern fits, and what would make it fit. */
export async function loadFits(
  id: string,
  { candidate, leds, width, height }: Reading,
  scalePower: boolean,
): Promise<ReadonlyMap<string, BoardFit>> {
  const how = { candidate, leds, width, height, scalePower: scalePower ? 'true' : undefined }
  const { boards } = await get<PatternFitView>(withQuery(`/patterns/${id}/fit`, how))
  return new Map(boards.map(board => [board.boardId, board]))
}

export interface PatternPage {
  readonly patterns: readonly PatternView[]
  readonly total: number
}

export const loadPatterns = (before?: string): Promise<PatternPage> =>
  get<PatternPage>(withQuery('/patterns', { limit: 20, before }))

export interface Order extends Reading {
  readonly patternId: string
  readonly boards: readonly string[]
  readonly raw: boolean
  readonly brightness?: number | undefined
  readonly scalePower?: boolean | undefined
}

/** One job for each board; what is not said stays out of the body. */
export async function orderUpload({
  leds,
  width,
  height,
  candidate,
  brightness,
  scalePower,
  ...order
}: Order): Promise<readonly JobView[]> {
  const { jobs } = await post<{ jobs: readonly JobView[] }>('/jobs', {
    ...order,
    candidate,
    brightness,
    scalePower,
    leds: leds ?? undefined,
    width: width ?? undefined,
    height: height ?? undefined,
  })
  take(jobs)
  return jobs
}
