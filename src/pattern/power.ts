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

export interface Power {
  readonly peakMa: number
  /** Index of the frame with the highest current; the first of several. */
  readonly peakFrame: number
  /** Mean over time: a frame counts for as long as it is shown. */
  readonly meanMa: number
  /** Of each frame. */
  readonly framesMa: readonly number[]
}

/** What a pattern draws, in mA; peak, mean and frames are rounded up. */
export function powerOf(frames: readonly Frame[], model: PowerModel): Power {
  const framesMa = frames.map(({ pixels }) => Math.ceil(frameMa(pixels, model)))
  const { peakMa, frame: peakFrame } = peakOfCurrents(framesMa)
  let charge = 0
  let totalMs = 0
  for (const [index, { delayMs }] of frames.entries()) {
    charge += (framesMa[index] ?? 0) * delayMs
    totalMs += delayMs
  }
  return { peakMa, peakFrame, meanMa: totalMs === 0 ? 0 : Math.ceil(charge / totalMs), framesMa }
}

export interface Peak {
  readonly peakMa: number
  /** Index of the frame. */
  readonly frame: number
}

/** The frame that draws most; peakMa is rounded up. */
export const peakOf = (frames: readonly Pick<Frame, 'pixels'>[], model: PowerModel): Peak =>
  peakOfCurrents(frames.map(({ pixels }) => Math.ceil(frameMa(pixels, model))))

function peakOfCurrents(framesMa: readonly number[]): Peak {
  let peak: Peak = { peakMa: 0, frame: 0 }
  for (const [frame, peakMa] of framesMa.entries()) if (peakMa > peak.peakMa) peak = { peakMa, frame }
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
