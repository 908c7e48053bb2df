/** How wrong answers in a row slow the next one down. */
export interface DelayRule {
  /** So many cost no time. */
  readonly free: number
  /** After one more; doubles with each that follows. */
  readonly firstMs: number
  readonly longestMs: number
  /** After so long without a wrong answer they are forgotten. */
  readonly forgetMs: number
}

/** Wrong answers in a row. */
export interface Failures {
  readonly failures: number
  /** Wall clock of the last one: it has to outlast a restart. */
  readonly lastMs: number
}

/**
 * Milliseconds until the next try is taken. A last failure that lies in the future was written under a clock that was
 * wrong; it keeps nobody out.
 */
export function waitMs({ failures, lastMs }: Failures, rule: DelayRule, nowMs: number): number {
  if (failures < rule.free || lastMs > nowMs) return 0
  const delayMs = Math.min(rule.longestMs, rule.firstMs * 2 ** Math.min(failures - rule.free, 32))
  return Math.max(0, lastMs + delayMs - nowMs)
}

/** The row with one more. */
export function withFailure(known: Failures | undefined, rule: DelayRule, nowMs: number): Failures {
  const fresh = known !== undefined && nowMs - known.lastMs <= rule.forgetMs
  return { failures: (fresh ? known.failures : 0) + 1, lastMs: nowMs }
}
