import type { Previews } from '../../upload/previews.ts'
import type { CandidateView } from '../../wire/pattern.ts'

type CandidateFacts = Awaited<ReturnType<Previews['candidates']>>[number]

/** A reading of a file as the API shows it. */
export function candidateView(candidate: CandidateFacts, index: number): CandidateView {
  const { format, width, height, leds, channels, frames, durationMs, confidence, reason } = candidate
  const picture = candidate.picture === true ? { picture: true as const } : {}
  return { index, format, width, height, leds, channels, frames, durationMs, confidence, reason, ...picture }
}
