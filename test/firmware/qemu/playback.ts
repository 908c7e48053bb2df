import type { Picture } from './strip-record.ts'

/** What the LEDs should show: a pattern in strip order. */
export interface Expected {
  readonly name: string
  readonly frames: readonly { readonly delayMs: number; readonly bytes: Uint8Array }[]
}

/** Between two pictures. */
export interface Gap {
  /** When it ended, since the start of the firmware. */
  readonly atMs: number
  /** How far it is from the first picture's delay. */
  readonly offMs: number
}

/** Pictures that followed each other as the frames of one pattern, within one run of the firmware. */
export interface Stretch {
  readonly name: string
  readonly boot: number
  readonly pictures: number
  readonly gaps: readonly Gap[]
}

/**
 * Reads pictures as stretches of these patterns: within one, the frames follow each other without a gap, and a new one begins where another
 * pattern or another run does. Throws at the first picture that is no frame of any of them, or the wrong one. Black and pictures that a reset cut are left out.
 */
export function stretches(pictures: readonly Picture[], patterns: readonly Expected[]): readonly Stretch[] {
  const found: { name: string; boot: number; pictures: number; gaps: Gap[] }[] = []
  let playing: Expected | undefined
  let [nextFrame, lastMs, lastDelayMs] = [0, 0, 0]
  const whole = patterns[0]?.frames[0]?.bytes.length
  for (const [at, { boot, atMs, bytes }] of pictures.entries()) {
    const last = found.at(-1)
    const next = last?.boot === boot ? playing?.frames[nextFrame] : undefined
    if (last !== undefined && next !== undefined && equal(next.bytes, bytes)) {
      last.pictures++
      last.gaps.push({ atMs, offMs: atMs - lastMs - lastDelayMs })
    } else {
      playing = undefined
      const cut = bytes.length !== whole && pictures[at + 1]?.boot !== boot
      if (cut || bytes.every(byte => byte === 0)) continue
      playing = patterns.find(({ frames }) => frames[0] !== undefined && equal(frames[0].bytes, bytes))
      if (playing === undefined)
        throw new Error(
          `picture ${at} of ${pictures.length} (start ${boot}, ${atMs.toFixed(1)} ms) is neither the next frame (${nextFrame}) of ${last?.name} nor the first of a pattern: ${Buffer.from(bytes).toString('hex')}`,
        )
      found.push({ name: playing.name, boot, pictures: 1, gaps: [] })
      nextFrame = 0
    }
    if (playing === undefined) continue
    lastMs = atMs
    lastDelayMs = playing.frames[nextFrame]?.delayMs ?? 0
    nextFrame = (nextFrame + 1) % playing.frames.length
  }
  return found
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
