import type { CompiledPattern } from '../../pattern/compile.ts'
import { type BuiltImage, buildImage } from '../../protocol/image.ts'
import type { FitAdvice } from '../../wire/pattern-fit.ts'
import { type ImageCaps, neededBytes } from '../prepare.ts'

/** Pixel bytes that the tries for one advice may compress: about a second of noise on a PC, much less of a drawing. */
const budgetBytes = 8 * 1024 * 1024
const rates = [2, 3, 4, 6, 8]
/** Bits a colour channel. */
const depths = [4, 3, 2]

/** What would make a pattern fit that is too large, each thing tried: fewer frames, a lower rate, fewer colours. */
export function sizeAdvice(
  pattern: CompiledPattern,
  caps: ImageCaps,
  built: BuiltImage | undefined,
): readonly FitAdvice[] {
  return [
    fewerFrames(pattern, caps, built, new Tries(caps)),
    lowerRate(pattern, new Tries(caps)),
    fewerColors(pattern, new Tries(caps)),
  ].filter(advice => advice !== undefined)
}

/** Builds images to see how large they are, until the budget is used up. */
class Tries {
  readonly #caps: ImageCaps
  #leftBytes = budgetBytes

  constructor(caps: ImageCaps) {
    this.#caps = caps
  }

  affords({ leds }: CompiledPattern, frames: number): boolean {
    return frames * leds * 3 <= this.#leftBytes
  }

  /** The size where it fits; undefined: it does not, or may not be tried any more. */
  fits(pattern: CompiledPattern): number | undefined {
    if (!this.affords(pattern, pattern.frames.length)) return undefined
    this.#leftBytes -= pattern.frames.length * pattern.leds * 3
    const built = buildImage(pattern, this.#caps, 0)
    const needed = built.ok ? neededBytes(built.value) : Number.POSITIVE_INFINITY
    return needed <= this.#caps.slotBytes ? needed : undefined
  }
}

const kilobytes = (bytes: number): string => `${Math.ceil(bytes / 1024)} KB`

/** As many of the first frames as fit: the blocks that are there say about how many, building says exactly. */
function fewerFrames(
  pattern: CompiledPattern,
  caps: ImageCaps,
  built: BuiltImage | undefined,
  tries: Tries,
): FitAdvice | undefined {
  const { frames } = pattern
  const fits = (count: number) => tries.fits({ ...pattern, frames: frames.slice(0, count) }) !== undefined
  const { whole, next } = guess(built, caps, frames.length)
  let most = 0
  let tooMany = frames.length
  if (whole > 0 && !fits(whole)) tooMany = whole
  else if (whole > 0) {
    most = whole
    let step = Math.max(1, next - whole)
    for (; most + step < frames.length && fits(most + step); step *= 2) most += step
    tooMany = Math.min(frames.length, most + step)
  }
  while (tooMany - most > 1) {
    const middle = most + Math.floor((tooMany - most) / 2)
    if (!tries.affords(pattern, middle)) break
    if (fits(middle)) most = middle
    else tooMany = middle
  }
  if (most === 0) return undefined
  // A pattern too large to be tried often: what is promised was seen to fit all the same.
  const least = tooMany - most > 1 ? 'at least ' : ''
  const message = `Use fewer frames: ${least}the first ${most} of ${frames.length} fit.`
  return { kind: 'frames', frames: most, message }
}

/** Frames of the blocks that go into the slot together, and of one block more. */
function guess(
  built: BuiltImage | undefined,
  { slotBytes }: ImageCaps,
  frames: number,
): { whole: number; next: number } {
  if (built === undefined) return { whole: 0, next: frames }
  const entryBytes = built.manifest.length / Math.max(1, built.blocks.length)
  let usedBytes = 0
  let whole = 0
  for (const { storedBytes, frames: inBlock } of built.blocks) {
    usedBytes += storedBytes + 1 + entryBytes
    if (usedBytes > slotBytes) return { whole, next: Math.min(frames, whole + inBlock) }
    whole += inBlock
  }
  return { whole: Math.max(0, frames - 1), next: frames }
}

/** Every second frame, third frame …, shown for as long as those it stands for. */
function lowerRate(pattern: CompiledPattern, tries: Tries): FitAdvice | undefined {
  for (const rate of rates) {
    if (pattern.frames.length < 2 * rate) return undefined
    const frames = pattern.frames.flatMap(({ pixels }, at) => {
      const group = pattern.frames.slice(at, at + rate)
      const delayMs = Math.min(
        0xffffffff,
        group.reduce((sum, frame) => sum + frame.delayMs, 0),
      )
      return at % rate === 0 ? [{ pixels, delayMs }] : []
    })
    const needed = tries.fits({ ...pattern, frames })
    if (needed === undefined) continue
    const which = rate === 2 ? 'second' : rate === 3 ? 'third' : `${rate}th`
    const message = `Use a lower rate: every ${which} frame, shown ${rate} times as long, needs ${kilobytes(needed)} and fits.`
    return { kind: 'rate', everyNth: rate, neededBytes: needed, message }
  }
  return undefined
}

/** Colours rounded to fewer steps, so that a palette of the block holds them. */
function fewerColors(pattern: CompiledPattern, tries: Tries): FitAdvice | undefined {
  for (const bits of depths) {
    if (!tries.affords(pattern, pattern.frames.length)) return undefined
    const steps = 2 ** bits - 1
    const rounded = Uint8Array.from({ length: 256 }, (_, value) =>
      Math.round((Math.round((value * steps) / 255) * 255) / steps),
    )
    const frames = pattern.frames.map(({ delayMs, pixels }) => ({
      delayMs,
      pixels: pixels.map(value => rounded[value] ?? 0),
    }))
    const needed = tries.fits({ ...pattern, frames })
    if (needed === undefined) continue
    const message = `Use fewer colours: with ${steps + 1} steps of red, green and blue each it needs ${kilobytes(needed)} and fits.`
    return { kind: 'palette', stepsPerChannel: steps + 1, neededBytes: needed, message }
  }
  return undefined
}
