import { fail, ok } from '../../kernel/result.ts'
import type { Importer } from '../candidate.ts'
import { damagedTimed, type TimedHeader, timedBytes, timedCandidate, u16 } from './timed-frames.ts'

/** Upload Bridge DIM `.bin`: u16 width, u16 height (≤ 4096), u16 frames (≤ 20,000), then timed frames; exact length. */
export const readBinDim: Importer = (source, limits, hint) => {
  const bytes = source.read(0, 6)
  const width = u16(bytes, 0)
  const height = u16(bytes, 2)
  const frames = u16(bytes, 4)
  if (bytes.length < 6 || width < 1 || height < 1 || frames < 1) return ok([])
  if (width > 4096 || height > 4096 || frames > 20_000) return ok([])
  const header: TimedHeader = {
    format: 'dim',
    bodyAt: 6,
    leds: width * height,
    frames,
    size: { width, height },
    confidence: 0.95,
    reason: `the header (${width}×${height}, ${frames} frames) accounts for all ${source.sizeBytes} bytes`,
  }
  if (source.sizeBytes === timedBytes(header)) return timedCandidate(source, header, limits, hint)
  const damage = damagedTimed(source, header)
  return damage === undefined ? ok([]) : fail(damage)
}
