import { fail, ok, type Result } from '../kernel/result.ts'
import type { Candidate } from './candidate.ts'
import type { PatternFault } from './fault.ts'

/** How far ahead of another self-describing reading one must be to be taken without asking. */
const clearLead = 0.2

/**
 * The reading to use: the one with `index`; else the only one; else the only self-describing one, or one clearly ahead of the others.
 * Raw readings are never chosen among several, however well one is ranked: fault `ambiguous` lists them all.
 */
export function chooseCandidate(
  candidates: readonly Candidate[],
  index?: number,
): Result<Candidate, PatternFault> {
  if (index !== undefined) {
    const asked = candidates[index]
    if (asked !== undefined) return ok(asked)
    const message = `there is no candidate ${index}; the file has ${candidates.length} (0 to ${candidates.length - 1})`
    return fail({ kind: 'bad_request', message })
  }
  const [only, ...others] = candidates
  if (only !== undefined && others.length === 0) return ok(only)
  const [best, second] = candidates
    .filter(candidate => candidate.selfDescribing)
    .toSorted((a, b) => b.confidence - a.confidence)
  if (best !== undefined && (second === undefined || best.confidence - second.confidence >= clearLead))
    return ok(best)
  const listed = candidates.slice(0, 6).map((candidate, at) => `${at}: ${describeCandidate(candidate)}`)
  const more = candidates.length > listed.length ? ` and ${candidates.length - listed.length} more` : ''
  const message = `the file can be read in ${candidates.length} ways (${listed.join('; ')}${more}); look at them with preview and choose one with --candidate`
  return fail({
    kind: 'ambiguous',
    message,
    candidates: candidates.map(({ open: _open, ...facts }) => facts),
  })
}

/** e.g. `raw 50 LEDs × 3160 frames`. */
function describeCandidate({ format, width, height, leds, frames }: Candidate): string {
  const shape = width !== null && height !== null ? `${width}×${height}` : `${leds} LEDs`
  return `${format} ${shape} × ${frames} frames`
}
