/** 2024-01-01. A clock that shows an earlier time has never been set. */
const everSetMs = 1_704_067_200_000

/**
 * How long the gateway was off, by the wall clock: when it was last noted and now. A clock that has gone back, or was not set
 * at one of the two times, says nothing: 0.
 */
export function timeAwayMs(notedMs: number | undefined, nowMs: number): number {
  if (notedMs === undefined || notedMs < everSetMs || nowMs < notedMs) return 0
  return nowMs - notedMs
}
