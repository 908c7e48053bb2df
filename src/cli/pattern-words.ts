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

/** What tells two stored patterns of one day apart, and is enough to name this one. */
export const shortId = (id: string, others: readonly string[]): string => {
  for (let length = 8; length < id.length; length++) {
    const start = id.slice(0, length)
    if (!start.endsWith('-') && !others.some(other => other !== id && other.startsWith(start))) return start
  }
  return id
}
