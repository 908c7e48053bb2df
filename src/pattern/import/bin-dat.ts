import { fail, ok } from '../../kernel/result.ts'
import type { Importer } from '../candidate.ts'
import { damagedTimed, type TimedHeader, timedBytes, timedCandidate, u16 } from './timed-frames.ts'

const headerBytes = 6

/**
 * Upload Bridge `.dat` (`build_dat_payload` of its exporter): u8 width, u8 height, u16 frames, u8 bytes a pixel, u8 0, then timed frames.
 * Other tools write raw pixels under this name, so the length must match exactly.
 */
export const readBinDat: Importer = (source, limits, hint) => {
  const bytes = source.read(0, headerBytes)
  const [width = 0, height = 0] = bytes
  const frames = u16(bytes, 2)
  const bytesPerPixel = bytes[4] ?? 0
  if (bytes.length < headerBytes || width < 1 || height < 1 || frames < 1 || bytes[5] !== 0) return ok([])
  if (bytesPerPixel === 2 && source.sizeBytes === headerBytes + frames * (2 + width * height * 2)) {
    const message = `this is an Upload Bridge .dat of ${width}×${height} pixels in 16 bits (RGB565); export it in RGB888`
    return fail({ kind: 'unsupported', format: 'an Upload Bridge .dat in RGB565', message })
  }
  if (bytesPerPixel !== 3) return ok([])
  const header: TimedHeader = {
    format: 'dat',
    bodyAt: headerBytes,
    leds: width * height,
    frames,
    size: { width, height },
    confidence: 0.97,
    reason: `the header (${width}×${height}, ${frames} frames, 3 bytes a pixel) accounts for all ${source.sizeBytes} bytes`,
  }
  if (source.sizeBytes === timedBytes(header)) return timedCandidate(source, header, limits, hint)
  const damage = damagedTimed(source, header)
  return damage === undefined ? ok([]) : fail(damage)
}
