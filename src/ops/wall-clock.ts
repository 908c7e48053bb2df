/** A machine without a clock of its own begins in 1970, or when its disk was written last. */
const earliestMs = Date.UTC(2024, 0, 1)

/** Whether the wall time can be true at all. */
export const clockIsSet = (wallTimeMs: number): boolean => wallTimeMs >= earliestMs

/** The last moment, not after `nowMs`, at which a local clock showed `HH:MM`. */
export function lastLocalTime(at: string, nowMs: number): number {
  const [hours = 0, minutes = 0] = at.split(':').map(Number)
  const today = new Date(nowMs)
  today.setHours(hours, minutes, 0, 0)
  if (today.getTime() <= nowMs) return today.getTime()
  const yesterday = new Date(nowMs)
  yesterday.setDate(yesterday.getDate() - 1)
  // In the night when clocks go forward this time does not exist; then it is the one an hour later.
  yesterday.setHours(hours, minutes, 0, 0)
  return yesterday.getTime()
}
