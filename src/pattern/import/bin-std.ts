import { fail, ok } from '../../kernel/result.ts'
import type { Importer } from '../candidate.ts'
import { damagedTimed, type TimedHeader, timedBytes, timedCandidate, u16 } from './timed-frames.ts'

/** Upload Bridge STD `.bin`: u16 LEDs (1–10,000), u16 frames, then timed frames; the length must match exactly. */
export const readBinStd: Importer = (source, limits, hint) => {
  const bytes = source.read(0, 6)
  const leds = u16(bytes, 0)
  const frames = u16(bytes, 2)
  if (bytes.length < 4 || leds < 1 || leds > 10_000 || frames < 1) return ok([])
  const header: TimedHeader = {
    format: 'std',
    bodyAt: 4,
    leds,
    frames,
    size: null,
    confidence: 0.95,
    reason: `the header (${leds} LEDs, ${frames} frames) accounts for all ${source.sizeBytes} bytes`,
  }
  if (source.sizeBytes === timedBytes(header)) return timedCandidate(source, header, limits, hint)
  const damage = damagedTimed(source, header)
  return damage === undefined ? ok([]) : fail(damage)
}
