/** Before the second, third … attempt: at once for what is over soon, then slower and slower. */
const delaysMs = [100, 200, 400, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000] as const
/** So that many gateways do not come back to one receiver at the same moment. */
const varies = 0.25
/** After this a message is given up. */
const maxAgeMs = 24 * 3_600_000

/** Milliseconds until the next attempt after so many; undefined: it is given up. `lot`: 0 to 1. */
export function deliveryDelayMs(attempts: number, ageMs: number, lot: number): number | undefined {
  const delayMs = delaysMs[Math.min(attempts, delaysMs.length) - 1] ?? delaysMs[0]
  if (ageMs + delayMs > maxAgeMs) return undefined
  return Math.round(delayMs * (1 - varies + 2 * varies * lot))
}
