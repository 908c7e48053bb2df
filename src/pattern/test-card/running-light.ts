import type { CardStep } from './test-card.ts'

/** Longest run, so that a long strip does not make a large file: more LEDs go on at a time. */
const mostFrames = 500
const mostBytes = 32 * 1024 * 1024
const runMs = 15_000

/** The LEDs go on one after the other, every tenth and hundredth in a colour of its own, so that they can be counted. */
export function runningLight({
  width,
  height,
}: {
  readonly width: number
  readonly height: number
}): CardStep {
  const leds = width * height
  const stride = Math.ceil(leds / Math.min(mostFrames, Math.floor(mostBytes / (leds * 3))))
  const count = Math.ceil(leds / stride)
  const delayMs = Math.max(20, Math.min(300, Math.round(runMs / count)))
  const shown = new Uint8Array(leds * 3)
  const frames = Array.from({ length: count }, (_, step) => {
    for (let led = step * stride; led < Math.min(leds, (step + 1) * stride); led++)
      shown.set(colorOf(led + 1), led * 3)
    return { delayMs: step === count - 1 ? 2000 : delayMs, pixels: shown.slice() }
  })
  const steps = stride === 1 ? 'one by one' : `${stride} at a time`
  const caption = `The LEDs go on ${steps}, every 10th blue, every 100th magenta, the last green. There are ${leds}: when LEDs stay dark, the number is too small; when no green one is seen, it is too large.`
  frames.at(-1)?.pixels.set([0, 96, 0], (leds - 1) * 3)
  return { caption, frames }
}

const colorOf = (number: number): readonly [number, number, number] =>
  number % 100 === 0 ? [64, 0, 64] : number % 10 === 0 ? [0, 0, 64] : [16, 16, 16]
