import type { PatternFault } from './fault.ts'
import type { Frame } from './pattern.ts'

/**
 * Current of one colour channel at full value, mA. WS2812B data sheet (Worldsemi), table of LED characteristics: 20 mA for each of
 * red, green and blue, hence the 60 mA a pixel that power supplies are planned with.
 */
export const defaultMaPerChannel = 20
/** Current of one LED chip that shows black, mA; FastLED's power model (`power_mgt.cpp`, gDark_mW: 5 mW at 5 V) counts the same. */
export const idleMaPerLed = 1

export interface PowerModel {
  /** LEDs on the line, lit or not. */
  readonly leds: number
  readonly maPerChannel: number
}

/** Estimated current of a frame in mA. Duty-cycle dimming makes it proportional to the sum of the values. */
export function frameMa(pixels: Uint8Array, model: PowerModel): number {
  let sum = 0
  for (const value of pixels) sum += value
  return model.leds * idleMaPerLed + (sum * model.maPerChannel) / 255
}

export interface Peak {
  readonly peakMa: number
  /** Index of the frame. */
  readonly frame: number
}

/** The frame that draws most; peakMa is rounded up. */
export function peakOf(frames: readonly Pick<Frame, 'pixels'>[], model: PowerModel): Peak {
  let peak: Peak = { peakMa: 0, frame: 0 }
  for (const [frame, { pixels }] of frames.entries()) {
    const peakMa = Math.ceil(frameMa(pixels, model))
    if (peakMa > peak.peakMa) peak = { peakMa, frame }
  }
  return peak
}

/** A value dimmed as boards dim (SPEC §8.4): value · (level + 1) >> 8. */
export const dim = (value: number, level: number): number => (value * (level + 1)) >> 8

/** Highest brightness level 0–254 at which a frame of `peakMa` stays within `capMa`; null when the idle current alone exceeds it. */
export function fittingBrightness(peakMa: number, capMa: number, model: PowerModel): number | null {
  const idle = model.leds * idleMaPerLed
  if (idle > capMa) return null
  const light = peakMa - idle
  if (light <= 0) return 254
  const level = Math.floor(((capMa - idle) * 256) / light) - 1
  return level < 0 ? null : Math.min(254, level)
}

export function powerFault(peak: Peak, capMa: number, model: PowerModel): PatternFault {
  const level = fittingBrightness(peak.peakMa, capMa, model)
  const amps = (ma: number) => `${(ma / 1000).toFixed(2)} A`
  const cure =
    level === null
      ? `${model.leds} LEDs draw too much even when they are dark; raise the cap of the board if its supply allows`
      : `brightness ${level} of 255 (${Math.round(((level + 1) / 256) * 100)} %) would fit; give --brightness or --scale-power, or raise the cap of the board if its supply allows`
  return {
    kind: 'power_exceeded',
    message: `frame ${peak.frame} would draw about ${amps(peak.peakMa)}, the board is limited to ${amps(capMa)}: ${cure}`,
    peakMa: peak.peakMa,
    capMa,
    frame: peak.frame,
    fittingBrightness: level,
  }
}
