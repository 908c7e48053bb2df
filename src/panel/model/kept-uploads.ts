/** An upload that this browser may go on with when the same file is chosen again. */
export interface KeptUpload {
  /** Of the person and the file's name, size and time; no name of a file lies about in the browser. */
  readonly key: string
  readonly fileId: string
  /** Bytes that the gateway has acknowledged, and the mark of them. */
  readonly atBytes: number
  readonly mark: string
  /** Wall clock. */
  readonly untilMs: number
}

export const mostKept = 16
/** As long as the gateway keeps an upload after its last byte. */
export const keptForMs = 24 * 3_600_000

/** What was kept and has not expired, oldest first; nothing of a text that this panel has not written. */
export function readKept(text: string | null, nowMs: number): readonly KeptUpload[] {
  try {
    const value: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(value) ? value.filter(isKept).filter(({ untilMs }) => isAlive(untilMs, nowMs)) : []
  } catch {
    return []
  }
}

export const withKept = (all: readonly KeptUpload[], one: KeptUpload): readonly KeptUpload[] =>
  [...withoutKept(all, one.key), one].slice(-mostKept)

export const withoutKept = (all: readonly KeptUpload[], key: string): readonly KeptUpload[] =>
  all.filter(each => each.key !== key)

// One that ends too far ahead was written under another time of day.
const isAlive = (untilMs: number, nowMs: number) => untilMs > nowMs && untilMs <= nowMs + keptForMs

function isKept(value: unknown): value is KeptUpload {
  const { key, fileId, atBytes, mark, untilMs } = (value ?? {}) as Readonly<Record<string, unknown>>
  return (
    [key, fileId, mark].every(each => typeof each === 'string') &&
    // It becomes part of a path.
    /^[\w-]{1,64}$/.test(String(fileId)) &&
    Number.isSafeInteger(atBytes) &&
    Number(atBytes) >= 0 &&
    typeof untilMs === 'number'
  )
}
