import { Trouble } from './problem.ts'

/**
 * What an upload in pieces (tus 1.0.0, docs/uploads.md) does next: a machine without I/O. The shell (state/tus-upload.ts) waits
 * `waitMs`, does the request that the phase names, and tells what was answered.
 */
export interface UploadState {
  readonly phase: 'create' | 'ask' | 'send' | 'done' | 'failed'
  /** null: the gateway has not named it yet. */
  readonly fileId: string | null
  /** Bytes that the gateway has acknowledged. */
  readonly offset: number
  /** The next piece has at most so many bytes. */
  readonly pieceBytes: number
  /** Requests in vain since the last byte that was acknowledged. */
  readonly attempt: number
  /** Before the next request. */
  readonly waitMs: number
  /** In phase `done`. */
  readonly patternId: string | null
  /** Why it waits or has failed; null: it does neither. */
  readonly trouble: Trouble | null
}

/** What the gateway answered; null where it did not say. */
export interface TusAnswer {
  /** 0: there was no answer. */
  readonly status: number
  /** Last part of Location. */
  readonly fileId: string | null
  /** Upload-Offset. */
  readonly offset: number | null
  /** Upload-Length. */
  readonly sizeBytes: number | null
  /** X-File-State. */
  readonly fileState: string | null
  /** X-Pattern-Id. */
  readonly patternId: string | null
  /** Retry-After. */
  readonly retryAfterMs: number
  /** Of an answer that is none of success. */
  readonly trouble: Trouble | null
}

export const largestPieceBytes = 1024 * 1024
/** A piece with a checksum counts as a whole or not at all. */
export const smallestPieceBytes = 64 * 1024
const firstDelayMs = 500
const longestDelayMs = 60_000

/** 0.5, 1, 2, 4 s … up to a minute. */
export const delayMs = (attempt: number): number =>
  Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(attempt, 16))

/** Whether the same request may succeed later although nobody does anything. */
export const isPassing = (status: number): boolean =>
  status === 0 || [408, 423, 425, 429, 460].includes(status) || status >= 500

/** `fileId`: of an upload that was begun earlier; null: it begins now. */
export const beginUpload = (fileId: string | null): UploadState => ({
  phase: fileId === null ? 'create' : 'ask',
  fileId,
  offset: 0,
  // The request that was cut off may hold the file still, and who comes then has sent its piece in vain.
  pieceBytes: fileId === null ? largestPieceBytes : smallestPieceBytes,
  attempt: 0,
  waitMs: 0,
  patternId: null,
  trouble: null,
})

/** `sizeBytes`: of the file. */
export function stepUpload(state: UploadState, said: TusAnswer, sizeBytes: number): UploadState {
  const { status, trouble } = said
  if (status >= 200 && status < 300) return accepted(state, said, sizeBytes)
  if (isPassing(status)) return cut(state, said)
  if (state.phase !== 'create' && (status === 404 || status === 410)) return anew(state)
  if (state.phase === 'send' && status === 409) return askAgain(state)
  return { ...state, phase: 'failed', trouble: trouble ?? unreadable(status) }
}

function accepted(state: UploadState, said: TusAnswer, sizeBytes: number): UploadState {
  const { phase } = state
  if (phase === 'create') {
    const { fileId, status } = said
    if (fileId === null) return { ...state, phase: 'failed', trouble: unreadable(status) }
    return { ...state, phase: 'send', fileId, offset: 0, waitMs: 0, trouble: null }
  }
  if (said.patternId !== null)
    return { ...state, phase: 'done', offset: sizeBytes, patternId: said.patternId, trouble: null }
  // Its pattern was removed since, or it is another file.
  const isOther = said.sizeBytes !== null && said.sizeBytes !== sizeBytes
  if (said.fileState === 'complete' || isOther) return anew(state)
  const { offset } = said
  if (offset === null || offset > sizeBytes) return askAgain(state)
  if (phase === 'ask')
    // One that was refused says why when it is sent on.
    return {
      ...state,
      phase: 'send',
      offset,
      attempt: offset > state.offset ? 0 : state.attempt,
      waitMs: 0,
      trouble: null,
    }
  if (offset <= state.offset) return askAgain(state)
  const pieceBytes = Math.min(largestPieceBytes, state.pieceBytes * 2)
  return { ...state, offset, pieceBytes, attempt: 0, waitMs: 0, trouble: null }
}

/** Whatever was under way may have arrived, in part or as a whole: the gateway says so. */
const cut = (state: UploadState, { status, retryAfterMs, trouble }: TusAnswer): UploadState => ({
  ...state,
  phase: state.phase === 'create' ? 'create' : 'ask',
  pieceBytes: state.phase === 'send' ? pieceAfter(status, state.pieceBytes) : state.pieceBytes,
  attempt: state.attempt + 1,
  waitMs: Math.min(longestDelayMs, Math.max(retryAfterMs, delayMs(state.attempt))),
  trouble: trouble ?? unreadable(status),
})

/** A line that breaks often gets smaller pieces; where another request is at the file, large ones go in vain. */
const pieceAfter = (status: number, pieceBytes: number): number =>
  status === 423
    ? smallestPieceBytes
    : status === 0
      ? Math.max(smallestPieceBytes, pieceBytes / 2)
      : pieceBytes

const askAgain = (state: UploadState): UploadState => ({ ...state, phase: 'ask', ...soon(state) })

const anew = (state: UploadState): UploadState => ({ ...beginUpload(null), ...soon(state) })

/** At once, but not over and over. */
const soon = ({ attempt }: UploadState) => ({
  attempt: attempt + 1,
  waitMs: attempt === 0 ? 0 : delayMs(attempt - 1),
  trouble: null,
})

const unreadable = (status: number): Trouble =>
  new Trouble(
    status,
    'unreadable',
    'The gateway answered what the panel does not understand. Reload the page.',
  )
