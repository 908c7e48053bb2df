import { fail, ok } from '../../kernel/result.ts'
import type { Importer } from '../candidate.ts'
import { invalidAt } from '../fault.ts'
import { type TimedHeader, timedBytes, timedCandidate, u16 } from './timed-frames.ts'

/** Upload Bridge `LEDM`: magic, u16 version (≤ 5), u16 LEDs, u16 frames, optionally u16 width and height, then timed frames. */
export const readBinLedm: Importer = (source, limits, hint) => {
  const bytes = source.read(0, 14)
  if (Buffer.from(bytes.subarray(0, 4)).toString('latin1') !== 'LEDM') return ok([])
  if (bytes.length < 10)
    return fail(invalidAt(bytes.length, 'the LEDM header needs 10 bytes; the file was cut short'))
  const version = u16(bytes, 4)
  const leds = u16(bytes, 6)
  const frames = u16(bytes, 8)
  if (version > 5) return fail(invalidAt(4, `LEDM version ${version}; versions up to 5 are known`))
  if (leds < 1) return fail(invalidAt(6, 'the LEDM header says 0 LEDs'))
  if (frames < 1) return fail(invalidAt(8, 'the LEDM header says 0 frames'))
  const plain: TimedHeader = {
    format: 'ledm',
    bodyAt: 10,
    leds,
    frames,
    size: null,
    confidence: 0.99,
    reason: `LEDM version ${version}, ${leds} LEDs, ${frames} frames`,
  }
  if (source.sizeBytes === timedBytes(plain)) return timedCandidate(source, plain, limits, hint)
  const width = u16(bytes, 10)
  const height = u16(bytes, 12)
  const sized: TimedHeader = { ...plain, bodyAt: 14, size: { width, height } }
  const expected = timedBytes(sized)
  if (source.sizeBytes !== expected) {
    const message = `${leds} LEDs × ${frames} frames need ${timedBytes(plain)} or (with a size) ${expected} bytes; the file has ${source.sizeBytes}`
    return fail(invalidAt(Math.min(source.sizeBytes, expected), message))
  }
  if (width * height !== leds)
    return fail(invalidAt(10, `the size ${width}×${height} does not make ${leds} LEDs`))
  return timedCandidate(source, sized, limits, hint)
}
