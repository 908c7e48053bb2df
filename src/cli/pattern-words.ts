import type { PatternView } from '../wire/pattern.ts'

/** `8×8`, `60 LEDs`, or a mark where the file does not say it. */
export function sizeWords({ raw, width, height, leds, ambiguous }: PatternView): string {
  if (raw) return 'raw'
  if (leds === null) return '?'
  const size = width === null || height === null ? `${leds} LEDs` : `${width}×${height}`
  return ambiguous ? `${size}?` : size
}

/** `12 frames, 3.4 s`. */
export function framesWords({ frames, durationMs }: PatternView): string {
  if (frames === null) return ''
  const count = frames === 1 ? '1 frame' : `${frames} frames`
  return durationMs === null ? count : `${count}, ${(durationMs / 1000).toFixed(1)} s`
}

/** The start of an id that is enough to name it: the millisecond (UUIDv7), which older versions that are not listed do not share. */
export const shortId = (id: string, others: readonly string[]): string => {
  for (let length = 13; length < id.length; length++) {
    const start = id.slice(0, length)
    if (!start.endsWith('-') && !others.some(other => other !== id && other.startsWith(start))) return start
  }
  return id
}
