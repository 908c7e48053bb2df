import type { MetricsSample } from '../../wire/health.ts'

/** A quarter of an hour at one a second; a phone holds no more than it can show. */
export const maxSamples = 900

/** The series with these samples in it, oldest first, each moment once. */
export function withSamples(
  known: readonly MetricsSample[],
  added: readonly MetricsSample[],
): readonly MetricsSample[] {
  const lastTs = known.at(-1)?.ts ?? Number.NEGATIVE_INFINITY
  const ordered = added.every((sample, at) => sample.ts > (added[at - 1]?.ts ?? lastTs))
  const all = ordered
    ? [...known, ...added]
    : [...new Map([...known, ...added].map(sample => [sample.ts, sample])).values()].sort(
        (a, b) => a.ts - b.ts,
      )
  return all.slice(-maxSamples)
}
