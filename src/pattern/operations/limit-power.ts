import { fail, ok } from '../../kernel/result.ts'
import { defaultMaPerChannel, fittingBrightness, peakOf, powerFault } from '../power.ts'
import { brightness } from './brightness.ts'
import type { Operation } from './operation.ts'

/** Dims all frames alike until the brightest draws `capMa` at most; fault `power_exceeded` when even dark LEDs draw more. */
export const limitPower =
  (capMa: number, maPerChannel: number = defaultMaPerChannel): Operation =>
  (pattern, limits) => {
    const model = { leds: pattern.leds, maPerChannel }
    const peak = peakOf(pattern.frames, model)
    if (peak.peakMa <= capMa) return ok(pattern)
    const level = fittingBrightness(peak.peakMa, capMa, model)
    return level === null ? fail(powerFault(peak, capMa, model)) : brightness(level)(pattern, limits)
  }
