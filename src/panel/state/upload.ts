import { signal } from '@preact/signals'
import type { JobView } from '../../wire/job.ts'
import type { CandidateView, PatternView, StoredPatternView } from '../../wire/pattern.ts'
import type { BoardFit, PatternFitView } from '../../wire/pattern-fit.ts'
import { get, post, sendFile, withQuery } from '../api.ts'
import { formatBytes } from '../model/format.ts'
import { asTrouble, Trouble } from '../model/problem.ts'
import { type Pace, withDone } from '../model/progress.ts'
import { take } from './jobs.ts'
import type { Reading } from './previews.ts'
import { go } from './router.ts'
import { say } from './toasts.ts'
import { TusUpload, type UploadNews } from './tus-upload.ts'

/** The largest file that the gateway takes, so that nobody waits for a refusal. */
export const maxFileBytes = 64 * 1024 * 1024

/** Smaller ones are not worth three requests. */
const wholeUpToBytes = 256 * 1024

export type FileState =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'sending'
      readonly name: string
      readonly sizeBytes: number
      readonly sentBytes: number
      readonly pace: Pace | undefined
      /** Why nothing goes at this moment; null: it goes. */
      readonly waitsFor: Trouble | null
      readonly abort: () => void
    }
  | { readonly kind: 'failed'; readonly file: File; readonly trouble: Trouble }

interface Upload {
  /** Id of the pattern; null: it was stopped or left. Rejects with a Trouble. */
  run(): Promise<string | null>
  stop(): void
  leave(): void
}

/** The file on its way from this device to the gateway. */
export const sending = signal<FileState>({ kind: 'none' })
/** The last file that arrived, so that its page need not ask for what is known. */
export const arrived = signal<StoredPatternView | null>(null)

let current: Upload | undefined

/** Sends a file and goes to the page where its reading is chosen. */
export async function uploadFile(file: File, raw = false): Promise<void> {
  go({ page: 'upload', patternId: null })
  const before = sending.peek()
  if (before.kind === 'sending')
    return say(`${before.name} is on its way still. Stop it, or wait until it is there.`, 'bad')
  if (file.size > maxFileBytes) {
    const most = formatBytes(maxFileBytes)
    const message = `It has ${formatBytes(file.size)}; the gateway takes files up to ${most}.`
    sending.value = { kind: 'failed', file, trouble: new Trouble(413, 'file_too_large', message) }
    return
  }
  const tell = (news: UploadNews) => {
    const now = sending.peek()
    if (current === upload && now.kind === 'sending')
      sending.value = { ...now, ...news, pace: withDone(now.pace, news.sentBytes, performance.now()) }
  }
  const upload = file.size <= wholeUpToBytes ? wholeUpload(file, raw, tell) : new TusUpload(file, raw, tell)
  current = upload
  sending.value = {
    kind: 'sending',
    ...{ name: file.name, sizeBytes: file.size, sentBytes: 0, pace: undefined, waitsFor: null },
    abort: () => {
      upload.stop()
      drop(upload)
    },
  }
  try {
    const patternId = await upload.run()
    if (drop(upload) && patternId !== null) go({ page: 'upload', patternId })
  } catch (thrown) {
    if (drop(upload)) sending.value = { kind: 'failed', file, trouble: asTrouble(thrown) }
  }
}

/** Nothing of it stays for the next person; whoever began it may go on with the same file. */
export function leaveUpload(): void {
  current?.leave()
  current = undefined
  sending.value = { kind: 'none' }
  arrived.value = null
}

/** False: it is no longer the one that is shown. */
function drop(upload: Upload): boolean {
  if (current !== upload) return false
  current = undefined
  sending.value = { kind: 'none' }
  return true
}

function wholeUpload(file: File, raw: boolean, tell: (news: UploadNews) => void): Upload {
  const path = withQuery('/patterns', { name: file.name, raw: raw ? 'true' : undefined })
  const end = new AbortController()
  const leave = () => end.abort()
  return {
    stop: leave,
    leave,
    async run() {
      const onProgress = (sentBytes: number) => tell({ sentBytes, waitsFor: null })
      const stored = await sendFile<StoredPatternView>(path, file, { signal: end.signal, onProgress })
      arrived.value = stored
      return stored.pattern.id
    },
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
